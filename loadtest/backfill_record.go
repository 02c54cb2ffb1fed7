package loadtest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// backfillRecord is what happens with a backfill, and with ordinary exports before it,
// during it and after it. It is guarded by the mutex of its recorder. nil: the load has
// no backfill.
type backfillRecord struct {
	*Backfill
	window, seeding       time.Duration
	at, first, over       time.Duration // of the mapping, the first attempt, and the last end
	isMapped, begun, done bool
	attempts, failed      int64
	delivered, lost       int64
	outcomes              map[string]*reports.OutcomeCount
	took                  *Histogram // of the delivered, from their turns
	phases                [3]*phase
}

// phase is ordinary exports, by when their updates were due.
type phase struct {
	offered, delivered, lost int64
	whole                    *Histogram
}

// The phases of a load with a backfill.
const (
	beforeBackfill = iota
	duringBackfill
	afterBackfill
)

var phaseNames = [3]string{"before", "during", "after"}

// expect has the recorder tell a backfill from ordinary exports. It is to be called before
// anything is recorded.
func (r *Recorder) expect(b *Backfill, window time.Duration) *backfillRecord {
	r.unsteady()
	r.backfill = &backfillRecord{Backfill: b, window: windowOf(window), took: NewHistogram(),
		outcomes: map[string]*reports.OutcomeCount{}}
	for i := range r.backfill.phases {
		r.backfill.phases[i] = &phase{whole: NewHistogram()}
	}
	return r.backfill
}

// mapped tells that the audience is mapped now. The clock is read while nothing else is
// counted: whatever was begun before was due before.
func (r *Recorder) mapped(clock func() time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.backfill.at, r.backfill.isMapped = clock(), true
}

// backfilling reports whether some members are not settled.
func (r *Recorder) backfilling() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.backfill != nil && !r.backfill.done
}

// backfillAttempt counts an attempt of a message of the backfill, which kept a socket busy
// as any other did.
func (r *Recorder) backfillAttempt(began, ended time.Duration, outcome string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	r.lateness.closed(ended, r.inFlight)
	r.lateness.attempted(began, ended)
	r.aborting.at(ended).attempted(ok)
	b := r.backfill
	if !b.begun || began < b.first {
		b.first, b.begun = began, true
	}
	b.attempts++
	b.failed += count(!ok)
	if b.outcomes[outcome] == nil {
		b.outcomes[outcome] = &reports.OutcomeCount{Outcome: outcome, OK: ok}
	}
	b.outcomes[outcome].Count++
}

// backfilled counts an export of the backfill that was delivered, or given up.
func (r *Recorder) backfilled(turn, now time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.backfill
	if ok {
		b.delivered++
		b.took.Record(now - turn)
		r.at(now).backfilled++
	} else {
		b.lost++
	}
	b.over = max(b.over, now)
	if b.done = b.delivered+b.lost >= int64(b.Members); b.done && r.clock != nil {
		b.over = max(b.over, r.clock()) // as in mapped
	}
}

// phaseAt is the phase of an ordinary export, by when it was due. The result does not
// change later: what has ended was due before a backfill that has not.
func (b *backfillRecord) phaseAt(due time.Duration) int {
	switch {
	case !b.isMapped || due <= b.at:
		return beforeBackfill
	case !b.done || due <= b.over:
		return duringBackfill
	}
	return afterBackfill
}

// begin counts an ordinary update.
func (b *backfillRecord) begin(due time.Duration) {
	if b != nil {
		b.phases[b.phaseAt(due)].offered++
	}
}

// end counts an ordinary export that was delivered, or given up.
func (b *backfillRecord) end(due, took time.Duration, ok bool) {
	if b == nil {
		return
	}
	p := b.phases[b.phaseAt(due)]
	if !ok {
		p.lost++
		return
	}
	p.delivered++
	p.whole.Record(took)
}

// during reports whether an ordinary export is of the time of the backfill.
func (b *backfillRecord) during(due time.Duration) bool {
	return b != nil && b.phaseAt(due) == duringBackfill
}

// ended is when the backfill ended; that of the load where it did not.
func (b *backfillRecord) ended(load time.Duration) time.Duration {
	if b.done {
		return b.over
	}
	return max(load, b.over)
}

