package loadtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/reports"
)

const (
	// lateStart is how late a request must begin to count as a late start.
	lateStart = 10 * time.Millisecond
	// leastBlame is the least time by which a latency is corrected.
	leastBlame = time.Millisecond
	// leastStall is how late a timer must be before this process is said to have
	// stood still.
	leastStall = 10 * time.Millisecond
	// refilled is how soon after a socket was free the next request takes it, where
	// requests wait for one.
	refilled = time.Millisecond
)

// cause is what a request waited for before it began.
type cause int

const (
	byGenerator cause = iota // a socket was free, and this process did not begin
	bySockets                // no socket was free, with answers as fast as usual
	byReceiver               // no socket was free because answers had become slow
	causes
)

// lateness attributes the time that requests did not spend at the receiver, and
// keeps the latencies that they would have had if this process had never been
// late. It is guarded by the mutex of its recorder.
type lateness struct {
	sockets int64 // that there may be; 0: any number
	alone   bool  // each request is one attempt, which waits for a socket itself
	watched bool  // a watchdog tells when this process stood still

	full      spans // when every socket was busy
	fullSince time.Duration
	isFull    bool
	stalls    spans         // when this process stood still
	beat      time.Duration // until when that is known
	pending   []timed       // ended after that

	usual, recent float64 // seconds of an attempt: with a socket to spare, and of late
	starts        [causes]reports.LateStarts
	fair          fairness
}

// fairness is the difference between the latencies that were measured and those
// without the lateness of this process.
type fairness struct {
	service, allService, whole, allWhole, accepted correction
	during                                         correction // of whole, while a backfill went on
	excused                                        int64      // attempts that failed while it stood still
	inTime                                         int64      // deliveries that it made late
	parts                                          int64      // times that were corrected
	most                                           time.Duration
}

// correct takes in what this process is to blame for in a time of a load that
// lasted until end.
func (f *fairness) correct(t timed, measured, blamed, end time.Duration) {
	f.parts++
	f.most = max(f.most, blamed)
	to := measured - blamed
	switch t.kind {
	case anAttempt:
		f.moved(&f.service, &f.allService, measured, to, t.ok)
		f.excused += count(!t.ok)
	case aWhole:
		f.moved(&f.whole, &f.allWhole, measured, to, t.ok)
		f.inTime += count(t.ok && t.ended >= end && t.ended-blamed < end)
	case anAcceptance:
		f.accepted.move(measured, to)
	}
}

// moved corrects a time of successful answers, and of all.
func (f *fairness) moved(ok, all *correction, from, to time.Duration, successful bool) {
	all.move(from, to)
	if successful {
		ok.move(from, to)
	}
}

// timed is something with a beginning and an end.
type timed struct {
	kind              timedKind
	due, begun, ended time.Duration
	late              time.Duration // of due to begun, what this process is to blame for
	ok                bool
}

type timedKind int

const (
	anAttempt timedKind = iota
	aWhole
	anAcceptance
)

// opened and closed follow how many sockets are busy.
func (l *lateness) opened(now time.Duration, inFlight int64) {
	if l.sockets > 0 && inFlight >= l.sockets && !l.isFull {
		l.isFull, l.fullSince = true, now
	}
}

func (l *lateness) closed(now time.Duration, inFlight int64) {
	if l.isFull && inFlight < l.sockets {
		l.isFull = false
		l.full.add(l.fullSince, now, refilled)
	}
}

// allBusy is for how much of a time no socket was free.
func (l *lateness) allBusy(from, until time.Duration) time.Duration {
	busy := l.full.within(from, until)
	if l.isFull && until > l.fullSince {
		busy += until - max(from, l.fullSince)
	}
	return busy
}

// started attributes the start of something that was due, or ready, before now,
// and returns what this process is to blame for.
func (l *lateness) started(due, now time.Duration, process bool) time.Duration {
	wait := now - due
	busy := time.Duration(0)
	if l.alone || !process {
		busy = l.allBusy(due, now)
	}
	late := wait - busy
	switch {
	case wait < lateStart:
	case late >= busy && process:
		l.starts[byGenerator].Add(milliseconds(late))
	case busy >= lateStart && l.slow():
		l.starts[byReceiver].Add(milliseconds(busy))
	case busy >= lateStart:
		l.starts[bySockets].Add(milliseconds(busy))
	}
	return max(0, late)
}

// slow reports whether attempts take longer of late than usual, or get no answer.
func (l *lateness) slow() bool {
	return l.recent > slowAnswers*l.usual && l.usual > 0 || l.recent > 0.9*engine.Budget.Seconds()
}

