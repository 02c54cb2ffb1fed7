package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/scenarios"
)

// proxyFlags are the flags of httpdest proxy: those of mock, and the receiver.
type proxyFlags struct {
	mockFlags
	receiverFlags
	url     string
	ownHost bool
}

func (a *app) proxyCommand() *cobra.Command {
	f := proxyFlags{mockFlags: mockFlags{files: certificateFiles{prefix: "server-"}}}
	c := &cobra.Command{
		Use:   "proxy --to URL",
		Short: "Put faults between your sender and your receiver",
		Long: `Stand between a sender and a receiver: take requests as mock does, send each on to the
receiver of --to, and answer what it answered. Faults of the scenario, of the page and
of the admin API act in between, so that a sender meets a lost, late or wrong answer of a
receiver that works.

Requests and answers pass byte for byte, except the headers of a single connection, such as
Connection and Transfer-Encoding. No redirect is followed, and no header is added. Each
connection of the sender has one to the receiver. A receiver that gives no answer is
answered for with 502, and stderr and the journal give the reason. The journal has what
the receiver answered and how long it took.

A fault with an answer of its own, such as status: 503, reset or stall, keeps the request
from the receiver. latency delays the request. slowBody, malformedChunk, endless and the
faults at: body and at: end act on the receiver's answer. forward: before has the receiver
get the request first, so that its answer is late or lost. forward: twice sends it twice.

The receiver checks credentials and content, not the proxy: requirements of the scenario's
endpoint are left out. The flags --require-header and so on refuse a request that lacks
something, and the receiver does not see it. At the end stderr lists how often each fault
of the scenario fired. The exit status is 3 where one fired less often than planned.

An address that is not of this machine needs --i-own-this-endpoint.`,
		Example: `  httpdest proxy --to http://127.0.0.1:8080 --tls plain --listen 127.0.0.1:8081
  httpdest proxy --to https://127.0.0.1:8443 --ca ca.pem --scenario faults.yaml --ca-dir throwaway`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.proxy(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.url, "to", "", "URL of the receiver: scheme, host and port; path and query are the sender's")
	addReceiverFiles(c.Flags(), &f.cert, &f.key, &f.ca)
	c.Flags().BoolVar(&f.ownHost, "receiver-host", false, "send the host of --to as Host (default: the sender's)")
	c.Flags().BoolVar(&f.own, "i-own-this-endpoint", false,
		"the receiver is yours: needed for every address that is not of this machine")
	f.add(c.Flags())
	completeMock(c)
	return c
}

// proxy serves until a signal or the end of ctx.
func (a *app) proxy(ctx context.Context, f proxyFlags) error {
	receiver, err := f.open(a.stderr)
	if err != nil {
		return err
	}
	f.receiver = receiver
	plan, err := f.plan(a)
	if err != nil {
		return err
	}
	return a.play(ctx, f.mockFlags, plan)
}

// open checks the flags of the receiver.
func (f proxyFlags) open(stderr io.Writer) (*forward.Receiver, error) {
	const form = "give --to http://HOST:PORT or https://HOST:PORT"
	if f.url == "" {
		return nil, failure{exitUsage, errors.New("--to is missing"), form}
	}
	to, err := url.Parse(f.url)
	if err != nil {
		return nil, failure{exitUsage, errors.New("--to is not a URL"), form} // which may hold a password
	}
	return f.receiverFlags.open(stderr, forward.Config{URL: to, OwnHost: f.ownHost}, "--to", form,
		"put faults only before what you own; when you do, say so with --i-own-this-endpoint")
}

// forwardable refuses faults of the token endpoint, which the mock has and a proxy
// has not.
func forwardable(sc *scenarios.Scenario) error {
	var wrong scenarios.Problems
	for _, f := range sc.Endpoint.Faults {
		var key string
		switch {
		case f.On == "token":
			key = "on: token"
		case f.Revoke:
			key = "revoke"
		default:
			continue
		}
		wrong = append(wrong, scenarios.Problem{
			Pos:     f.Pos,
			Message: fmt.Sprintf("fault %s: %s needs the token endpoint of mock, which proxy does not have", f.ID, key),
			Hint:    "leave the fault out, or select the receiver's token requests as messages",
		})
	}
	if len(wrong) == 0 {
		return nil
	}
	return failure{exitUsage, wrong, ""}
}

// withoutReceiver refuses faults that need the receiver of a proxy.
func withoutReceiver(cases ...*scenarios.Scenario) error {
	var wrong scenarios.Problems
	for _, sc := range cases {
		for _, part := range sc.Split() {
			for _, f := range part.Endpoint.Faults {
				text := fmt.Sprintf("fault %s: forward: %s needs a receiver, which the mock does not have", f.ID, f.Forward)
				p := scenarios.Problem{
					Pos:     f.Pos,
					Message: text,
					Hint:    "play the file by httpdest proxy --to URL --scenario FILE or httpdest run --endpoint URL, or leave forward out",
				}
				if f.Forward != "" && !slices.Contains(wrong, p) { // dataflows may share an endpoint
					wrong = append(wrong, p)
				}
			}
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return failure{exitUsage, wrong, ""}
}

// receiverWatch prints a line when a receiver begins to fail, when it fails in
// another way, and when it answers again.
type receiverWatch struct {
	stderr io.Writer
	mu     sync.Mutex
	reason string // why it failed last; "": it answered
}

func (w *receiverWatch) observe(err error) {
	reason, text := "", ""
	var failed *forward.Failure
	if errors.As(err, &failed) {
		reason, text = failed.Reason, failed.Error()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case reason == w.reason:
		return
	case reason == "":
		fmt.Fprintln(w.stderr, "httpdest: the receiver answers again")
	default:
		fmt.Fprintf(w.stderr, "httpdest: 502 for the receiver: %s (%s)\n", text, reason)
	}
	w.reason = reason
}
