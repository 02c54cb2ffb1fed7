package loadtest

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/reports"
)

// Recorder collects what happens in a run. All times are from its beginning.
// It may be used from many goroutines.
type Recorder struct {
	pace Pace
	step time.Duration
	// byChance is set where updates come at random times with the rate of the
	// pace: an update is then due when it is begun.
	byChance bool
	// failuresWait is set where a failure takes as long as the queue: a trend is
	// in them too. Exports that are given up take as long as their retries.
	failuresWait bool

	mu        sync.Mutex
	begun     int64
	attempts  int64
	failed    int64
	delivered int64
	lost      int64
	idle      int64 // updates that led to no export
	refused   int64 // updates that the engine did not accept
	refusal   error // the first
	tokens    reports.Tokens
	inTime    int64 // deliveries within the load
	lostThen  int64 // losses within it
	inFlight  int64
	mostOpen  int64
	lastBegun time.Duration
	lastEnd   time.Duration
	outcomes  map[string]*reports.OutcomeCount
	service   answers
	whole     answers    // response times, or delivery latencies
	accepted  *Histogram // of a pipeline: from when an update was due to when it was durable
	late      *Histogram // how much later than due something was begun
	failures  *batches   // of attempts, by when they began: failed or not
	losses    *batches   // of exports, by when they were due: lost or not
	course    *batches   // whole, for its trend
	served    *served    // when successful answers came
	lateness  lateness
	stages    []*stage
	backfill  *backfillRecord      // nil: no audience is mapped
	clock     func() time.Duration // how long the run has lasted
	aborting  aborting
	storing   *storing // nil: there is no read-back
	steps     []*stepCounts
	evidence  Evidence    // that was judged
	asked     []Objective // by which
}

// answers are the times of successful answers, and of all: a failure that is fast
// must not make a receiver look fast.
type answers struct{ ok, all *Histogram }

func newAnswers(steady bool) answers {
	if !steady {
		return answers{NewHistogram(), NewHistogram()}
	}
	return answers{newCourse(), newCourse()}
}

func (l answers) record(took time.Duration, ok bool) {
	l.all.Record(took)
	if ok {
		l.ok.Record(took)
	}
}

// place keeps when a time was, without what this process is to blame for: how far
// times depend on each other is a property of the receiver.
func (l answers) place(due, took time.Duration, ok bool) {
	l.all.place(due, took)
	if ok {
		l.ok.place(due, took)
	}
}

// stepCounts are what happened in a step.
type stepCounts struct {
	begun, ok, failed, over int64 // over: ended, whichever way
	backfilled              int64 // exports of a backfill with a 2xx
	mostOpen                int64
	whole                   *Histogram // of what was due in it
}

// mostSteps bounds a series.
const mostSteps = 300

// StepOf is the step of a series: a second, or more where a run is long.
func StepOf(length time.Duration) time.Duration {
	return max(1, time.Duration(math.Ceil(length.Seconds()/mostSteps))) * time.Second
}

// NewRecorder begins a record of a pace. Where it is steady, the course of the
// run shows how far its times depend on each other. A pace that changes, or an
// outage (see unsteady), has a course of its own that no chance explains: its
// times are taken as independent.
func NewRecorder(p Pace) *Recorder {
	r := &Recorder{pace: p, step: StepOf(p.Duration()), outcomes: map[string]*reports.OutcomeCount{}, late: NewHistogram(),
		failures: newBatches(), losses: newBatches(), course: &batches{width: firstWidth, trend: true}, served: newServed(p.Duration()), stages: newStages(p)}
	r.keepCourse(steady(p))
	return r
}

func (r *Recorder) keepCourse(is bool) {
	r.service, r.whole, r.accepted = newAnswers(is), newAnswers(is), NewHistogram()
	if is {
		r.accepted = newCourse()
	}
}

// unsteady is to be called before anything is recorded of a load with an outage.
func (r *Recorder) unsteady() { r.keepCourse(false) }

// batchOf is a failure or a success among batches of them.
func batchOf(failed bool) time.Duration {
	if failed {
		return 2 * time.Microsecond
	}
	return time.Microsecond
}

// at is the step of a moment. The mutex is held.
func (r *Recorder) at(t time.Duration) *stepCounts {
	i := int(max(t, 0) / r.step)
	for len(r.steps) <= i {
		r.steps = append(r.steps, &stepCounts{})
	}
	return r.steps[i]
}

// Begin counts what was due and is begun now.
func (r *Recorder) Begin(due, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun++
	r.lastBegun = max(r.lastBegun, now)
	r.at(now).begun++
	r.late.Record(now - due)
	r.served.began(now)
	r.stageAt(due).begin()
	r.backfill.begin(due)
	r.lateness.started(due, now, true)
}

