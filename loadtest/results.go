package loadtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/httpdest/httpdest/engine"
)

// Results writes each request of an attack in the form that Vegeta's own commands
// read, such as report and encode. The latency is the service time.
type Results struct {
	name, url string
	out       *bufio.Writer
	encode    vegeta.Encoder
	err       error // of the first write that failed
}

// NewResults writes to w, by the name of the attack and the URL of the receiver
// without its query, which may hold a key.
func NewResults(w io.Writer, name, url string) *Results {
	out := bufio.NewWriter(w)
	return &Results{name: name, url: url, out: out, encode: vegeta.NewEncoder(out)}
}

func (r *Results) keep(x *vegeta.Result) {
	if r.err == nil {
		r.err = r.encode(x)
	}
}

// Close writes what is left. The error is the first of all writes.
func (r *Results) Close() error {
	if err := r.out.Flush(); r.err == nil {
		r.err = err
	}
	return r.err
}

// hits are those of the attack, as requests that Vegeta would send.
func (x *attacking) hits() hits {
	h := hits{hit: x.hit, tick: x.tick}
	if r := x.Results; r != nil {
		h.name, h.keep = r.name, r.keep
		h.target = func(n uint64) vegeta.Target { return target(r.url, x.message(n)) }
	}
	return h
}

// target is a message as Vegeta knows requests: without credentials and custom
// headers, which may be secrets.
func target(url string, m *engine.Message) vegeta.Target {
	return vegeta.Target{Method: http.MethodPost, URL: url, Body: m.Body, Header: http.Header{"Content-Type": {contentType}}}
}

// contentType is that of each message.
const contentType = "application/json"

// WriteTargets writes messages as targets in Vegeta's JSON form, one a line.
func WriteTargets(w io.Writer, url string, messages []*engine.Message) error {
	out := bufio.NewWriter(w)
	encode := vegeta.NewJSONTargetEncoder(out)
	for _, m := range messages {
		t := target(url, m)
		if err := encode(&t); err != nil {
			return err
		}
	}
	return out.Flush()
}

// TargetError is a line of a file of targets that cannot be sent.
type TargetError struct {
	Number  int // of the target, from 1
	Problem string
}

// Error names the target.
func (e *TargetError) Error() string { return fmt.Sprintf("target %d: %s", e.Number, e.Problem) }

// ReadTargets reads targets in Vegeta's JSON form, as messages for the receiver at
// an address. Their bodies are sent, with the headers and credentials of the attack.
// The error is a *TargetError, or that of the reader.
func ReadTargets(in io.Reader, address string) ([]*engine.Message, error) {
	// Vegeta leaves out a last line that does not end.
	read := vegeta.NewJSONTargeter(io.MultiReader(in, strings.NewReader("\n")), nil, nil)
	var out []*engine.Message
	for n := 1; ; n++ {
		var t vegeta.Target
		err := read(&t)
		switch {
		case errors.Is(err, vegeta.ErrNoTargets) && len(out) == 0:
			return nil, &TargetError{1, "the file has no targets"}
		case errors.Is(err, vegeta.ErrNoTargets):
			return out, nil
		case err != nil:
			return nil, &TargetError{n, err.Error()}
		}
		if problem := unsendable(t, address); problem != "" {
			return nil, &TargetError{n, problem}
		}
		out = append(out, &engine.Message{ID: fmt.Sprintf("target-%d", n), Body: t.Body})
	}
}

// unsendable is why a target is not a message for the receiver at an address.
func unsendable(t vegeta.Target, address string) string {
	switch {
	case t.Method != http.MethodPost:
		return fmt.Sprintf("the method is %q; messages are sent with POST", t.Method)
	case !sameReceiver(t.URL, address):
		return "it is for another URL than the receiver's"
	case !json.Valid(bytes.TrimSpace(t.Body)):
		return "the body is not JSON"
	}
	return ""
}

// sameReceiver compares addresses without their queries: the attack has its own.
func sameReceiver(a, b string) bool {
	x, err := url.Parse(a)
	y, errOther := url.Parse(b)
	path := func(u *url.URL) string {
		if u.Path == "" {
			return "/"
		}
		return u.Path
	}
	return err == nil && errOther == nil && x.Scheme == y.Scheme && x.Host == y.Host && path(x) == path(y)
}
