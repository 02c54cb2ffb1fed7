package model

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// Varied is how a course can go by chance: a fluid has no chance in it, but near full
// utilisation one day differs from another by a lot. Each path is a random walk
// with the attempts that come to the fluid, the room of its sockets, and the
// variance of both, which does not go below nothing.
type Varied struct {
	flow  *flowing
	first int         // step with which the levels begin
	level [][]float32 // of each path: attempts that wait, at the end of every few steps from first on
	room  []float64   // attempts that the sockets could begin, cumulative
}

// Paths is how many there are: nine of ten of them are between the fortieth from either
// end, which is right to about one in twenty-five. variedSamples is how many exports are
// sent through each.
const (
	Paths         = 800
	fromEitherEnd = 40
	variedSamples = 250
	daysBefore    = 6
	every         = 3  // steps from one level to the next
	atOnce        = 12 // steps of the days before
	longMemory    = 2  // days; see Receiver.Standing
	// mostRoom stands for sockets that are free at once.
	mostRoom = 1e6
)

// Vary plays the paths, which are the same every time, and keeps them from a
// moment on, in seconds from the beginning. The paths begin as queues that many days of
// so many seconds have left, of which the first is played several times over before, so
// that its hours count; 0 where they begin empty.
func (c Course) Vary(from, day float64) *Varied {
	f := c.flowing
	v := &Varied{flow: f, first: min(int(from/f.load.Step), len(f.rooms)), level: make([][]float32, Paths)}
	for _, room := range f.rooms {
		v.room = append(v.room, last(v.room)+min(room, mostRoom*f.load.Step))
	}
	uneven := f.longRun(f.load.Evenness)
	standing, memory := v.steady(int(day/f.load.Step), uneven)
	replays := daysBefore
	if memory > longMemory*day {
		replays = 0 // the days would be few for it, and each path is where it begins
	}
	for k := range v.level {
		random := rand.New(rand.NewPCG(uint64(k), 0))
		waiting := -standing * math.Log1p(-(float64(k)+0.5)/Paths) // exponential
		move := func(from, to int) {                               // the end of one step, and that of a later one
			came, room := f.arrived[to]-f.arrived[from], v.room[to]-v.room[from]
			served := min(room, waiting+came)
			chance := math.Sqrt(uneven*came+f.queueing.answers*served) * random.NormFloat64()
			waiting = max(0, waiting+came-room+chance)
		}
		for range replays {
			for i := 0; i+atOnce < min(int(day/f.load.Step), len(v.room)); i += atOnce {
				move(i, i+atOnce)
			}
		}
		levels := make([]float32, 0, (len(v.room)-v.first)/every+1)
		for i := 0; i < len(v.room); i += every {
			if i > 0 {
				move(i-every, i)
			}
			if i >= v.first {
				levels = append(levels, float32(waiting))
			}
		}
		v.level[k] = levels
	}
	return v
}

// longRun is the index of dispersion of attempts over times in which exports have
// their retries too: exports with more attempts than others bring them together.
func (r Receiver) longRun(exports float64) float64 {
	mean, square, f := r.Attempts(), 0.0, 1.0
	for k := range r.Policy.Attempts() {
		square += f * float64(2*k+1) // sum of the odd numbers up to that of attempts
		f *= r.Failing()
	}
	return (square + mean*mean*(exports-1)) / mean
}

// Days are the latencies of what is due in a time, by path.
type Days struct {
	each     [][]float64 // sorted, seconds
	together []float64
}

// Between sends the same exports through each path.
func (v *Varied) Between(from, to float64) *Days {
	due, _ := v.flow.dues(from, to, variedSamples)
	d := &Days{each: make([][]float64, len(v.level))}
	for k := range v.level {
		for i, at := range due {
			random := draws(i)
			if latency, ok := v.through(k, at, &random); ok {
				d.each[k] = append(d.each[k], latency)
			}
		}
		slices.Sort(d.each[k])
		d.together = append(d.together, d.each[k]...)
	}
	slices.Sort(d.together)
	return d
}

// through is the way of an export along a path. Each path has the same draws, so
// that days differ by their queues only.
func (v *Varied) through(path int, at float64, d *draws) (latency float64, delivered bool) {
	now := at
	for k := range v.flow.Policy.Attempts() {
		answer, decides := d.next(), d.next()
		now += v.wait(path, now)
		ok, took, failed := v.flow.try(now, answer, d)
		if !delivered && decides < ok {
			latency, delivered = now+took-at, true
		}
		now += failed
		if k < len(v.flow.Policy.Delays) {
			now += v.flow.Policy.Delays[k]
		}
	}
	return latency, delivered
}

// wait is how long an attempt that comes now waits until as many have begun as
// wait before it.
func (v *Varied) wait(path int, now float64) float64 {
	step := v.flow.load.Step
	i := int(now / step)
	k := (i - v.first + every/2) / every
	if i < v.first || k >= len(v.level[path]) {
		return 0
	}
	i = v.first + k*every
	waiting := float64(v.level[path][k])
	if waiting == 0 {
		return 0
	}
	u := i + 1 + sort.SearchFloat64s(v.room[i+1:], v.room[i]+waiting)
	if u >= len(v.room) { // beyond the course: as fast as it was at its end
		if v.flow.carried == 0 {
			return 0
		}
		return float64(len(v.room)-1-i)*step + (v.room[i]+waiting-last(v.room))/v.flow.carried
	}
	return (float64(u-1-i) + (v.room[i]+waiting-v.room[u-1])/(v.room[u]-v.room[u-1])) * step
}

// At is between which shares of its value on all days together a quantile is in
// nine of ten; 1 and 1 where nothing is delivered.
func (d *Days) At(share float64) (low, high float64) {
	all := nearestRank(d.together, share)
	if all == 0 {
		return 1, 1
	}
	var each []float64
	for _, day := range d.each {
		each = append(each, nearestRank(day, share)/all)
	}
	slices.SortFunc(each, cmp.Compare[float64])
	return min(1, each[fromEitherEnd]), max(1, each[len(each)-1-fromEitherEnd])
}

// nearestRank is a quantile of sorted numbers; 0 of none.
func nearestRank(sorted []float64, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, min(len(sorted)-1, int(math.Ceil(share*float64(len(sorted))))-1))]
}
