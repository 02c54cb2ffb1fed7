package loadtest

import (
	"math"
	"time"
)

// served is when successful answers came. A rate is told from the part of a load
// in which it was steady: a receiver may serve more at first, from a bucket that
// is full or a queue that is empty, and its last answers come after the load.
type served struct {
	batches // by when the answers came
	from    time.Duration
	until   time.Duration
	first   time.Duration // in that time
	last    time.Duration
	count   int64
	begun   int64 // requests, in that time
}

// rampUp is the part of a load that is not yet steady.
const rampUp = 0.25

func newServed(length time.Duration) *served {
	from := time.Duration(rampUp * float64(length))
	return &served{batches: batches{width: firstWidth, trend: true}, from: from, until: length}
}

// add counts an answer.
func (s *served) add(at time.Duration) {
	s.batches.add(at, 0)
	if at < s.from || at >= s.until {
		return
	}
	if s.count == 0 {
		s.first = at
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
	s.count++
}

// began counts a request.
func (s *served) began(at time.Duration) {
	if at >= s.from && at < s.until {
		s.begun++
	}
}

// share is how many of the requests that began in the steady part were answered
// in it, give or take what was under way at its edges.
func (s *served) share() float64 {
	if s.begun == 0 {
		return 0
	}
	return min(1, float64(s.count)/float64(s.begun))
}

// steady is how many answers a second came in the steady part of the load, never
// more than the receiver gave: what n answers tell are the n-1 times between
// them.
func (s *served) steady() float64 {
	if s.count < 2 || s.last <= s.first {
		return 0
	}
	between := (s.last - s.first).Seconds() / float64(s.count-1)
	took := s.last - s.first
	if quiet := (s.until - s.last).Seconds(); quiet > 2*between {
		took = s.until - s.first // it stopped before the end
	}
	return float64(s.count-1) / took.Seconds()
}

// overload is what a receiver serves that is offered too much.
type overload struct {
	rate  float64 // a second, once it is steady
	stock float64 // served before that, beyond the rate
}

// alike is how near the rates of two quarters of a load must be.
const alike = 0.02

// overload compares the last two quarters of the load. ok is false where the
// second serves less, or more.
func (s *served) overload() (o overload, ok bool) {
	if s == nil {
		return o, false
	}
	quarter := s.until / 4
	third, fourth := s.between(2*quarter, 3*quarter), s.between(3*quarter, 4*quarter)
	if min(third, fourth) <= 0 || math.Abs(third-fourth) > math.Max(2, alike*third) {
		return o, false
	}
	o.rate = math.Min(third, fourth) / quarter.Seconds()
	o.stock = math.Max(0, s.between(0, s.until)-o.rate*s.until.Seconds())
	return o, true
}

// between counts the answers of a time; of a batch at its edge, the part that is
// in it.
func (s *served) between(from, until time.Duration) (n float64) {
	width := s.width.Seconds()
	for i, b := range s.all {
		begin, end := float64(i)*width, float64(i+1)*width
		in := math.Min(end, until.Seconds()) - math.Max(begin, from.Seconds())
		if in > 0 {
			n += float64(b.count) * in / width
		}
	}
	return n
}

// lasts is how long the stock would carry a rate beyond what is served.
func (o overload) lasts(rate float64) time.Duration {
	if rate <= o.rate {
		return math.MaxInt64
	}
	return seconds(math.Min(o.stock/(rate-o.rate), float64(math.MaxInt64)/1e10))
}
