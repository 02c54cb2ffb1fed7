package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// summary is an entry in a list: what tells it from others.
type summary struct {
	Sequence          uint64             `json:"sequence"`
	Kind              journal.Kind       `json:"kind"`
	Time              string             `json:"time"`
	DurationMs        float64            `json:"durationMs"`
	Socket            int                `json:"socket"`
	Remote            string             `json:"remote"`
	TLS               string             `json:"tls,omitempty"`
	ClientCertificate string             `json:"clientCertificate,omitempty"` // common name
	Fault             string             `json:"fault,omitempty"`
	Method            string             `json:"method,omitempty"`
	Target            string             `json:"target,omitempty"`
	Status            *int               `json:"status,omitempty"`
	BodyBytes         *int               `json:"bodyBytes,omitempty"`
	Profiles          []string           `json:"profiles,omitempty"`
	Authorization     string             `json:"authorization,omitempty"`
	Disconnected      bool               `json:"disconnected,omitempty"`
	Reason            string             `json:"reason,omitempty"`
	Alert             *journal.AlertFact `json:"alert,omitempty"`
}

func summarize(e journal.Entry) summary {
	if h := e.Handshake; h != nil {
		f := e.HandshakeFacts()
		s := summary{Sequence: e.Sequence, Kind: journal.OfHandshakes, Time: f.Time, DurationMs: f.DurationMs, Socket: h.Socket, Remote: h.Remote,
			TLS: h.TLS, Fault: h.Fault, Reason: h.Reason, Alert: f.Alert}
		if h.Peer != nil {
			s.ClientCertificate = h.Peer.CommonName
		}
		return s
	}
	r := e.Request
	s := summary{Sequence: e.Sequence, Kind: journal.OfRequests, Time: stamp(r.Arrived), DurationMs: took(r.Arrived, r.Answered), Socket: r.Socket,
		Remote: r.Remote, TLS: r.TLS, Fault: r.Fault, Method: r.Method, Target: r.Target, Status: &r.Status, BodyBytes: &e.BodySize,
		Profiles: r.Profiles, Authorization: string(r.Authorization), Disconnected: r.Disconnected}
	if r.Peer != nil {
		s.ClientCertificate = r.Peer.CommonName
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func took(from, to time.Time) float64 { return max(0, float64(to.Sub(from).Microseconds())/1000) }

// page is an answer to a query.
type page struct {
	Entries []summary `json:"entries"`
	More    bool      `json:"more"`
	Cursor  uint64    `json:"cursor"`
	Next    uint64    `json:"next"` // when the question was asked
	Lost    uint64    `json:"lost"`
}

func (a *Admin) list(w http.ResponseWriter, r *http.Request) {
	q, err := query(r, "order", "limit")
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	next := a.options.Journal.Stats().Next
	if q.Before == 0 || q.Before > next {
		q.Before = next
	}
	found, err := a.options.Journal.Query(r.Context(), q)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	out := page{Entries: []summary{}, More: found.More, Cursor: found.Cursor, Next: next, Lost: a.options.Journal.Stats().Lost}
	for _, e := range found.Entries {
		out.Entries = append(out.Entries, summarize(e))
	}
	respond(w, out)
}

// filters are the parameters that select entries.
var filters = []string{"after", "before", "from", "to", "kind", "profile", "status", "fault", "socket", "text"}

// query reads the filters and the other parameters named. An unknown parameter
// is an error: a mistyped filter would select everything.
func query(r *http.Request, others ...string) (q journal.Query, err error) {
	values := r.URL.Query()
	for name := range values {
		if !slices.Contains(filters, name) && !slices.Contains(others, name) {
			return q, fmt.Errorf("unknown parameter %.60q: use %s", name, strings.Join(append(slices.Clone(filters), others...), ", "))
		}
	}
	q.Newest = values.Get("order") != "oldest"
	q.Profile, q.Fault, q.Text = values.Get("profile"), values.Get("fault"), values.Get("text")
	q.Kind = journal.Kind(values.Get("kind"))
	if !slices.Contains([]journal.Kind{journal.AnyKind, journal.OfRequests, journal.OfHandshakes}, q.Kind) {
		return q, fmt.Errorf("kind must be request or handshake, but is %.60q", q.Kind)
	}
	if order := values.Get("order"); order != "" && order != "newest" && order != "oldest" {
		return q, fmt.Errorf("order must be newest or oldest, but is %.60q", order)
	}
	for _, n := range []struct {
		name string
		into *uint64
	}{{"after", &q.After}, {"before", &q.Before}} {
		if text := values.Get(n.name); text != "" {
			if *n.into, err = strconv.ParseUint(text, 10, 63); err != nil {
				return q, fmt.Errorf("%s must be a sequence number, but is %.60q", n.name, text)
			}
		}
	}
	for _, n := range []struct {
		name string
		into *int
	}{{"socket", &q.Socket}, {"limit", &q.Limit}} {
		if text := values.Get(n.name); text != "" {
			if *n.into, err = strconv.Atoi(text); err != nil || *n.into < 1 || *n.into > 1_000_000_000 {
				return q, fmt.Errorf("%s must be a number from 1, but is %.60q", n.name, text)
			}
		}
	}
	for _, t := range []struct {
		name string
		into *time.Time
	}{{"from", &q.From}, {"to", &q.To}} {
		if text := values.Get(t.name); text != "" {
			if *t.into, err = time.Parse(time.RFC3339Nano, text); err != nil {
				return q, fmt.Errorf("%s must be a time such as 2026-01-15T09:00:00Z, but is %.60q", t.name, text)
			}
		}
	}
	q.Statuses, err = statuses(values["status"])
	return q, err
}

// statuses reads 503, 5xx and none, separated by commas or repeated.
func statuses(values []string) (out []int, err error) {
	for _, value := range values {
		for word := range strings.SplitSeq(value, ",") {
			n, err := strconv.Atoi(strings.TrimSuffix(word, "xx"))
			class := strings.HasSuffix(word, "xx")
			switch {
			case word == "none":
				out = append(out, 0)
			case err != nil || class && (n < 1 || n > 9) || !class && (n < 100 || n > 999):
				return nil, fmt.Errorf("status must be a status such as 503 or 5xx, or none, but is %.60q", word)
			default:
				out = append(out, n)
			}
		}
	}
	return out, nil
}

// detail is one entry in full.
type detail struct {
	summary
	Request   *requestDetail          `json:"request,omitempty"`
	Handshake *journal.HandshakeFacts `json:"handshake,omitempty"`
}

type requestDetail struct {
	journal.RequestFacts
	Headers []header `json:"headers"`
	Head    string   `json:"head"` // raw
	Body    string   `json:"body"`
	// Answered is when the last byte of the answer left.
	Answered string `json:"answered"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (a *Admin) entry(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseUint(r.PathValue("sequence"), 10, 63)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%.60q is not a sequence number", r.PathValue("sequence")))
		return
	}
	e, err := a.options.Journal.Entry(n)
	switch {
	case errors.Is(err, journal.ErrNotKept):
		refuse(w, http.StatusNotFound, err.Error())
		return
	case err != nil:
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	d := detail{summary: summarize(e)}
	if q := e.Request; q != nil {
		d.Request = &requestDetail{RequestFacts: e.Facts(), Headers: []header{}, Head: string(q.Head), Body: string(q.Body), Answered: stamp(q.Answered)}
		for _, h := range q.Headers {
			d.Request.Headers = append(d.Request.Headers, header(h))
		}
	} else {
		f := e.HandshakeFacts()
		d.Handshake = &f
	}
	respond(w, d)
}

// export streams what matches, the oldest first. When it cannot go on it cuts
// the answer, so that nobody takes a part for the whole.
func (a *Admin) export(w http.ResponseWriter, r *http.Request) {
	q, err := query(r, "format")
	format := r.URL.Query().Get("format")
	if err == nil && !slices.Contains([]string{"", "ndjson", "har"}, format) {
		err = fmt.Errorf("format must be ndjson or har, but is %.60q", format)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	q.Newest = false
	entries := a.options.Journal.All(r.Context(), q)
	h := w.Header()
	h.Set("Journal-Lost", strconv.FormatUint(a.options.Journal.Stats().Lost, 10))
	if format == "har" {
		h.Set("Content-Type", "application/json")
		h.Set("Content-Disposition", `attachment; filename="journal.har"`)
		err = journal.WriteHAR(w, a.options.Version, entries, a.refused(r.Context(), q))
	} else {
		h.Set("Content-Type", "application/x-ndjson")
		h.Set("Content-Disposition", `attachment; filename="journal.ndjson"`)
		err = journal.WriteNDJSON(w, entries)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (a *Admin) refused(ctx context.Context, q journal.Query) iter.Seq2[journal.Entry, error] {
	if q.Kind == journal.OfRequests {
		return func(func(journal.Entry, error) bool) {}
	}
	q.Kind = journal.OfHandshakes
	return a.options.Journal.All(ctx, q)
}
