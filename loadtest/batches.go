package loadtest

import (
	"math"
	"time"
)

// mostBatches bounds how finely the course of a run is kept.
const mostBatches = 512

// firstWidth is how much of a run a batch covers at first. It doubles whenever
// the run needs more than mostBatches.
const firstWidth = time.Millisecond

// octave is how many buckets a batch keeps for each factor of two in a time:
// three in a hundred are precise enough for how times depend on each other.
const (
	octaveBits = 5
	buckets    = 37 << octaveBits // up to a day in microseconds
)

// batches are the times of a run, grouped by when they were due. A histogram
// over all of them forgets which came together; batches show how far one slow
// request makes the next one likely. They are not safe for concurrent use.
type batches struct {
	width time.Duration
	all   []batch
	trend bool // only the means are wanted
}

// batch is what was due in one part of the run.
type batch struct {
	count int64
	sum   float64  // of its times, seconds
	times []uint32 // by bucket, up to the last that has one
}

func newBatches() *batches { return &batches{width: firstWidth} }

// add counts a time by when it was due.
func (b *batches) add(due, took time.Duration) {
	i := int(max(due, 0) / b.width)
	for i >= mostBatches {
		b.double()
		i = int(max(due, 0) / b.width)
	}
	for len(b.all) <= i {
		b.all = append(b.all, batch{})
	}
	x := &b.all[i]
	x.count++
	x.sum += took.Seconds()
	if b.trend {
		return
	}
	bucket := bucketOf(took)
	if bucket >= len(x.times) {
		x.times = append(x.times, make([]uint32, bucket+1-len(x.times))...)
	}
	x.times[bucket]++
}

// double joins neighbours, so that there is room for a run twice as long.
func (b *batches) double() {
	b.width *= 2
	for i := range b.all {
		if i%2 == 0 {
			b.all[i/2] = b.all[i]
			continue
		}
		b.all[i/2].join(b.all[i])
	}
	b.all = b.all[:(len(b.all)+1)/2]
}

func (x *batch) join(y batch) {
	x.count += y.count
	x.sum += y.sum
	if len(x.times) < len(y.times) {
		x.times, y.times = y.times, x.times
	}
	for i, n := range y.times {
		x.times[i] += n
	}
}

// bucketOf is the bucket of a time: its power of two in microseconds, and the
// first bits behind it.
func bucketOf(took time.Duration) int {
	micros := math.Max(1, float64(took.Microseconds()))
	i := int(math.Float64bits(micros)>>(52-octaveBits)) - 1023<<octaveBits
	return min(i, buckets-1)
}

// total is how many times there are.
func (b *batches) total() (n int64) {
	for i := range b.all {
		n += b.all[i].count
	}
	return n
}

// bucketAt is the bucket of the quantile q of all times.
func (b *batches) bucketAt(q float64) int {
	var whole [buckets]int64
	for k := range b.all {
		for i, n := range b.all[k].times {
			whole[i] += int64(n)
		}
	}
	wanted, seen := rank(b.total(), q), int64(0)
	for i, n := range whole {
		if seen += n; seen >= wanted {
			return i
		}
	}
	return buckets - 1
}

// residuals are, for each batch, by how many its times up to a bucket exceed
// the share that all of the run has. They sum to nothing.
func (b *batches) residuals(bucket int) (out []float64, share float64) {
	below, total := 0.0, 0.0
	out = make([]float64, len(b.all))
	for k := range b.all {
		times, n := b.all[k].times, int64(0)
		for _, x := range times[:min(bucket+1, len(times))] {
			n += int64(x) // whole numbers add up several times as fast as floats, and to the same
		}
		out[k] = float64(n)
		below += out[k]
		total += float64(b.all[k].count)
	}
	share = below / math.Max(total, 1)
	for k := range out {
		out[k] -= share * float64(b.all[k].count)
	}
	return out, share
}

// means are the mean times of batches that are not empty, in seconds.
func (b *batches) means() (out []float64) {
	for _, x := range b.all {
		if x.count > 0 {
			out = append(out, x.sum/float64(x.count))
		}
	}
	return out
}
