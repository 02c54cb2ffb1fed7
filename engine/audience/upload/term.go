package upload

import (
	"cmp"
	"fmt"
	"time"
)

// Term is the time of one upload: when its members come and when they go.
type Term struct {
	available time.Time
	lifetime  time.Duration
	expires   time.Time
}

// NewTerm begins at an upload.
func NewTerm(uploaded time.Time, s Spec) Term {
	return Term{uploaded.Add(cmp.Or(s.Delay, Availability)), s.Lifetime(), uploaded.Add(s.Lifetime())}
}

// RestoreTerm is the term of an upload that was refreshed until it expires at a
// time.
func RestoreTerm(uploaded time.Time, s Spec, expires time.Time) Term {
	t := NewTerm(uploaded, s)
	t.expires = expires
	return t
}

// Available is when streaming sees the members (R136).
func (t Term) Available() time.Time { return t.available }

// Expires is when the members exit (R135).
func (t Term) Expires() time.Time { return t.expires }

// Refresh starts the lifetime anew. It is possible within the last days before
// the expiry only; the error has the time.
func (t Term) Refresh(now time.Time) (Term, error) {
	from := t.expires.Add(-RefreshWindow)
	switch {
	case now.Before(from):
		return t, fmt.Errorf("too early: it can be refreshed from %s on", from.UTC().Format(time.RFC3339))
	case !now.Before(t.expires):
		return t, fmt.Errorf("too late: it expired at %s", t.expires.UTC().Format(time.RFC3339))
	}
	t.expires = now.Add(t.lifetime)
	return t, nil
}
