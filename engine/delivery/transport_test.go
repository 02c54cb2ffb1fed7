package delivery

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
)

// recording is a third transport: it carries as another does, and keeps the first
// line and the status of each exchange.
type recording struct {
	Transport
	mu    sync.Mutex
	lines []string
}

// recorder is a connection of it.
type recorder struct {
	carrier
	of *recording
}

func (r *recording) open(ctx context.Context, k *Socket, x *Exchange) (carrier, error) {
	c, err := r.Transport.open(ctx, k, x)
	if err != nil {
		return nil, err
	}
	return recorder{c, r}, nil
}

func (r recorder) roundTrip(ctx context.Context, x *Exchange) (*http.Response, error) {
	response, err := r.carrier.roundTrip(ctx, x)
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	if err == nil {
		r.of.lines = append(r.of.lines, fmt.Sprintf("%s %s: %d", x.Method, x.target.Path, response.StatusCode))
	}
	return response, err
}

// A further transport is its own file alone: the sender does not know it.
func TestAThirdTransportCarriesExchanges(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	for _, below := range []Transport{NetHTTP, Blocking} {
		r := &recording{Transport: below}
		s := New(Config{Destination: dataflow.Destination{Endpoint: server.URL + "/in", Auth: dataflow.Auth{Kind: dataflow.AuthNone}}, Transport: r})
		message := &engine.Message{Body: []byte("{}")}
		for _, op := range []engine.Operation{{Kind: engine.Attempt, Message: message}, {Kind: engine.Attempt, Message: message}, {Kind: engine.Decision}} {
			x := s.Prepare(op)
			x.Do(t.Context())
			s.Finish(x)
		}
		s.Close()
		if got, want := fmt.Sprint(r.lines), "[POST /in: 200 POST /in: 200 OPTIONS /in: 204]"; got != want || s.dialled != 2 {
			t.Errorf("%T: %s on %d sockets; want %s on 2: one kept alive, one for the decision", below, got, s.dialled, want)
		}
	}
}
