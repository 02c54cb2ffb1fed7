package simulate_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// Many connections journal at once: every line is whole, and what is read is
// what happened.
func TestTapeOfManyConnections(t *testing.T) {
	var out bytes.Buffer
	recorder := simulate.NewEndpointRecorder(&out, nil, noon, "s3cret")
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			recorder.Request(journal.Request{Arrived: noon, Socket: n, Method: "POST", Body: []byte(`{"token":"s3cret"}`)})
			recorder.Handshake(journal.Handshake{Accepted: noon, Socket: n, Reason: "not-tls"})
		})
	}
	wg.Wait()
	if err := recorder.End(noon.Add(time.Hour), []recording.Fault{{ID: "fault-1", Fired: 2}}); err != nil {
		t.Fatal(err)
	}
	recorder.Request(journal.Request{Arrived: noon, Method: "POST"}) // too late
	lines, err := recording.Read(&out)
	if err != nil || len(lines) != 102 {
		t.Fatalf("%d lines, %v; want 102", len(lines), err)
	}
	if run := lines[0].Run; run.Side != "endpoint" || run.Clock != "wall" || !run.Start.Equal(noon) {
		t.Errorf("run line %+v", run)
	}
	for _, l := range lines {
		if l.Request != nil && l.Request.Body != `{"token":"[redacted]"}` {
			t.Errorf("body %s", l.Request.Body)
		}
	}
}

// full takes so many writes, and then has no space left.
type full struct {
	bytes.Buffer
	left int
}

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return f.Buffer.Write(p[:len(p)/2])
	}
	return f.Buffer.Write(p)
}

var errFull = errors.New("no space left")

type failing struct{ *full }

func (f failing) Write(p []byte) (int, error) {
	if n, _ := f.full.Write(p); n < len(p) {
		return n, errFull
	}
	return len(p), nil
}

// After a write that failed nothing follows: the recording is one that was cut
// off, never one with a gap that looks whole.
func TestTapeOnAFullDisk(t *testing.T) {
	disk := &full{left: 2}
	recorder := simulate.NewEndpointRecorder(failing{disk}, nil, noon, "")
	for range 3 {
		recorder.Request(journal.Request{Arrived: noon, Method: "POST"})
	}
	disk.left = 100 // someone makes room
	recorder.Request(journal.Request{Arrived: noon, Method: "POST"})
	if err := recorder.End(noon, nil); !errors.Is(err, errFull) {
		t.Errorf("End = %v; want %v", err, errFull)
	}
	if n := strings.Count(disk.String(), "\n"); n != 2 {
		t.Errorf("%d whole lines; want the two before the failure", n)
	}
	if _, err := recording.Read(&disk.Buffer); !errors.Is(err, recording.ErrCutOff) {
		t.Errorf("Read = %v; want %v", err, recording.ErrCutOff)
	}
}
