package simulate

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Planned is what one case would send to a receiver.
type Planned struct {
	Case     *scenarios.Scenario
	Skipped  string        // why it is not played; "" where it is
	Requests int           // that reach the receiver, if it answers them all with 2xx
	Most     int           // with every repetition, if it answers none
	Profiles int           // of which it gets a message
	Lasts    time.Duration // if it answers at once
}

// Plan measures cases in virtual time, in their order. It sends nothing.
func (o Options) Plan(ctx context.Context, cases []*scenarios.Scenario) ([]Planned, error) {
	lengths := o.measured(ctx, cases)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var out []Planned
	for _, sc := range cases {
		l := lengths[sc.ID]
		p := Planned{Case: sc, Requests: l.reach.requests, Most: l.reach.most, Profiles: l.reach.profiles, Lasts: l.lasts}
		if l.err != nil {
			p = Planned{Case: sc, Skipped: l.err.Error()}
		}
		out = append(out, p)
	}
	return out, nil
}

// reach is how much of a case gets to a receiver.
type reach struct{ requests, messages, most, profiles int }

// lacks is why a case shows nothing of a receiver; "" where it shows something.
func (r reach) lacks(faults []recording.Fault) string {
	for _, f := range faults {
		if f.Fired < max(1, f.Planned) {
			return "one of its faults does not act when its answers are not those of the mock, or its times are shortened"
		}
	}
	if r.messages == 0 {
		return "none of its messages gets to a receiver"
	}
	return ""
}

// reachOf counts it in a recording of virtual time.
func reachOf(sc *scenarios.Scenario, lines []recording.Line) reach {
	var out reach
	forwards := map[string]int{} // by fault
	copies := 1
	for i := range sc.Endpoint.Faults {
		f := &sc.Endpoint.Faults[i]
		forwards[f.ID] = copiesOf(f)
		copies = max(copies, forwards[f.ID])
	}
	profiles := map[string]bool{}
	exports := 0
	for _, l := range lines {
		switch {
		case l.Export != nil && l.Export.Excluded == "":
			exports++
		case l.Request == nil:
		default:
			n, met := forwards[l.Request.Fault]
			if !met {
				n = 1
			}
			out.requests += n
			if l.Request.Method == "POST" {
				out.messages += n
			}
			for _, name := range l.Request.Profiles {
				if n > 0 {
					profiles[name] = true
				}
			}
		}
	}
	attempts := exports * (1 + delays(sc.Destination.Retry))
	out.most, out.profiles = attempts*copies, len(profiles)
	if sc.Destination.MTLS != "never" && sc.Endpoint.TLS != "plain" {
		out.most += 2 * attempts // requests that decide about the certificate
	}
	out.most = max(out.most, out.requests)
	return out
}

// copiesOf is how often a request that meets a fault gets to the receiver.
func copiesOf(f *scenarios.Fault) int {
	switch f.Forward {
	case "twice", "twice-at-once":
		return 2
	case "":
		if f.Status != 0 || f.Stall || f.Reset || f.Close || f.HalfClose || f.Garbage {
			if f.Phase != "body" && f.Phase != "end" {
				return 0
			}
		}
	}
	return 1
}

// delays is how often a message is repeated at most.
func delays(r scenarios.Retry) int {
	if r.Policy == "custom" {
		return len(r.Delays)
	}
	return 2
}

// Allowance bounds what all cases together send to a receiver, and for how long. The zero
// value allows everything. It is safe for concurrent use.
type Allowance struct {
	Requests int           // 0: any number
	Time     time.Duration // 0: any time

	mu    sync.Mutex
	began time.Time // when the first case was played
	spent int
}

// take allows a case that may send so much, or returns why it is not played.
func (a *Allowance) take(most int, lasts time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() {
		a.began = time.Now()
	}
	if a.Requests > 0 && a.spent+most > a.Requests {
		left := a.Requests - a.spent
		return fmt.Errorf("not played: it may send %d requests, and %d of --requests %d are left", most, left, a.Requests)
	}
	if over := time.Since(a.began) + lasts; a.Time > 0 && over > a.Time {
		lasts = lasts.Round(time.Second)
		return fmt.Errorf("not played: it lasts %s, and the run would go beyond --duration %s", lasts, a.Time)
	}
	a.spent += most
	return nil
}

// giveBack takes in what a case did send of what it was allowed.
func (a *Allowance) giveBack(most int, lines []recording.Line) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spent -= most
	for _, l := range lines {
		if l.Request != nil {
			a.spent += len(l.Request.Receiver)
		}
	}
}
