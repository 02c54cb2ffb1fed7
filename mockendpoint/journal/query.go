package journal

import (
	"bytes"
	"slices"
	"time"
)

// Kind is what an entry is about.
type Kind string

// The kinds; AnyKind is both.
const (
	AnyKind      Kind = ""
	OfRequests   Kind = "request"
	OfHandshakes Kind = "handshake"
	DefaultLimit      = 100
	MaximumLimit      = 1000
)

// Query selects entries. The zero value selects all.
type Query struct {
	After, Before uint64    // sequence numbers, both exclusive; Before 0: no end
	From, To      time.Time // of arrival; To exclusive; zero: no bound
	Kind          Kind
	Profile       string
	Statuses      []int // one of them, or of a class: 5 is 500 to 599; 0 is a request that got none
	Fault         string
	Socket        int    // 0: any
	Text          string // somewhere in the entry: target, headers, body, certificate
	Newest        bool   // the newest first, else the oldest
	Limit         int    // 0 means DefaultLimit; at most MaximumLimit
}

func (q Query) limit() int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaximumLimit)
}

// overlaps reports whether a run may hold an entry of the time asked for.
func (q Query) overlaps(m mark) bool {
	return (q.From.IsZero() || m.to >= q.From.UnixNano()) && (q.To.IsZero() || m.from < q.To.UnixNano())
}

// matches reads no more of a payload than it needs.
func (q Query) matches(payload []byte) bool {
	m := (&cursor{rest: payload}).meta()
	switch {
	case q.Kind == OfRequests && m.kind != frameRequest, q.Kind == OfHandshakes && m.kind != frameHandshake:
		return false
	case !q.From.IsZero() && m.at < q.From.UnixNano(), !q.To.IsZero() && m.at >= q.To.UnixNano():
		return false
	case q.Socket != 0 && m.socket != q.Socket, q.Fault != "" && m.fault != q.Fault:
		return false
	case q.Profile != "" && !slices.Contains(m.profiles, q.Profile):
		return false
	case len(q.Statuses) > 0 && (m.kind != frameRequest || !slices.ContainsFunc(q.Statuses, func(s int) bool { return s == m.status || s < 10 && s > 0 && s == m.status/100 })):
		return false
	case q.Text != "" && !bytes.Contains(payload, []byte(q.Text)):
		return false
	}
	return true
}
