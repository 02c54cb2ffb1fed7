package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/engine/intake"
	"github.com/httpdest/httpdest/engine/store"
)

// inOneRequest is how many updates of a request wait for their group at once.
const inOneRequest = 1024

// api is the HTTP interface of a driver.
type api struct {
	driver    *Driver
	audiences intake.Audiences
}

// Handler serves a driver:
//
//	POST /updates              updates, one JSON object a line; 200 when all are durable
//	GET  /health               what was done so far
//	GET  /dead                 dead letters, one JSON object a line
//	POST /dead/resend?id=ID    sends one again
//
// It has no authentication: it is for loopback, and shows personal data.
func Handler(d *Driver, audiences intake.Audiences) http.Handler {
	a := &api{d, audiences}
	m := http.NewServeMux()
	m.HandleFunc("POST /updates", a.updates)
	m.HandleFunc("GET /health", a.health)
	m.HandleFunc("GET /dead", a.dead)
	m.HandleFunc("POST /dead/resend", a.resend)
	return m
}

// answer is the body of every answer but the lists. Of a request that failed,
// the first Accepted lines are accepted; Line is the one that was not, and
// those after it were not read.
type answer struct {
	Accepted int    `json:"accepted"`
	Line     int    `json:"line,omitempty"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that left hears nothing
}

// updates takes lines in order, so that those of one profile stay so, and
// waits for them in groups.
func (a *api) updates(w http.ResponseWriter, r *http.Request) {
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(make([]byte, 0, 64<<10), intake.MaxLine+1)
	b := &batch{}
	number := 0
	var failed error
	for failed == nil && lines.Scan() {
		number++
		if len(lines.Bytes()) == 0 {
			continue
		}
		u, err := intake.Parse(lines.Bytes(), a.audiences)
		if err == nil {
			var wait func(context.Context) error
			if wait, err = a.driver.Begin(r.Context(), u); err == nil {
				b.waits = append(b.waits, wait)
			}
		}
		if err == nil && len(b.waits) == inOneRequest {
			err = b.finish(r.Context())
		}
		failed = err
	}
	if failed == nil {
		if failed = lines.Err(); failed != nil {
			number++
		}
	}
	if err := b.finish(r.Context()); err != nil {
		failed = err
	}
	if failed != nil {
		status, body := refusal(failed)
		body.Accepted, body.Line = b.accepted, number
		respond(w, status, body)
		return
	}
	respond(w, http.StatusOK, answer{Accepted: b.accepted})
}

// batch is the updates of a request that are on their way.
type batch struct {
	waits    []func(context.Context) error
	accepted int
}

// finish waits for all of them, and returns the first error.
func (b *batch) finish(ctx context.Context) error {
	var first error
	for _, wait := range b.waits {
		switch err := wait(ctx); {
		case err != nil && first == nil:
			first = err
		case first == nil:
			b.accepted++
		}
	}
	b.waits = nil
	return first
}

// refusal is the answer to an error, and its status.
func refusal(err error) (int, answer) {
	var mistake *intake.Mistake
	var trouble *store.Trouble
	out := answer{Error: err.Error()}
	switch {
	case errors.As(err, &mistake):
		out.Error, out.Hint = mistake.Message, mistake.Hint
		return http.StatusBadRequest, out
	case errors.Is(err, bufio.ErrTooLong):
		out.Error, out.Hint = fmt.Sprintf("a line of more than %d bytes", intake.MaxLine), "one update a line"
		return http.StatusRequestEntityTooLarge, out
	case errors.Is(err, ErrDraining):
		out.Hint = "send it again when the engine is back"
		return http.StatusServiceUnavailable, out
	case errors.Is(err, store.ErrFull):
		if errors.As(err, &trouble) {
			out.Hint = trouble.Hint
		}
		return http.StatusInsufficientStorage, out
	case errors.Is(err, store.ErrNotDead):
		return http.StatusNotFound, out
	}
	return http.StatusInternalServerError, out
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, a.driver.Stats())
}

// Letter is a dead letter as people and tools read it.
type Letter struct {
	ID       string    `json:"id"`
	Profiles []string  `json:"profiles"`
	Exports  []string  `json:"exports"`
	Attempts int       `json:"attempts"`
	Outcome  string    `json:"outcome"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
	Body     string    `json:"body"`
}

// NewLetter is the readable form of a dead letter.
func NewLetter(l store.DeadLetter) Letter {
	out := Letter{ID: l.Message.ID, Attempts: l.Attempts, Outcome: l.Outcome.String(), Reason: l.Outcome.Reason, At: l.At, Body: string(l.Message.Body)}
	for _, x := range l.Message.Exports {
		out.Profiles, out.Exports = append(out.Profiles, string(x.Profile)), append(out.Exports, x.ID)
	}
	return out
}

func (a *api) dead(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	e := json.NewEncoder(w)
	err := a.driver.config.Store.Dead(func(l store.DeadLetter) error { return e.Encode(NewLetter(l)) })
	if err != nil {
		panic(http.ErrAbortHandler) // half a list must not look whole
	}
}

func (a *api) resend(w http.ResponseWriter, r *http.Request) {
	if err := a.driver.Resend(r.Context(), r.URL.Query().Get("id")); err != nil {
		status, body := refusal(err)
		respond(w, status, body)
		return
	}
	respond(w, http.StatusOK, answer{Accepted: 1})
}
