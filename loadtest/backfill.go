package loadtest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Backfill is an audience that is mapped during a load. Its members are in the store
// before the load begins and get no updates, so that each is exported by the backfill
// alone. engine.Settings.Window is the time over which the engine spreads them.
type Backfill struct {
	Members  int
	At       time.Duration // of the mapping, from the beginning of the load
	Audience profile.AudienceRef
	Name     string // of the audience, as the report has it
}

// mostMembers bounds a backfill: the engine keeps the members in memory, in the order
// of their turns.
const mostMembers = 10_000_000

// ParseBackfill reads MEMBERS@WHEN or AUDIENCE=MEMBERS@WHEN; the name of the audience is
// "" without one. The error is a *SyntaxError.
func ParseBackfill(text string) (*Backfill, error) {
	const form = "write how many members and when: 500000@10m, or vips=500000@10m"
	name, rest, named := strings.Cut(text, "=")
	if !named {
		name, rest = "", text
	}
	column := len(text) - len(rest) + 1
	if named && strings.TrimSpace(name) == "" {
		return nil, &SyntaxError{text, 1, "the audience before = is missing", form}
	}
	members, at, ok := strings.Cut(rest, "@")
	if !ok {
		return nil, &SyntaxError{text, len(text) + 1, "@ is missing", form}
	}
	n, err := strconv.Atoi(members)
	if err != nil || n < 1 || n > mostMembers {
		return nil, &SyntaxError{text, column, fmt.Sprintf("%q is not a number from 1 to %d", members, mostMembers), form}
	}
	when, err := time.ParseDuration(at)
	if err != nil || when < 0 {
		return nil, &SyntaxError{text, column + len(members) + 1, fmt.Sprintf("%q is not a time", at), form}
	}
	return &Backfill{Members: n, At: when, Name: name}, nil
}

// Rate is how many turns come each second where the engine spreads them over a time.
func (b *Backfill) Rate(window time.Duration) float64 {
	return float64(b.Members) / windowOf(window).Seconds()
}

// windowOf is the time over which an engine spreads a backfill.
func windowOf(setting time.Duration) time.Duration {
	if setting > 0 {
		return setting
	}
	return engine.BackfillWindow
}

// mapping is the action of a person that maps the audience.
func (b *Backfill) mapping(dataflow string) flow.Action {
	return flow.Action{Kind: flow.Map, Dataflow: dataflow, Audiences: []profile.AudienceRef{b.Audience}}
}

// Refused is why the engine would not backfill the audience; nil where it would.
func (b *Backfill) Refused(d flow.Dataflow) error {
	e := flow.New(d).Act(time.Now(), b.mapping(d.Snapshot.Flow.ID))
	switch {
	case e.Refused:
		return fmt.Errorf("the engine refuses to map audience %s: %s", b.Name, e.Problems[0].Message)
	case len(e.Backfill) == 0:
		return fmt.Errorf("mapping audience %s leads to no backfill: the dataflow is not active, or has mapped it before",
			b.Name)
	}
	return nil
}

// seedBatch is how many members are stored in one commit.
const seedBatch = 2000

// seed stores the members as profiles that qualified a month ago. It makes no export,
// since no dataflow maps the audience yet.
func (b *Backfill) seed(ctx context.Context, s store.Store, p *Population) error {
	for from := 0; from < b.Members; from += seedBatch {
		if ctx.Err() != nil {
			return ErrNotBegun
		}
		states := make([]engine.State, 0, seedBatch)
		for n := from; n < min(from+seedBatch, b.Members); n++ {
			states = append(states, engine.State{Profile: b.memberOf(p, n), Version: 1})
		}
		if err := s.Commit(states, nil); err != nil {
			return fmt.Errorf("storing the members of audience %s: %w", b.Name, err)
		}
	}
	return nil
}

// memberID is the profile of a member: none that a population updates.
func memberID(n int) profile.ID { return profile.ID("member-" + strconv.Itoa(n)) }

func (b *Backfill) memberOf(p *Population, n int) profile.Profile {
	x := p.Initial(memberID(n))
	if x.Memberships[b.Audience.Namespace] == nil {
		x.Memberships[b.Audience.Namespace] = map[string]profile.Membership{}
	}
	qualified := profile.Membership{Status: profile.Realized, LastQualified: base.AddDate(0, -1, 0)}
	x.Memberships[b.Audience.Namespace][b.Audience.ID] = qualified
	return x
}

// ofBackfill reports whether a backfill is the only reason of an export.
func ofBackfill(x *engine.Export) bool { return len(x.Because) == 1 && x.Because[0] == export.Backfill }

// allOfBackfill reports whether a message has exports of a backfill alone.
func allOfBackfill(m *engine.Message) bool {
	for i := range m.Exports {
		if !ofBackfill(&m.Exports[i]) {
			return false
		}
	}
	return len(m.Exports) > 0
}

// prepareBackfill stores the members, and has the audience mapped once the load has
// begun. The end waits until it is mapped, or prevents that.
func (x *through) prepareBackfill(ctx context.Context) (end func(), err error) {
	b := x.Backfill
	if b == nil {
		return func() {}, nil
	}
	record := x.recorder.expect(b, x.Settings.Window)
	began := time.Now()
	if err := b.seed(ctx, x.Store, x.Population); err != nil {
		return nil, err
	}
	record.seeding = time.Since(began)
	waiting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	x.pacer.begun = func() { go func() { defer close(done); x.mapAudience(waiting) }() } // ends with stop
	return func() {
		stop()
		if x.pacer.began.Load() != nil {
			<-done
		}
	}, nil
}

// mapAudience maps the audience at its time, as an action of a person.
func (x *through) mapAudience(ctx context.Context) {
	timer := time.NewTimer(x.Backfill.At)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	x.recorder.mapped(x.pacer.elapsed)
	// The end of the load does not call the action off: the engine may have taken it up.
	_, x.unmapped = x.driver.Act(context.WithoutCancel(ctx), x.Backfill.mapping(x.flows[0].Flow.Flow.ID))
}

// within reports whether every turn comes while the load goes on. Only then the drain
// waits for the backfill: exports after the load compete with no updates.
func (b *Backfill) within(load, window time.Duration) bool { return b.At+windowOf(window) <= load }

// awaited reports whether the drain waits for the backfill.
func (x *through) awaited() bool {
	b := x.Backfill
	return b != nil && x.unmapped == nil && b.within(x.Pace.Duration(), x.Settings.Window) && x.recorder.backfilling()
}
