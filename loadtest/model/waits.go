package model

import (
	"math"
	"sort"
)

// queueing is how many attempts wait, by how busy the sockets are, in a state
// that does not change: Erlang's formula, corrected for answer times that are
// not exponential (Allen and Cunneen). Read the other way round it gives how busy
// the sockets are while so many wait, which is what a queue that changes needs
// (pointwise stationary fluid flow; Wang, Tipper and Banerjee 1996): next to
// none wait, and the sockets are as busy as what comes makes them; many wait, and
// all of them are.
type queueing struct {
	sockets  int
	answers  float64 // squared coefficient of variation of the answer times
	evenness float64 // index of dispersion of the attempts: 1 by chance, 0 all alike
	skew     float64 // see Latency.skew
	busy     []float64
	waiting  []float64 // attempts, at each busy
	share    []float64 // of the attempts that wait at all
}

// mostHalvings is how close to 1 the sockets of a queueing come: 2 to the power
// of minus so many.
const (
	mostHalvings  = 45
	inEachHalving = 24
)

// newQueueing makes the table for a number of sockets.
func newQueueing(sockets int, evenness float64, l Latency, budget float64) *queueing {
	q := &queueing{sockets: sockets, answers: l.variation(budget), evenness: evenness, skew: l.skew(budget)}
	for i := range mostHalvings * inEachHalving {
		idle := math.Pow(2, -float64(i)/inEachHalving)
		share := waitingShare(sockets, 1-idle)
		waiting := q.chance(1-idle) * share * (1 - idle) / idle
		fewer, shorter := q.evened(1 - idle)
		q.busy, q.share = append(q.busy, 1-idle), append(q.share, share*fewer)
		q.waiting = append(q.waiting, waiting*fewer*shorter)
	}
	return q
}

// chance is by how much more or less waits than with exponential answers, where
// arrivals come by chance: halfway to answers that are all the same, for which
// Cosmetatos (1975) has the correction.
func (q *queueing) chance(busy float64) float64 {
	return q.answers + (1-q.answers)*(1+q.several(busy))/2
}

// several is Cosmetatos's correction for several sockets.
func (q *queueing) several(busy float64) float64 {
	if busy <= 0 {
		return 0.24
	}
	c := float64(q.sockets)
	return min(0.24, (1-busy)*(c-1)*(math.Sqrt(4+5*c)-2)/(16*c*busy))
}

// evened is by how much arrivals that are more even than chance lower the share
// that waits, and the time for which these wait (Kraemer and Langenbach-Belz
// 1976; Whitt 1993 for several sockets). Both are 1 where arrivals come by chance.
// The power is ours, fitted to simulations: with 1 as they have it, answers that
// are nearly alike wait a third too little.
func (q *queueing) evened(busy float64) (fewer, shorter float64) {
	uneven, even := q.evenness+q.answers, 1-q.evenness
	switch {
	case even <= 0:
		return 1, 1
	case busy <= 0 || uneven <= 0:
		return 0, 0
	}
	power := 0.5 + 0.2/float64(q.sockets)
	all := uneven / (1 + q.answers) * math.Exp(-2*(1-busy)*even*even/(3*busy*math.Pow(uneven, power)))
	fewer = max(0, 1-even*(1-busy)*(1+q.evenness+busy*q.answers)/
		(1+busy*(q.answers-1)+busy*busy*(4*q.evenness+q.answers)))
	if fewer == 0 {
		return 0, 0
	}
	return fewer * (1 - 4*q.several(busy)*even), all / fewer
}

// exactly is up to how many sockets Erlang's sum is worth its time; above, the
// limit of Halfin and Whitt (1981) is right to a few in a thousand.
const exactly = 500

// waitingShare is the share of attempts that wait, where a share of the sockets
// is busy.
func waitingShare(sockets int, busy float64) float64 {
	if sockets <= exactly {
		return ErlangC(sockets, busy*float64(sockets))
	}
	beta := (1 - busy) * math.Sqrt(float64(sockets))
	if beta > 8 {
		return 0
	}
	density := math.Exp(-beta*beta/2) / math.Sqrt(2*math.Pi)
	return 1 / (1 + beta*(1-math.Erfc(beta/math.Sqrt2)/2)/density)
}

// variation is the squared coefficient of variation of the waits of those who
// wait, in a state that does not change: that of one socket (Takács); with more,
// answer times matter less, as the first of several to end shows.
func (q *queueing) variation(busy float64) float64 {
	return 2*busy - 1 + (1-busy)*(2+(q.skew-2)*3/(float64(q.sockets)+2))
}

// state is how busy the sockets are, how many attempts wait, and the share that
// waits.
type state struct{ busy, waiting, share float64 }

// after is the state at the end of a step in which total attempts are there and
// the sockets could begin room of them.
func (q *queueing) after(total, room float64) state {
	if math.IsInf(room, 1) || total <= 0 {
		return state{}
	}
	n := len(q.busy)
	i := sort.Search(n, func(i int) bool { return q.waiting[i]+room*q.busy[i] >= total })
	if i == n {
		return state{1, max(0, total-room), 1}
	}
	if i == 0 {
		return state{}
	}
	low, high := q.waiting[i-1]+room*q.busy[i-1], q.waiting[i]+room*q.busy[i]
	part := (total - low) / (high - low)
	between := func(of []float64) float64 { return of[i-1] + (of[i]-of[i-1])*part }
	return state{between(q.busy), between(q.waiting), between(q.share)}
}
