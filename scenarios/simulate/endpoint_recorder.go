package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// EndpointRecorder is a journal that writes a recording of the endpoint's side as it
// happens, a line at a time, and keeps nothing. It is safe for concurrent use.
type EndpointRecorder struct {
	redactor    *recorder // knows what must not be in it; its lines stay empty
	destination string    // key of that whose endpoint it is, where the scenario has several

	mu  sync.Mutex
	out io.Writer
	err error
}

// NewEndpointRecorder opens a recording on w. sc is the scenario that the endpoint plays,
// and may be nil; secret must not be in the recording, nor must the credentials
// of the scenario; "" means no secret.
func NewEndpointRecorder(w io.Writer, sc *scenarios.Scenario, now time.Time, secret string) *EndpointRecorder {
	run := &recording.Run{Schema: recording.Schema, Scenario: "mock", Title: "Requests at the mock endpoint", Start: now, Endpoint: "mock",
		Clock: string(Wall), ToleranceMs: Tolerance.Milliseconds(), Side: "endpoint"}
	if sc != nil {
		run.Scenario, run.Title, run.Seed = path.Base(sc.ID), sc.Title, sc.Seed
	}
	t := &EndpointRecorder{redactor: &recorder{}, out: w}
	if sc != nil {
		t.redactor, t.destination = newRecorder(sc.Whole()), sc.Destination.Key
	}
	t.redactor.hide(secret)
	t.write(recording.Line{Run: run})
	return t
}

// Request implements journal.Sink.
func (t *EndpointRecorder) Request(q journal.Request) {
	t.write(recording.Line{Destination: t.destination, Request: recordedRequest(q, &t.redactor.redactor)})
}

// Handshake implements journal.Sink.
func (t *EndpointRecorder) Handshake(h journal.Handshake) {
	t.write(recording.Line{Destination: t.destination, Handshake: recordedHandshake(h)})
}

// End closes the recording: until then it counts as cut off. faults are how
// far the plan of the endpoint got.
func (t *EndpointRecorder) End(now time.Time, faults []recording.Fault) error {
	t.write(recording.Line{End: &recording.End{At: now, Faults: faults}})
	err := t.Err()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = cmp.Or(t.err, errEnded) // nothing follows an end line
	return err
}

var errEnded = errors.New("the recording has ended")

// Err is the first error of writing. Nothing is written after it, so that the
// recording is one that was cut off, and not one with a gap.
func (t *EndpointRecorder) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *EndpointRecorder) write(l recording.Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	if err := recording.WriteLine(t.out, l); err != nil {
		t.err = fmt.Errorf("recording: %w", err)
	}
}
