package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// batch is how many entries a client is sent at once. A client that is further
// behind is sent the range it missed, and can request it by sequence number.
const batch = 500

// heartbeat is how long a stream stays silent, so that a client that is gone is
// noticed.
const heartbeat = 15 * time.Second

// live streams what matches as it comes, by server-sent events: entry, missed and
// cleared. Last-Event-ID, or after, resumes.
func (a *Admin) live(w http.ResponseWriter, r *http.Request) {
	q, err := query(r)
	if id := r.Header.Get("Last-Event-ID"); id != "" && err == nil {
		if q.After, err = strconv.ParseUint(id, 10, 63); err != nil {
			err = fmt.Errorf("Last-Event-ID must be a sequence number, but is %.60q", id)
		}
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	stats := a.options.Journal.Stats()
	if r.URL.Query().Get("after") == "" && r.Header.Get("Last-Event-ID") == "" || q.After >= stats.Next {
		q.After = stats.Next - 1
	}
	q.Newest, q.Limit = false, journal.MaximumLimit
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() { // ends with the request
		select {
		case <-a.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: w, flush: http.NewResponseController(w).Flush, journal: a.options.Journal, query: q, clears: a.options.Journal.Clears(), tick: a.options.Tick}
	s.run(ctx)
}

// stream is one client that follows the journal.
type stream struct {
	w       http.ResponseWriter
	flush   func() error
	journal *journal.Spool
	query   journal.Query
	clears  uint64
	tick    time.Duration
	events  bytes.Buffer
}

// run goes on until ctx is done or the client is gone.
func (s *stream) run(ctx context.Context) {
	fmt.Fprintf(&s.events, "retry: 1000\nid: %d\n\n", s.query.After)
	for {
		if _, err := s.w.Write(s.events.Bytes()); err != nil || s.flush() != nil {
			return
		}
		s.events.Reset()
		within, cancel := context.WithTimeout(ctx, heartbeat)
		err := s.journal.Wait(within, s.query.After, s.clears)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, context.DeadlineExceeded):
			s.events.WriteString(": nothing new\n\n")
			continue
		}
		if err := s.collect(ctx); err != nil {
			return
		}
		pause := time.NewTimer(s.tick)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// collect puts what came into events.
func (s *stream) collect(ctx context.Context) error {
	if clears := s.journal.Clears(); clears != s.clears {
		s.clears = clears
		first := s.journal.Stats().First
		s.query.After = max(s.query.After, first-1)
		s.event("cleared", s.query.After, map[string]uint64{"first": first})
	}
	last := s.journal.Stats().Next - 1
	if behind := last - s.query.After; behind > batch {
		from, to := s.query.After+1, last-batch
		s.query.After = to
		s.event("missed", to, map[string]uint64{"from": from, "to": to, "count": to - from + 1})
	}
	s.query.Before = last + 1
	found, err := s.journal.Query(ctx, s.query)
	if err != nil {
		return err
	}
	for _, e := range found.Entries {
		s.event("entry", e.Sequence, summarize(e))
	}
	s.query.After = last
	return nil
}

func (s *stream) event(name string, id uint64, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	fmt.Fprintf(&s.events, "event: %s\nid: %d\ndata: %s\n\n", name, id, data)
}
