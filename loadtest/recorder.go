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
	// byChance is set where updates do not come when the pace says but about as
	// often: what is due is then what was begun.
	byChance bool

	mu        sync.Mutex
	begun     int64
	attempts  int64
	failed    int64
	delivered int64
	lost      int64
	idle      int64 // updates that led to no export
	refused   int64 // updates that the engine did not accept
	tokens    reports.Tokens
	inFlight  int64
	mostOpen  int64
	lastBegun time.Duration
	lastEnd   time.Duration
	outcomes  map[string]*reports.OutcomeCount
	service   *Histogram
	whole     *Histogram // response times, or delivery latencies
	accepted  *Histogram // of a pipeline: from when an update was due to when it was durable
	late      *Histogram // how much later than due something was begun
	steps     []*stepCounts
	trend     trend
}

// stepCounts are what happened in a step.
type stepCounts struct {
	begun, ok, failed, over int64 // over: ended, whichever way
	mostOpen                int64
	whole                   *Histogram // of what was due in it
}

// mostSteps bounds a series.
const mostSteps = 300

// StepOf is the step of a series: a second, or more where a run is long.
func StepOf(length time.Duration) time.Duration {
	return max(1, time.Duration(math.Ceil(length.Seconds()/mostSteps))) * time.Second
}

// NewRecorder begins a record of a pace.
func NewRecorder(p Pace) *Recorder {
	return &Recorder{pace: p, step: StepOf(p.Duration()), outcomes: map[string]*reports.OutcomeCount{},
		service: NewHistogram(), whole: NewHistogram(), accepted: NewHistogram(), late: NewHistogram()}
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
}

// Open counts a request that goes on the wire now.
func (r *Recorder) Open(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight++
	r.mostOpen = max(r.mostOpen, r.inFlight)
	s := r.at(now)
	s.mostOpen = max(s.mostOpen, r.inFlight)
}

// Attempt counts a request that ended.
func (r *Recorder) Attempt(began, ended time.Duration, outcome string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	r.attempts++
	r.service.Record(ended - began)
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
// be. Of a pipeline the latency of the delivered counts; of a receiver every
// response time does, since a caller waits for the failed ones too.
func (r *Recorder) End(due, now time.Duration, ok, counts bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.at(now)
	s.over++
	r.lastEnd = max(r.lastEnd, now)
	if ok {
		r.delivered++
		s.ok++
	} else {
		r.lost++
	}
	if !counts {
		return
	}
	r.whole.Record(now - due)
	r.trend.add(due.Seconds(), (now - due).Seconds())
	of := r.at(due)
	if of.whole == nil {
		of.whole = newHistogram(coarse)
	}
	of.whole.Record(now - due)
}

// Accepted counts an update that the engine has taken in durably, or refused.
func (r *Recorder) Accepted(due, now time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		r.refused++
		r.at(now).over++
		return
	}
	r.accepted.Record(now - due)
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

// over is how much of what was begun has ended. The mutex is held.
func (r *Recorder) over() int64 { return r.delivered + r.lost + r.idle + r.refused }

// Counts are what a recorder has seen so far, for progress.
type Counts struct{ Due, Begun, Over, Delivered, Attempts, Failed, InFlight int64 }

// Counts tells where the run is at a moment.
func (r *Recorder) Counts(now time.Duration) Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Counts{r.due(now), r.begun, r.over(), r.delivered, r.attempts, r.failed, r.inFlight}
}

// Fill writes what was recorded to a report. offered is how long the pace
// lasted, which is less than planned after an interruption.
func (r *Recorder) Fill(l *reports.Load, offered time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Vegeta may send a little more after it was stopped.
	offered = min(max(offered, r.lastBegun), r.pace.Duration())
	due := r.due(offered)
	l.Pace, l.Seconds, l.Machines = r.pace.String(), offered.Seconds(), 1
	l.Offered = amount(due, offered)
	l.Offered.Target = r.pace.Peak()
	l.Achieved = amount(r.begun, offered)
	until := max(offered, r.lastEnd)
	l.Delivered, l.Failed = amount(r.delivered, until), amount(r.lost, until)
	l.Unfinished = max(0, r.begun-r.over())
	l.DrainSeconds = (until - offered).Seconds()
	l.Outcomes = slices.SortedFunc(values(r.outcomes), func(a, b reports.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome))
	})
	if r.tokens.Requests > 0 {
		tokens := r.tokens
		l.Tokens = &tokens
	}
	l.ServiceTime = r.service.Distribution()
	l.Series = r.series(offered)
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
			Ended: c.ok, Errors: c.failed, Backlog: max(0, due-over), InFlight: c.mostOpen}
		if c.whole != nil {
			q := c.whole.quantiles(0.5, 0.95, 0.99)
			p.P50Ms, p.P95Ms, p.P99Ms = q[0], q[1], q[2]
			p.Histogram = c.whole.encode()
		}
		s.Points, before = append(s.Points, p), due
	}
	return s
}

// trend is the straight line through latencies by when they were due.
type trend struct{ n, x, y, xx, xy, yy float64 }

func (t *trend) add(x, y float64) {
	t.n++
	t.x, t.y = t.x+x, t.y+y
	t.xx, t.xy, t.yy = t.xx+x*x, t.xy+x*y, t.yy+y*y
}

// slope is how many seconds of latency each second of offer adds, and the
// least that it is in 97 of 100 runs. While a queue grows, it is the share by
// which more is offered than is served.
func (t *trend) slope() (slope, least float64) {
	wide := t.xx - t.x*t.x/t.n
	if t.n < 10 || wide <= 0 {
		return 0, 0
	}
	slope = (t.xy - t.x*t.y/t.n) / wide
	rest := max(0, t.yy-t.y*t.y/t.n-slope*slope*wide)
	return slope, slope - 2*math.Sqrt(rest/(t.n-2)/wide)
}
