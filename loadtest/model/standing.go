package model

import (
	"math"
	"sort"
)

// Standing is the queue that many equal days leave, by what a day brings on average: how
// many attempts wait, and how long the queue remembers, in seconds. Near full
// utilisation that is weeks: only after as long are days alike (the relaxation time of
// a reflected Brownian motion; Whitt, Stochastic-Process Limits, 2002, section 5.7).
// Both are infinite where a day brings as much as the sockets carry, or more.
func (r Receiver) Standing(l Load, day float64) (waiting, memory float64) {
	rate, n := 0.0, min(len(l.Rates), int(day/l.Step))
	for _, v := range l.Rates[:n] {
		rate += v / float64(n)
	}
	came := rate * r.Attempts()
	room := float64(l.Sockets) / r.Busy()
	if came >= room {
		return math.Inf(1), math.Inf(1)
	}
	q := newQueueing(l.Sockets, r.evenness(l.Evenness), r.Latency, r.Policy.Budget)
	return q.waitingAt(came / room), 2 * (r.longRun(l.Evenness) + q.answers) * came / (room - came) / (room - came)
}

// waitingAt is how many attempts wait where a share of the sockets is busy.
func (q *queueing) waitingAt(busy float64) float64 {
	i := sort.SearchFloat64s(q.busy, busy)
	if i == 0 || i == len(q.busy) {
		return q.waiting[min(i, len(q.busy)-1)]
	}
	part := (busy - q.busy[i-1]) / (q.busy[i] - q.busy[i-1])
	return q.waiting[i-1] + part*(q.waiting[i]-q.waiting[i-1])
}

// steady is the mean of a random walk that comes back to the same level day after day,
// and how long it remembers, in seconds; 0 where it grows.
func (v *Varied) steady(day int, uneven float64) (mean, memory float64) {
	f := v.flow
	if day < 1 || day >= len(v.room) {
		return 0, 0
	}
	came, room := f.arrived[day]-f.arrived[0], v.room[day]-v.room[0]
	if came >= room {
		return 0, 0
	}
	chance := (uneven + f.queueing.answers) * came
	return chance / 2 / (room - came), 2 * chance / (room - came) / (room - came) * float64(day) * f.load.Step
}