// How fast the two averages follow: usual over some hundred attempts, recent over
// some ten.
const (
	usualShare  = 1.0 / 256
	recentShare = 1.0 / 16
)

// attempted learns how long an attempt took.
func (l *lateness) attempted(began, ended time.Duration) {
	took := (ended - began).Seconds()
	follow := func(average *float64, share float64) {
		if *average == 0 {
			*average = took
		}
		*average += share * (took - *average)
	}
	follow(&l.recent, recentShare)
	if !l.isFull && l.full.within(began, ended) == 0 {
		follow(&l.usual, usualShare)
	}
}

// stalled takes in that this process stood still.
func (l *lateness) stalled(from, until time.Duration) { l.stalls.add(max(0, from), until, 0) }

// ready takes off what ended before the last beat of the watchdog: what is after
// it may turn out to have ended in a stall. Without a watchdog all is ready.
func (l *lateness) ready(all bool) (out []timed) {
	if all || !l.watched {
		out, l.pending = l.pending, nil
		return out
	}
	l.pending = slices.DeleteFunc(l.pending, func(t timed) bool {
		if t.ended <= l.beat {
			out = append(out, t)
			return true
		}
		return false
	})
	return out
}

// blamed is how much of the time of something this process is to blame for.
func (l *lateness) blamed(t timed) time.Duration { return t.late + l.stalls.within(t.begun, t.ended) }

// report is nil where every start was in time.
func (l *lateness) report() *reports.Lateness {
	out := reports.Lateness{Generator: l.starts[byGenerator], Sockets: l.starts[bySockets], Receiver: l.starts[byReceiver],
		StoodSeconds: l.stalls.total().Seconds()}
	if out == (reports.Lateness{}) {
		return nil
	}
	return &out
}

// doubt is why a run in which this process was late is inconclusive.
func (l *lateness) doubt() string {
	g := l.starts[byGenerator]
	text := fmt.Sprintf("this process was late, by up to %s", valueText(milliseconds(l.fair.most), "ms"))
	if g.Count > 0 {
		text += fmt.Sprintf("; %d requests began late although a socket was free", g.Count)
	}
	if stood := l.stalls.total(); stood > 0 {
		text += fmt.Sprintf("; it stood still for %s in all", valueText(milliseconds(stood), "ms"))
	}
	return text + ": run it where nothing else keeps the CPUs busy"
}

// spans are times that do not overlap, in order.
type spans struct {
	all    []span
	before time.Duration // in spans that were forgotten
}

type span struct {
	from, until time.Duration
	sum         time.Duration // of all spans before it
}

// mostSpans bounds how many are kept; the older half is forgotten then:
// requests that began before them have ended long ago.
const mostSpans = 1 << 16

// add adds one that begins after all others; one that follows within a gap goes
// on.
func (s *spans) add(from, until, gap time.Duration) {
	if until <= from {
		return
	}
	sum := s.before
	if n := len(s.all); n > 0 {
		last := &s.all[n-1]
		if from <= last.until+gap {
			last.until = max(last.until, until)
			return
		}
		sum = last.sum + last.until - last.from
	}
	s.all = append(s.all, span{from, until, sum})
	if len(s.all) > mostSpans {
		s.all = slices.Clone(s.all[mostSpans/2:])
		s.before = s.all[0].sum
	}
}

// upTo is how much of the time before t is in spans.
func (s *spans) upTo(t time.Duration) time.Duration {
	i, _ := slices.BinarySearchFunc(s.all, t, func(x span, t time.Duration) int {
		if x.from < t {
			return -1
		}
		return 1
	})
	if i == 0 {
		return s.before
	}
	x := s.all[i-1]
	return x.sum + min(t, x.until) - x.from
}

func (s *spans) within(from, until time.Duration) time.Duration {
	if until <= from || len(s.all) == 0 {
		return 0
	}
	return s.upTo(until) - s.upTo(from)
}

func (s *spans) total() time.Duration {
	if len(s.all) == 0 {
		return 0
	}
	return s.upTo(s.all[len(s.all)-1].until)
}

// correction is what is to be taken from a histogram, and put in its place.
type correction struct{ minus, plus *Histogram }

func (c *correction) move(from, to time.Duration) {
	if c.minus == nil {
		c.minus, c.plus = NewHistogram(), NewHistogram()
	}
	c.minus.Record(from)
	c.plus.Record(to)
}

// applied is the histogram with its corrections: itself where nothing
// is to be corrected.
func (c *correction) applied(h *Histogram) *Histogram {
	if h == nil || c.minus == nil {
		return h
	}
	return h.replaced(c.minus, c.plus)
}
