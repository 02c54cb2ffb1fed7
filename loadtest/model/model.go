// Package model is the arithmetic of capacity: attempts per export, sockets,
// saturation, waits, retry amplification, and how a backlog grows and drains.
// PURE.
//
// Decision: steady load is Erlang's formula with the correction of Allen and
// Cunneen; load that changes is a fluid that queues first come, first served,
// through which a sample of exports is sent. Reason: both cost the same for a
// thousand profiles and for a billion. Cost: a fluid has no chance in it, so
// small systems wait a little longer than it says; and exports of one profile
// are taken not to wait for each other.
//
// The simulation holds it to the real dispatcher (loadtest, TestModel…).
package model

import (
	"math"
	"slices"
)

// Policy is when failed attempts are repeated: the waits in seconds (R86), and
// what an attempt may take (R81).
type Policy struct {
	Delays []float64
	Budget float64
}

// Documented is the policy of the destination.
func Documented() Policy { return Policy{Delays: []float64{15, 30}, Budget: 2} }

// Attempts is how many attempts an export may have.
func (p Policy) Attempts() int { return len(p.Delays) + 1 }

// points are how many quantiles a Latency keeps.
const points = 2000

// Latency is a distribution of answer times in seconds, by its quantiles in
// equal steps.
type Latency struct{ at []float64 }

// FromQuantiles is the distribution with a quantile function, for shares in
// (0, 1).
func FromQuantiles(quantile func(share float64) float64) Latency {
	l := Latency{make([]float64, points)}
	for i := range l.at {
		l.at[i] = max(0, quantile((float64(i)+0.5)/points))
	}
	slices.Sort(l.at)
	return l
}

// Fixed is always the same.
func Fixed(seconds float64) Latency {
	return FromQuantiles(func(float64) float64 { return seconds })
}

// Exponential has a mean.
func Exponential(mean float64) Latency {
	return FromQuantiles(func(u float64) float64 { return -mean * math.Log1p(-u) })
}

// Uniform is between two times.
func Uniform(low, high float64) Latency {
	return FromQuantiles(func(u float64) float64 { return low + (high-low)*u })
}

// normalP95 is the quantile 0.95 of the normal distribution.
const normalP95 = 1.6448536269514722

// Lognormal is the shape that answer times have most often, by its median and
// its quantile 0.95.
func Lognormal(median, p95 float64) Latency {
	sigma := math.Log(p95/median) / normalP95
	return FromQuantiles(func(u float64) float64 { return median * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*u-1)) })
}

// Shift adds a time to every answer.
func (l Latency) Shift(seconds float64) Latency {
	return l.each(func(v float64) float64 { return max(0, v+seconds) })
}

// Scale multiplies every answer time.
func (l Latency) Scale(by float64) Latency { return l.each(func(v float64) float64 { return v * by }) }

func (l Latency) each(f func(float64) float64) Latency {
	out := Latency{make([]float64, len(l.at))}
	for i, v := range l.at {
		out.at[i] = f(v)
	}
	return out
}

// Quantile is the answer time that a share is not above, in seconds.
func (l Latency) Quantile(share float64) float64 {
	x := min(max(share*points-0.5, 0), points-1)
	i := min(int(x), points-2)
	return l.at[i] + (l.at[i+1]-l.at[i])*(x-float64(i))
}

// Mean is the mean answer time, of which no more than cap counts.
func (l Latency) Mean(cap float64) float64 {
	sum := 0.0
	for _, v := range l.at {
		sum += min(v, cap)
	}
	return sum / float64(len(l.at))
}

// variation is the squared coefficient of variation of what counts up to cap.
func (l Latency) variation(cap float64) float64 {
	mean, square := l.Mean(cap), 0.0
	for _, v := range l.at {
		square += min(v, cap) * min(v, cap)
	}
	if mean == 0 {
		return 0
	}
	return max(0, square/float64(len(l.at))/mean/mean-1)
}

// skew is 4/3 of the third moment times the mean over the square of the second,
// of what counts up to cap: 2 where answer times are exponential, 4/3 where they
// are all the same.
func (l Latency) skew(cap float64) float64 {
	var one, two, three float64
	for _, v := range l.at {
		v = min(v, cap)
		one, two, three = one+v, two+v*v, three+v*v*v
	}
	if two == 0 {
		return 2
	}
	return 4. / 3 * three * one / two / two
}

