package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/engine/intake"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/internal/limits"
)

// Of a request, at most so many updates wait for their group at once, and lines
// of so many bytes.
const (
	inOneRequest      = 1024
	bytesInOneRequest = 1 << 20
)

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
//	GET  /dataflows            what is mapped, what fires, the totals
//	GET  /dataflows/ID/runs    hourly runs, one JSON object a line
//	POST /dataflows/ID/ACTION  activate, map, unmap, rename, switch, label, enable, disable, delete
//	POST /profiles/ID/merge      {"from": "OTHER"}: makes that profile part of this one
//	POST /profiles/ID/forget     removes everything that is known of it
//	GET  /audiences              the audiences that take files, and how far each is
//	POST /audiences/KEY/upload   a CSV file; 202 when every row is durable
//	POST /audiences/KEY/refresh  starts its term anew
//
// It has no authentication, and shows personal data: whoever serves it guards it
// (see package access).
func Handler(d *Driver, audiences intake.Audiences) http.Handler {
	a := &api{d, audiences}
	m := http.NewServeMux()
	m.HandleFunc("POST /updates", a.updates)
	m.HandleFunc("GET /health", a.health)
	m.HandleFunc("GET /dead", a.dead)
	m.HandleFunc("POST /dead/resend", a.resend)
	m.HandleFunc("GET /dataflows", a.dataflows)
	m.HandleFunc("GET /dataflows/{id}/runs", a.runs)
	m.HandleFunc("POST /dataflows/{id}/{action}", a.act)
	m.HandleFunc("POST /profiles/{id}/merge", a.merge)
	m.HandleFunc("POST /profiles/{id}/forget", a.forget)
	m.HandleFunc("GET /audiences", a.uploads)
	m.HandleFunc("POST /audiences/{key}/upload", a.upload)
	m.HandleFunc("POST /audiences/{key}/refresh", a.refresh)
	return m
}

// answer is the body of every answer but the lists. Of a request that failed,
// the first Accepted updates are accepted; Line is the line of the one that was
// not. Of the lines after it, those of Later were on their way already and are
// accepted all the same; the others are not.
type answer struct {
	Accepted int    `json:"accepted"`
	Later    []int  `json:"acceptedAfterLine,omitempty"`
	Line     int    `json:"line,omitempty"`
	Limit    string `json:"limit,omitempty"` // by its name, where one was exceeded
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
	b := &batch{driver: a.driver}
	defer b.release()
	buffered := int64(0)
	defer func() { a.driver.lines.release(buffered) }()
	reader := &lines{body: impatient{r.Body, http.NewResponseController(w)}, reserve: func(n int64) error {
		err := b.reserve(r.Context(), n)
		if err == nil {
			buffered += n
		}
		return err
	}}
	number := 0
	var failed error
	for failed == nil {
		number++
		line, err := reader.next()
		switch {
		case err == nil && len(line) == 0:
		case err == nil:
			failed = a.update(r.Context(), b, number, line)
		default:
			failed = err
		}
	}
	if errors.Is(failed, io.EOF) {
		failed = nil
	}
	b.finish(r.Context())
	if b.failed != nil {
		failed, number = b.failed, b.line // it comes before the line that ended the loop
	}
	if failed != nil {
		status, body := refusal(failed)
		body.Accepted, body.Line, body.Later = b.accepted, number, b.later
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
		}
		respond(w, status, body)
		return
	}
	respond(w, http.StatusOK, answer{Accepted: b.accepted})
}

// update takes one line in.
func (a *api) update(ctx context.Context, b *batch, number int, line []byte) error {
	u, err := intake.Parse(line, a.audiences)
	if err != nil {
		return err
	}
	n := int64(len(line))*expansion + exportFrame
	if err := b.reserve(ctx, n); err != nil {
		return err
	}
	b.reserved += n
	wait, err := a.driver.Begin(ctx, u)
	if err != nil {
		return err
	}
	a.driver.admitted.Add(1)
	b.waits = append(b.waits, waiting{number, wait})
	if b.bytes += len(line); len(b.waits) == inOneRequest || b.bytes >= bytesInOneRequest {
		b.finish(ctx)
		return b.failed
	}
	return nil
}

// expansion is about how many times the bytes of a line an update takes in
// memory.
const expansion = 6

// batch is the updates of a request that are on their way.
type batch struct {
	driver   *Driver
	waits    []waiting
	bytes    int   // of their lines
	reserved int64 // of the driver's memory, for them
	accepted int   // before the first failure
	later    []int // lines accepted after it
	failed   error // the first
	line     int   // of it
}

// waiting is an update of a line that is not durable yet.
type waiting struct {
	line int
	wait func(context.Context) error
}

// reserve takes memory. Where none is left, writes that wait to be durable are
// finished first: they may hold the memory.
func (b *batch) reserve(ctx context.Context, n int64) error {
	if b.driver.reserve(n) {
		return nil
	}
	if b.finish(ctx); b.failed != nil {
		return b.failed
	}
	return b.driver.admit(ctx, n)
}

func (b *batch) release() {
	b.driver.lines.release(b.reserved)
	b.reserved = 0
}

// finish waits for all of them, and gives their memory back.
func (b *batch) finish(ctx context.Context) {
	for _, w := range b.waits {
		switch err := w.wait(ctx); {
		case err != nil && b.failed == nil:
			b.failed, b.line = err, w.line
		case err == nil && b.failed == nil:
			b.accepted++
		case err == nil:
			b.later = append(b.later, w.line)
		}
	}
	b.driver.admitted.Add(-int64(len(b.waits)))
	b.waits, b.bytes = nil, 0
	b.release()
}

// refusal is the answer to an error, and its status.
func refusal(err error) (int, answer) {
	var mistake *intake.Mistake
	var exceeded *limits.Exceeded
	var broken brokenBody
	var trouble *store.Trouble
	var gone *MergedAway
	out := answer{Error: err.Error()}
	switch {
	case errors.As(err, &exceeded):
		out.Error, out.Hint, out.Limit = exceeded.Error(), exceeded.Hint, exceeded.Name
		return exceeded.Status, out
	case errors.As(err, &mistake):
		out.Error, out.Hint = mistake.Message, mistake.Hint
		return http.StatusBadRequest, out
	case errors.As(err, &broken) && errors.Is(err, os.ErrDeadlineExceeded):
		out.Hint = "send the body without long pauses"
		return http.StatusRequestTimeout, out
	case errors.As(err, &broken):
		out.Hint = "send the whole body, with a Content-Length or in well-formed chunks"
		return http.StatusBadRequest, out
	case errors.Is(err, ErrBusy):
		out.Hint = "send this line and those after it again later; the receiver is slower than the updates"
		return http.StatusServiceUnavailable, out
	case errors.Is(err, ErrDraining):
		out.Hint = "send it again when the engine is back"
		return http.StatusServiceUnavailable, out
	case errors.Is(err, store.ErrFull):
		if errors.As(err, &trouble) {
			out.Hint = trouble.Hint
		}
		return http.StatusInsufficientStorage, out
	case errors.As(err, &gone):
		out.Hint = gone.hint()
		return http.StatusConflict, out
	case errors.Is(err, store.ErrNotDead):
		return http.StatusNotFound, out
	case errors.As(err, &trouble):
		out.Hint = trouble.Hint
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
	out := Letter{ID: l.Message.ID, Attempts: l.Attempts, Outcome: l.Outcome.String(), Reason: l.Outcome.Reason, At: l.At.UTC(), Body: string(l.Message.Body)}
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
