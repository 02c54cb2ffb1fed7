package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// defaultDuration bounds a run to somebody's receiver.
const defaultDuration = 30 * time.Minute

// endpointFlags are those of httpdest run --endpoint.
type endpointFlags struct {
	receiverFlags
	url     string
	bearer  string
	longest time.Duration
	stored  storedFlags
	dryRun  bool
	limits  struct {
		requests int
		time     time.Duration
	}
}

func (f *endpointFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "endpoint", "", "URL of a receiver of your own to play to, on the wall clock and through the faults of each case")
	addReceiverFiles(flags, &f.cert, &f.key, &f.ca)
	flags.StringVar(&f.bearer, "bearer", "", "with --endpoint: the bearer token that the receiver takes (default: the authentication of each case); "+secretForms)
	flags.DurationVar(&f.longest, "longest-gap", time.Second, "with --endpoint: a longer time between two moments of a history is played as this")
	f.stored.add(flags)
	flags.BoolVar(&f.dryRun, "dry-run", false, "with --endpoint: print what would be sent, and send nothing")
	flags.IntVar(&f.limits.requests, "requests", scenarios.DefaultProbeRequests, "with --endpoint: requests to the receiver in all, at most")
	flags.DurationVar(&f.limits.time, "duration", defaultDuration, "with --endpoint: how long the cases may last together")
	flags.BoolVar(&f.own, "i-own-this-endpoint", false, "the receiver is yours: needed for every address that is not of this machine")
}

// checkEndpoint refuses flags that do not go together.
func (f runFlags) checkEndpoint(args []string, changed func(flag string) bool) error {
	if f.endpoint.url == "" {
		for _, name := range []string{"cert", "key", "ca", "bearer", "longest-gap", "read-back", "read-back-within", "read-back-ignore",
			"dry-run", "requests", "duration", "i-own-this-endpoint"} {
			if changed(name) {
				return failure{exitUsage, fmt.Errorf("--%s without --endpoint", name), "give --endpoint URL to play to a receiver of your own"}
			}
		}
		return nil
	}
	for _, name := range []string{"through", "time", "repeat", "shards"} {
		if changed(name) {
			return failure{exitUsage, fmt.Errorf("--%s and --endpoint exclude each other", name), "leave one of them out: --endpoint plays on the wall clock, once"}
		}
	}
	switch {
	case f.endpoint.stored.url == "" && (changed("read-back-within") || changed("read-back-ignore")):
		return failure{exitUsage, errors.New("--read-back-within and --read-back-ignore without --read-back"), "give --read-back URL, where a profile that is stored can be read"}
	case f.endpoint.stored.within <= 0:
		return failure{exitUsage, fmt.Errorf("--read-back-within %s", f.endpoint.stored.within), "give a time such as 5s"}
	case f.endpoint.limits.requests < 1:
		return failure{exitUsage, fmt.Errorf("--requests %d", f.endpoint.limits.requests), "give 1 or more"}
	case f.endpoint.limits.time <= 0:
		return failure{exitUsage, fmt.Errorf("--duration %s", f.endpoint.limits.time), "give a time such as 10m"}
	case f.endpoint.longest <= 0:
		return failure{exitUsage, fmt.Errorf("--longest-gap %s", f.endpoint.longest), "give a time such as 1s"}
	case len(args) == 0 && f.pattern == "" && f.label == "" && !f.list:
		return failure{exitUsage, errors.New("--endpoint without cases would play the whole library to your receiver"), "name files, or choose with --run or --label; --list shows what is chosen"}
	}
	return nil
}

// play takes the receiver into the options of a run, and the token into its cases. Without
// a receiver it refuses cases that need one.
func (f endpointFlags) play(a *app, o *simulate.Options, cases []*scenarios.Scenario) ([]*scenarios.Scenario, error) {
	if f.url == "" {
		return cases, withoutReceiver(cases...)
	}
	bearer, err := a.secretOf("--bearer", f.bearer)
	if err != nil {
		return nil, err
	}
	onward, err := f.open(a.stderr)
	if err != nil {
		return nil, err
	}
	o.Through, o.Onward = simulate.OnTheWall, onward
	if bearer == "" {
		return cases, nil
	}
	out := make([]*scenarios.Scenario, len(cases))
	for i, sc := range cases {
		with := *sc
		with.Destination.Auth = scenarios.Auth{Type: "bearer", Token: scenarios.Secret(bearer)}
		with.Endpoint.Bearer = with.Destination.Auth.Token
		out[i] = &with
	}
	return out, nil
}

// again are the words that play to the same receiver once more, without what may be a
// credential.
func (f endpointFlags) again() []string {
	to, err := url.Parse(f.url)
	if err != nil || f.url == "" {
		return nil
	}
	to.User, to.RawQuery = nil, ""
	words := []string{"--endpoint", to.String()}
	if f.stored.url != "" { // which holds no password
		words = append(words, "--read-back", f.stored.url)
	}
	return words
}

// open checks the flags of the receiver.
func (f endpointFlags) open(stderr io.Writer) (*simulate.Onward, error) {
	const form = "give --endpoint https://HOST:PORT/PATH, or http for one of this machine"
	to, err := url.Parse(f.url)
	switch {
	case err != nil:
		return nil, failure{exitUsage, errors.New("--endpoint is not a URL"), form} // which may hold a password
	case to.Fragment != "":
		return nil, failure{exitUsage, errors.New("--endpoint has a fragment, which is never sent"), form}
	}
	f.own = f.own || f.dryRun // nothing is sent
	base := &url.URL{Scheme: to.Scheme, User: to.User, Host: to.Host}
	receiver, err := f.receiverFlags.open(stderr, forward.Config{URL: base, OwnHost: true}, "--endpoint", form,
		"play only to what you own; when you do, say so with --i-own-this-endpoint")
	if err != nil {
		return nil, err
	}
	stored, err := f.stored.open(f.receiverFlags, to)
	if err != nil {
		return nil, err
	}
	out := &simulate.Onward{Receiver: receiver, URL: to, LongestGap: f.longest, Run: runNumber(), ReadBack: stored}
	out.Allowance.Requests, out.Allowance.Time = f.limits.requests, f.limits.time
	return out, nil
}
