package mockendpoint

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// read reads a body that claims a length.
func readAs(b *bodyRoom, body io.Reader, length int64) (string, int64, error) {
	r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(body))
	r.ContentLength = length
	got, reserved, err := b.read(httptest.NewRecorder(), r)
	return string(got), reserved, err
}

// A body takes about its own size, whatever its length claims, and gives it back.
func TestBodiesTakeTheirSize(t *testing.T) {
	text := strings.Repeat("x", 300_000)
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		want   string
		most   int64
	}{
		"with its length":        {strings.NewReader(text), 300_000, text, 300_001 + 1<<16},
		"in chunks":              {iotest.HalfReader(strings.NewReader(text)), -1, text, 600_000},
		"byte by byte":           {iotest.OneByteReader(strings.NewReader("abc")), 3, "abc", 4},
		"empty":                  {strings.NewReader(""), 0, "", 1},
		"a promise of 16 MiB":    {strings.NewReader("abc"), 16 << 20, "abc", 64 << 10},
		"data and end at a time": {iotest.DataErrReader(strings.NewReader(text)), 300_000, text, 300_001 + 1<<16},
	} {
		b := newBodyRoom(0)
		got, reserved, err := readAs(b, c.body, c.length)
		if err != nil || got != c.want || reserved > c.most || reserved != b.held {
			t.Errorf("%s: %d bytes, %d reserved, %d held, %v; want %d bytes in at most %d", name, len(got), reserved, b.held, err, len(c.want), c.most)
		}
		if b.release(reserved); b.held != 0 {
			t.Errorf("%s: %d bytes stay reserved", name, b.held)
		}
	}
}

// Where bodies fill their room, large ones are refused and small ones are not.
func TestLargeBodiesLeaveRoomForSmallOnes(t *testing.T) {
	b := newBodyRoom(1 << 20)
	_, first, err := readAs(b, strings.NewReader(strings.Repeat("x", 900_000)), 900_000)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := readAs(b, strings.NewReader(strings.Repeat("x", 900_000)), 900_000)
	if status, _, ok := turnedAway(err); !ok || status != http.StatusServiceUnavailable {
		t.Errorf("a second large body: %v; want 503", err)
	}
	b.release(second)
	if got, third, err := readAs(b, strings.NewReader(strings.Repeat("x", 60_000)), 60_000); err != nil || len(got) != 60_000 {
		t.Errorf("a small body: %d bytes, %v", len(got), err)
	} else {
		b.release(third)
	}
	b.release(first)
	if b.held != 0 {
		t.Errorf("%d bytes stay reserved", b.held)
	}
}

// While large bodies are taken apart, a small one does not wait.
func TestSmallBodiesDoNotWait(t *testing.T) {
	b := newBodyRoom(0)
	for range cap(b.heavy) {
		b.heavy <- struct{}{}
	}
	done := false
	b.work(lightBody, func() { done = true })
	if !done {
		t.Error("a small body was not taken apart")
	}
}

func TestTurnedAway(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		ok     bool
	}{
		"too large":       {errBodyTooLarge, 413, true},
		"no room":         {errBodiesFull, 503, true},
		"malformed":       {errors.New("malformed chunked encoding"), 400, true},
		"the client left": {io.ErrUnexpectedEOF, 0, false},
	} {
		if status, reason, ok := turnedAway(c.err); status != c.status || ok != c.ok || ok && reason == "" {
			t.Errorf("%s: %d %q %v; want %d %v", name, status, reason, ok, c.status, c.ok)
		}
	}
}

// Silent connections end on the wall clock, and never by it in simulation.
func TestSilentConnectionsEnd(t *testing.T) {
	live := New(Options{})
	defer func() { _ = live.Close() }()
	if s := live.server; s.IdleTimeout != idle || s.ReadHeaderTimeout != silence || live.silence != silence {
		t.Errorf("timeouts %s, %s, %s on the wall clock", s.IdleTimeout, s.ReadHeaderTimeout, live.silence)
	}
	simulated := New(Options{Wait: func(context.Context, time.Duration) error { return nil }})
	defer func() { _ = simulated.Close() }()
	if s := simulated.server; s.IdleTimeout != 0 || s.ReadHeaderTimeout != 0 || simulated.silence != 0 {
		t.Errorf("timeouts %s, %s, %s in simulation", s.IdleTimeout, s.ReadHeaderTimeout, simulated.silence)
	}
}