// Waited tells that something was ready for a socket before it began. It is for
// the first attempt of a message.
func (r *Recorder) Waited(ready, began time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lateness.started(ready, began, false)
}

// Beat tells that this process ran at a moment, and stood still since another
// where that is before it.
func (r *Recorder) Beat(since, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lateness.stalled(since, now)
	r.lateness.beat = now
	r.settle(false)
}

// Open counts a request that goes on the wire now.
func (r *Recorder) Open(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight++
	r.mostOpen = max(r.mostOpen, r.inFlight)
	s := r.at(now)
	s.mostOpen = max(s.mostOpen, r.inFlight)
	r.lateness.opened(now, r.inFlight)
}

// Attempt counts a request that ended.
func (r *Recorder) Attempt(began, ended time.Duration, outcome string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	r.lateness.closed(ended, r.inFlight)
	r.lateness.attempted(began, ended)
	r.lateness.pending = append(r.lateness.pending, timed{anAttempt, began, began, ended, 0, ok})
	r.settle(false)
	r.attempts++
	r.aborting.at(ended).attempted(ok)
	r.service.record(ended-began, ok)
	r.failures.add(began, batchOf(!ok))
	if r.outcomes[outcome] == nil {
		r.outcomes[outcome] = &reports.OutcomeCount{Outcome: outcome, OK: ok}
	}
	r.outcomes[outcome].Count++
	if !ok {
		r.failed++
		r.at(ended).failed++
	}
}

// End counts what was due and is over now: delivered, or not and never will
// be. Latencies are those of the delivered; those of all are kept apart.
func (r *Recorder) End(due, now time.Duration, ok bool) { r.Over(due, due, now, ok) }

// Over is End of what was begun at a moment after it was due.
func (r *Recorder) Over(due, begun, now time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.at(now)
	s.over++
	r.lastEnd = max(r.lastEnd, now)
	within := now < r.pace.Duration()
	if ok {
		r.delivered++
		r.served.add(now)
		s.ok++
		r.inTime += count(within)
	} else {
		r.lost++
		r.lostThen += count(within)
	}
	r.stageAt(due).end(now-due, ok)
	r.backfill.end(due, now-due, ok)
	r.aborting.at(now).ended(now-due, ok)
	r.losses.add(due, batchOf(!ok))
	r.whole.record(now-due, ok)
	late := max(0, begun-due)
	if r.lateness.alone {
		late = max(0, late-r.lateness.allBusy(due, begun))
	}
	r.lateness.pending = append(r.lateness.pending, timed{aWhole, due, begun, now, late, ok})
	r.settle(false)
	if !ok {
		return
	}
	of := r.at(due)
	if of.whole == nil {
		of.whole = newHistogram(coarse)
	}
	of.whole.Record(now - due)
}

// Accepted counts an update that the engine has taken in durably, or refused.
func (r *Recorder) Accepted(due, begun, now time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		if r.refused++; r.refusal == nil {
			r.refusal = err
		}
		r.at(now).over++
		return
	}
	r.accepted.Record(now - due)
	r.lateness.pending = append(r.lateness.pending, timed{anAcceptance, due, begun, now, max(0, begun-due), true})
	r.settle(false)
}

// settle corrects what ended and is known not to have ended in a stall of this
// process. The mutex is held.
func (r *Recorder) settle(all bool) {
	for _, t := range r.lateness.ready(all) {
		blamed, fair := r.lateness.blamed(t), &r.lateness.fair
		measured := t.ended - t.due
		r.place(t, measured-blamed)
		if blamed >= leastBlame {
			fair.correct(t, measured, blamed, r.pace.Duration())
			if t.kind == aWhole && t.ok && r.backfill.during(t.due) {
				fair.during.move(measured, measured-blamed)
			}
		}
	}
}

// place keeps the course of the run.
func (r *Recorder) place(t timed, took time.Duration) {
	switch t.kind {
	case anAttempt:
		r.service.place(t.due, took, t.ok)
	case aWhole:
		r.whole.place(t.due, took, t.ok)
		if t.ok || r.failuresWait {
			r.course.add(t.due, took)
		}
	case anAcceptance:
		r.accepted.place(t.due, took)
	}
}

// NoExport counts an update that leads to none: it is over.
func (r *Recorder) NoExport(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle++
	r.at(now).over++
}