// report is what the report has of it, for a load that was offered for a time.
func (b *backfillRecord) report(load time.Duration) *reports.Backfill {
	out := &reports.Backfill{Audience: b.Name, Members: int64(b.Members),
		WindowSeconds: b.window.Seconds(), SeedSeconds: b.seeding.Seconds(), AtSeconds: b.At.Seconds(), Mapped: b.isMapped, Ended: b.done,
		Attempts: b.attempts, FailedAttempts: b.failed, Lost: b.lost, Latency: b.took.Distribution()}
	out.Outcomes = slices.SortedFunc(values(b.outcomes), func(x, y reports.OutcomeCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Outcome, y.Outcome))
	})
	if b.isMapped {
		out.AtSeconds = b.at.Seconds()
		took := b.ended(load) - b.at
		out.Seconds = took.Seconds()
		out.Delivered = amount(b.delivered, took)
	}
	if b.begun {
		out.FirstSeconds = b.first.Seconds()
	}
	out.Phases = b.inPhases(load)
	out.Verdict, out.Reason = b.verdict(load)
	return out
}

// inPhases are the phases that there were.
func (b *backfillRecord) inPhases(load time.Duration) (all []reports.BackfillPhase) {
	from, until := [3]time.Duration{0, b.at, b.over}, [3]time.Duration{b.at, b.ended(load), load}
	if !b.isMapped {
		until[beforeBackfill] = load
	}
	for i, p := range b.phases {
		if i > beforeBackfill && !b.isMapped || i == afterBackfill && !b.done {
			break
		}
		all = append(all, reports.BackfillPhase{Phase: phaseNames[i],
			AtSeconds: from[i].Seconds(), Seconds: max(0, until[i]-from[i]).Seconds(),
			Offered: p.offered, Delivered: p.delivered, Lost: p.lost, Latency: p.whole.Distribution()})
	}
	return all
}

// verdict is whether the members were exported while updates went on.
func (b *backfillRecord) verdict(load time.Duration) (reports.Verdict, string) {
	if missing := b.missing(load); missing != "" {
		return reports.Inconclusive, missing
	}
	if float64(b.delivered) < leastDelivered*float64(b.Members) {
		return reports.Fail, fmt.Sprintf("%d of %d members were exported, and %d exports given up after the last retry",
			b.delivered, b.Members, b.lost)
	}
	return reports.Pass, ""
}

// missing is why the load did not see the backfill to its end; "" where it did.
func (b *backfillRecord) missing(load time.Duration) string {
	switch {
	case !b.isMapped:
		return fmt.Sprintf("the load ended before the audience was mapped at %s", b.At)
	case b.done && b.over <= load:
		return ""
	case b.done:
		return fmt.Sprintf("the backfill ended %s after the load, without updates: give a longer --for",
			valueText(milliseconds(b.over-load), "ms"))
	}
	hint := "give a longer --for"
	if last := b.At + b.window; last > load {
		hint = fmt.Sprintf("the last turn comes at %s: give a longer --for, or a shorter --backfill-within", last)
	}
	return fmt.Sprintf("the load ended before the backfill did, with %d of %d members exported: %s",
		b.delivered, b.Members, hint)
}

// evidence adds what objectives about a backfill are judged by.
func (b *backfillRecord) evidence(e *Evidence, load time.Duration) {
	e.Backfill = &BackfillEvidence{Took: b.ended(load) - b.at, Settled: b.delivered + b.lost, Ended: b.done,
		Missing: b.missing(load)}
	e.DuringBackfill = b.phases[duringBackfill].whole
	e.Peak += b.Rate(b.window)
}

// BackfillEvidence is what is known of a backfill.
type BackfillEvidence struct {
	Took    time.Duration // from the mapping to its end, or to that of the load
	Settled int64         // exports
	Ended   bool
	Missing string // why the load did not see its end; "" where it did
}

// backfill judges how long a backfill took. There is one in a load, so that there is no
// interval.
func (o Objective) backfill(e Evidence, r reports.Objective) reports.Objective {
	b := e.Backfill
	if b == nil {
		r.Reason = "no audience was mapped during the load"
		return r
	}
	r.Measured, r.Samples = milliseconds(b.Took), b.Settled
	r.Low, r.High = r.Measured, r.Measured
	over := r.Measured > o.Limit || r.Measured == o.Limit && o.Op == "<"
	switch {
	case len(e.Doubts) > 0:
		r.Reason = e.Doubts[0]
	case over && b.Ended:
		r.Verdict, r.Reason = reports.Fail, "measured "+valueText(r.Measured, r.Unit)
	case over:
		r.Verdict, r.Reason = reports.Fail, fmt.Sprintf("after %s it had not ended", valueText(r.Measured, r.Unit))
	case b.Missing != "":
		r.Reason = b.Missing
	default:
		r.Verdict = reports.Pass
	}
	return r
}
