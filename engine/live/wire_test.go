package live

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
)

// A socket is kept between two messages, and closed when it has been idle for
// IdleTimeout; the timer runs for as long as there is one.
func TestIdleSocketsAreClosed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	for _, transport := range []delivery.Transport{delivery.NetHTTP, delivery.Blocking} {
		s := delivery.New(delivery.Config{Transport: transport, UserAgent: "httpdest",
			Destination: dataflow.Destination{Endpoint: server.URL, Auth: dataflow.Auth{Kind: dataflow.AuthNone}}})
		w := NewWire(s)
		op := engine.Operation{Kind: engine.Attempt, Message: &engine.Message{Body: []byte("{}")}, Budget: time.Hour}
		for range 3 {
			if c := w.Perform(t.Context(), op); c.Outcome.Status != 200 {
				t.Fatalf("outcome %+v", c.Outcome)
			}
		}
		w.sweep()
		if s.Idle() != 1 || w.timer == nil {
			t.Fatalf("%d idle sockets, timer %v; want the one that was used three times, and a timer for it", s.Idle(), w.timer)
		}
		x := w.take(op)
		if !x.Reused {
			t.Error("the idle socket was not used")
		}
		x.Do(t.Context())
		s.Finish(x).Rest(time.Now().Add(-delivery.IdleTimeout))
		w.sweep()
		if s.Idle() != 0 || w.timer != nil {
			t.Errorf("%d idle sockets, timer %v; want none, and none", s.Idle(), w.timer)
		}
		w.Close()
	}
}

// An observer of a wire is called before an exchange begins and after it ended,
// with its end of the socket.
func TestExchangesAreObserved(t *testing.T) {
	arrived := ""
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived = r.RemoteAddr }))
	defer server.Close()
	w := NewWire(delivery.New(delivery.Config{Transport: delivery.Blocking, UserAgent: "httpdest",
		Destination: dataflow.Destination{Endpoint: server.URL, Auth: dataflow.Auth{Kind: dataflow.AuthNone}}}))
	defer w.Close()
	var told []string
	w.Observe(func(op engine.Operation, x *delivery.Exchange) func(delivery.Result) {
		told = append(told, "begins: "+op.Message.ID+arrived)
		return func(r delivery.Result) {
			told = append(told, "over: "+r.Outcome.String(), x.Local().String())
		}
	})
	w.Perform(t.Context(), engine.Operation{Kind: engine.Attempt, Message: &engine.Message{ID: "doc#1", Body: []byte("{}")}, Budget: time.Hour})
	if want := []string{"begins: doc#1", "over: 200", arrived}; !slices.Equal(told, want) {
		t.Errorf("told %q; want %q", told, want)
	}
}
