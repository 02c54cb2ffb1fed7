package loadtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// Arrivals is how requests come at the rate of a pace.
type Arrivals string

// Paced requests come evenly. Poisson requests come by chance, each independent of
// all others, as those of many callers do.
const (
	Paced   Arrivals = "paced"
	Poisson Arrivals = "poisson"
)

// ParseArrivals reads the word.
func ParseArrivals(text string) (Arrivals, error) {
	switch a := Arrivals(text); a {
	case Paced, Poisson:
		return a, nil
	}
	return "", fmt.Errorf("%q is not a kind of arrivals", text)
}

// Words are what the kind means.
func (a Arrivals) Words() string {
	if a == Paced {
		return "evenly (paced)"
	}
	return "by chance (poisson)"
}

// evenness is the squared coefficient of variation of the times between them.
func (a Arrivals) evenness() float64 {
	if a == Paced {
		return 0
	}
	return 1
}

// assumption is what a plan takes for granted with them.
func (a Arrivals) assumption() string {
	if a == Paced {
		return "Updates come evenly at the rate of their hour, and every day is like the one before. " +
			"Those of many profiles come by chance, and wait longer near saturation: --arrivals poisson."
	}
	return "Updates come by chance at the rate of their hour, and every day is like the one before."
}

// Of is a pace with these arrivals. The same seed gives the same moments.
func (a Arrivals) Of(p Pace, seed uint64) Pace {
	if a != Poisson {
		return p
	}
	return newByChance(p, seed)
}

// blockSize is how many arrivals are drawn together.
const blockSize = 256

// byChance is a Poisson process whose rate is that of a pace: times between
// arrivals are exponential where a second is as long as it takes for one to be due.
type byChance struct {
	Pace
	seed   uint64
	starts []float64 // what is due before the first of each block
	total  uint64
	last   atomic.Pointer[block]
}

// block is some arrivals in a row, each by what is due before it.
type block struct {
	number uint64
	at     [blockSize]float64
}

func newByChance(p Pace, seed uint64) *byChance {
	c := &byChance{Pace: p, seed: seed, starts: []float64{0}}
	for due := float64(p.Total()); ; {
		b := c.draw(uint64(len(c.starts) - 1))
		end := b.at[blockSize-1]
		if end >= due {
			i, _ := slices.BinarySearch(b.at[:], due)
			c.total += uint64(i)
			return c
		}
		c.total += blockSize
		c.starts = append(c.starts, end)
	}
}

// draw draws a block whose start is known.
func (c *byChance) draw(number uint64) *block {
	b := &block{number: number}
	at := c.starts[number]
	random := rand.New(rand.NewPCG(c.seed, number))
	for i := range b.at {
		at += random.ExpFloat64()
		b.at[i] = at
	}
	c.last.Store(b)
	return b
}

// Due finds the moment at which so much is due of the pace.
func (c *byChance) Due(n uint64) time.Duration {
	if n >= c.total {
		return c.Duration()
	}
	b := c.last.Load()
	if b.number != n/blockSize {
		b = c.draw(n / blockSize)
	}
	whole, part := math.Modf(b.at[n%blockSize])
	from, to := c.Pace.Due(uint64(whole)), c.Pace.Due(uint64(whole)+1)
	return from + time.Duration(part*float64(to-from))
}

// Count implements Pace.
func (c *byChance) Count(t time.Duration) uint64 {
	from, to := uint64(0), c.total
	for from < to {
		if middle := from + (to-from)/2; c.Due(middle) < t {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// Total implements Pace.
func (c *byChance) Total() uint64 { return c.total }

// String implements Pace.
func (c *byChance) String() string { return c.Pace.String() + ", poisson arrivals" }