// Above is the share of answers that take longer, between the quantiles by a
// straight line.
func (l Latency) Above(seconds float64) float64 {
	i, _ := slices.BinarySearchFunc(l.at, seconds, func(v, s float64) int {
		if v <= s {
			return -1
		}
		return 1
	})
	if i == 0 || i == len(l.at) {
		return 1 - float64(i)/points
	}
	part := (seconds - l.at[i-1]) / (l.at[i] - l.at[i-1])
	return min(1, max(0, 1-(float64(i)-0.5+part)/points))
}

// Receiver is the endpoint as a planner knows it.
type Receiver struct {
	Latency Latency
	Errors  float64 // share of the answers in time that are not 2xx
	Policy  Policy
	// Capacity is how many requests a second it can work on; 0: not known, and taken
	// as unlimited. Where more is brought, every answer takes longer.
	Capacity float64
}

// Timeouts is the share of attempts that have no answer in time.
func (r Receiver) Timeouts() float64 { return r.Latency.Above(r.Policy.Budget) }

// Failing is the share of attempts without a 2xx.
func (r Receiver) Failing() float64 { return 1 - (1-r.Timeouts())*(1-r.Errors) }

// Attempts is how many attempts an export has on average.
func (r Receiver) Attempts() float64 {
	sum, f := 0.0, 1.0
	for range r.Policy.Attempts() {
		sum += f
		f *= r.Failing()
	}
	return sum
}

// evenness is the index of dispersion of attempts whose exports have the one
// given: which of them are repeated is by chance.
func (r Receiver) evenness(exports float64) float64 {
	variance, mean, f := 0.0, 0.0, 1.0
	for range r.Policy.Attempts() {
		variance += f * (f*exports + 1 - f)
		mean += f
		f *= r.Failing()
	}
	return variance / mean
}

// Lost is the share of exports given up after the last attempt.
func (r Receiver) Lost() float64 {
	return math.Pow(r.Failing(), float64(r.Policy.Attempts()))
}

// Busy is how long an attempt keeps a socket, on average.
func (r Receiver) Busy() float64 { return r.Latency.Mean(r.Policy.Budget) }

// BusyFailing is how long an attempt that fails keeps a socket, on average: its
// whole budget where no answer comes in time. Its retry is due after that.
func (r Receiver) BusyFailing() float64 {
	late, failing := r.Timeouts(), r.Failing()
	if failing == 0 {
		return 0
	}
	timeouts := late * r.Policy.Budget
	return (timeouts + r.Errors*(r.Busy()-timeouts)) / failing
}

// Steady is a receiver under a rate that does not change.
type Steady struct {
	Attempts    float64 // per export
	Lost        float64 // share of the exports
	Sockets     float64 // busy on average (Little)
	MaxRate     float64 // exports a second that the sockets carry
	Utilisation float64 // from 1 on the backlog grows
	Waiting     float64 // share of attempts that wait for a socket (Erlang C)
	MeanWait    float64 // of all attempts, seconds; infinite from a utilisation of 1 on
}

// At is what a rate of exports a second, and so many sockets, come to.
// Evenness is the squared coefficient of variation of the arrivals: 1 where
// they come by chance (Poisson), 0 where they are evenly spaced.
func (r Receiver) At(rate float64, sockets int, evenness float64) Steady {
	s := Steady{Attempts: r.Attempts(), Lost: r.Lost()}
	work := s.Attempts * r.Busy() // socket seconds per export
	s.Sockets = rate * work
	s.MaxRate = float64(sockets) / work
	s.Utilisation = s.Sockets / float64(sockets)
	if s.Utilisation >= 1 {
		s.Waiting, s.MeanWait = 1, math.Inf(1)
		return s
	}
	s.Waiting = ErlangC(sockets, s.Sockets)
	s.MeanWait = s.Waiting * r.waitOfThoseWhoWait(sockets, s.Utilisation, evenness)
	return s
}

// waitOfThoseWhoWait is the mean wait of an attempt that finds every socket
// busy (Allen and Cunneen; exact for chance arrivals and exponential answers).
func (r Receiver) waitOfThoseWhoWait(sockets int, utilisation, evenness float64) float64 {
	chance := (evenness + r.Latency.variation(r.Policy.Budget)) / 2
	return chance * r.Busy() / (float64(sockets) * (1 - utilisation))
}

// ErlangC is the share of arrivals that wait, where load is the servers busy on
// average.
func ErlangC(servers int, load float64) float64 {
	if load >= float64(servers) {
		return 1
	}
	b := 1.0 // Erlang B, server by server
	for k := 1; k <= servers; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b / (1 - load/float64(servers)*(1-b))
}
