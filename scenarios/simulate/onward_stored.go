package simulate

import (
	"context"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// StateOfReceiver is how to see what a receiver holds of a profile.
type StateOfReceiver struct {
	// Read returns the state by an ECID as decoded JSON, nil for an unknown profile. bearer is
	// the token of the case, "" for none.
	Read   func(ctx context.Context, ecid, bearer string) (any, error)
	Within time.Duration // after the last answer the state must be there
	Ignore []string      // dotted paths that are not compared
}

// Pauses between two questions about one profile.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// stored reads back what the receiver holds after a case, until it is what the history
// leads to or the time for it is over, and judges it. The error is that of ctx.
func (o *Onward) stored(ctx context.Context, sc *scenarios.Scenario, lines []recording.Line) ([]reports.Check, error) {
	if o.ReadBack == nil {
		return nil, nil
	}
	all := questions(oracle.HeldAfter(sc, lines))
	end := time.Now().Add(o.ReadBack.Within)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if err := o.ReadBack.ask(ctx, all, sc.Destination.Auth.Token.Reveal()); err != nil {
			return nil, err
		}
		if o.ReadBack.fits(all) || time.Now().After(end) {
			return check.Stored(sc, all, o.ReadBack.Ignore), nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// questions are one for each ECID of each profile, and one without an ECID where there is
// nothing to ask for.
func questions(all []oracle.Held) []check.ReadBack {
	var out []check.ReadBack
	for _, h := range all {
		if h.Open != "" || len(h.ECIDs) == 0 {
			out = append(out, check.ReadBack{Held: h})
			continue
		}
		for _, ecid := range h.ECIDs {
			out = append(out, check.ReadBack{Held: h, ECID: ecid})
		}
	}
	return out
}

// ask asks for every profile whose state does not fit yet.
func (b *StateOfReceiver) ask(ctx context.Context, all []check.ReadBack, bearer string) error {
	for i := range all {
		r := &all[i]
		if r.ECID == "" || r.State != nil && r.Fits(b.Ignore) {
			continue
		}
		r.State, r.Err = b.Read(ctx, r.ECID, bearer)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// fits reports whether no profile is worth another question.
func (b *StateOfReceiver) fits(all []check.ReadBack) bool {
	for _, r := range all {
		if r.ECID != "" && !r.Fits(b.Ignore) {
			return false
		}
	}
	return true
}