// counting counts the token requests among the operations of perform.
func (r *Recorder) counting(perform live.Perform) live.Perform {
	return func(ctx context.Context, op engine.Operation) engine.Completion {
		end := perform(ctx, op)
		if op.Kind == engine.Token {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.tokens.Requests++
			if end.Issued == nil {
				r.tokens.Failed++
			}
		}
		return end
	}
}

// open is how many updates are on their way.
func (r *Recorder) open() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun - r.over()
}

// peak is how many requests were on the wire at once, at most.
func (r *Recorder) peak() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mostOpen
}

// over is how much of what was begun has ended. The mutex is held.
func (r *Recorder) over() int64 { return r.delivered + r.lost + r.idle + r.refused }

// Counts are what a recorder has seen so far, for progress.
type Counts struct{ Due, Begun, Over, Delivered, Attempts, Failed, InFlight int64 }

// Counts returns the state of the run at a moment.
func (r *Recorder) Counts(now time.Duration) Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts(now)
}

func (r *Recorder) counts(now time.Duration) Counts {
	return Counts{r.due(now), r.begun, r.over(), r.delivered, r.attempts, r.failed, r.inFlight}
}

// Fill writes what was recorded to a report. offered is how long the pace
// lasted, which is less than planned after an interruption.
func (r *Recorder) Fill(l *reports.Load, offered time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(true)
	// Vegeta may send a little more after it was stopped.
	offered = min(max(offered, r.lastBegun), r.pace.Duration())
	due := r.due(offered)
	l.Pace, l.Seconds, l.Machines = r.pace.String(), offered.Seconds(), 1
	l.Offered = amount(due, offered)
	l.Offered.Target = r.pace.Peak()
	l.Achieved = amount(r.begun, offered)
	until := max(offered, r.lastEnd)
	// A rate is that of the load: one late retry does not make a slow period.
	l.Delivered = reports.Amount{Count: r.delivered, Rate: amount(r.inTime, offered).Rate}
	l.Failed = reports.Amount{Count: r.lost, Rate: amount(r.lostThen, offered).Rate}
	l.Unfinished = max(0, r.begun-r.over())
	l.DrainSeconds = (until - offered).Seconds()
	l.Outcomes = slices.SortedFunc(values(r.outcomes), func(a, b reports.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome))
	})
	if r.tokens.Requests > 0 {
		tokens := r.tokens
		l.Tokens = &tokens
	}
	l.ServiceTime, l.AllServiceTime = r.service.ok.Distribution(), r.service.apart()
	l.Series, l.Stages = r.series(offered), r.stageResults()
	if t, ok := r.course.soak(); ok && steady(r.pace) && offered >= leastSoak && r.backfill == nil {
		l.Trend = &t
	}
}

// apart is the distribution of all times where some were not successful.
func (l answers) apart() *reports.Distribution {
	if l.all == nil || l.ok != nil && l.all.Count() == l.ok.Count() {
		return nil
	}
	return l.all.Distribution()
}

// count is 1 for what is counted.
func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func values(m map[string]*reports.OutcomeCount) func(func(reports.OutcomeCount) bool) {
	return func(yield func(reports.OutcomeCount) bool) {
		for o := range maps.Values(m) {
			if !yield(*o) {
				return
			}
		}
	}
}

func amount(n int64, in time.Duration) reports.Amount {
	if in <= 0 {
		return reports.Amount{Count: n}
	}
	return reports.Amount{Count: n, Rate: float64(n) / in.Seconds()}
}

// due is how many are before a moment.
func (r *Recorder) due(t time.Duration) int64 {
	if !r.byChance {
		return int64(r.pace.Count(t))
	}
	n := int64(0)
	for i, s := range r.steps {
		if time.Duration(i)*r.step < t {
			n += s.begun
		}
	}
	return n
}

// series is the run in time.
func (r *Recorder) series(offered time.Duration) *reports.Series {
	s := &reports.Series{StepSeconds: r.step.Seconds(), Points: []reports.Point{}}
	over, before := int64(0), int64(0)
	for i, c := range r.steps {
		from, to := time.Duration(i)*r.step, time.Duration(i+1)*r.step
		over += c.over
		due := r.due(min(to, offered))
		p := reports.Point{AtSeconds: from.Seconds(), Offered: due - before, Achieved: c.begun,
			Ended: c.ok, Errors: c.failed, Backlog: max(0, due-over), InFlight: c.mostOpen, Backfilled: c.backfilled}
		if c.whole != nil {
			q := c.whole.quantiles(0.5, 0.95, 0.99)
			p.P50Ms, p.P95Ms, p.P99Ms = q[0], q[1], q[2]
			p.Histogram = c.whole.encode()
		}
		s.Points, before = append(s.Points, p), due
	}
	return s
}
