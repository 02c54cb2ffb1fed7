package loadtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/reports"
)

// Shard is the part that one of several machines has in a load: each takes every
// Of-th request, and profiles of its own.
type Shard struct{ Number, Of int } // Number counts from 0

// mostShards bounds how many machines one load may have.
const mostShards = 1000

// ParseShard reads I/N, where I counts from 0. The error is a *SyntaxError.
func ParseShard(text string) (s Shard, err error) {
	number, of, ok := strings.Cut(text, "/")
	wrong := func(column int, message string) error {
		return &SyntaxError{text, column, message, "write I/N, counted from 0: 0/3, 1/3 and 2/3"}
	}
	if !ok {
		return s, wrong(len(text)+1, "the / is missing")
	}
	s.Number, err = strconv.Atoi(number)
	n, errOf := strconv.Atoi(of)
	s.Of = n
	switch {
	case err != nil || s.Number < 0:
		return s, wrong(1, fmt.Sprintf("%q is not a number of a shard", number))
	case errOf != nil || s.Of < 1 || s.Of > mostShards:
		return s, wrong(len(number)+2, fmt.Sprintf("%q must be from 1 to %d shards", of, mostShards))
	case s.Number >= s.Of:
		return s, wrong(1, fmt.Sprintf("shards of %d are numbered from 0 to %d", s.Of, s.Of-1))
	}
	return s, nil
}

// String is the form that ParseShard reads.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Of) }

// whole reports whether there are no other machines.
func (s Shard) whole() bool { return s.Of <= 1 }

// Part is the part of a pace that the shard has: all shards together have all of
// it, each request once and when it is due.
func (s Shard) Part(p Pace) Pace {
	if s.whole() {
		return p
	}
	return &shardOf{p, s}
}

// Objective is what the shard is asked: a rate is that of all machines, of which
// it has its part.
func (s Shard) Objective(o Objective) Objective {
	if o.Quantity == Rate && !s.whole() {
		o.Limit /= float64(s.Of)
	}
	return o
}

// Share is the order in which the shard sends messages that all machines send by
// turns: request n of the whole load carries the same message on any machine.
func (s Shard) Share(all []*engine.Message) []*engine.Message {
	if s.whole() {
		return all
	}
	out := make([]*engine.Message, len(all))
	for i := range out {
		out[i] = all[(i*s.Of+s.Number)%len(all)]
	}
	return out
}

// Threshold is at which the shard ends: a rate is that of all machines.
func (s Shard) Threshold(a Abort) Abort { return Abort{s.Objective(a.objective)} }

// shardOf is every Of-th of a pace.
type shardOf struct {
	Pace
	shard Shard
}

// Due implements Pace.
func (s *shardOf) Due(n uint64) time.Duration {
	if n >= s.Total() {
		return s.Duration()
	}
	return s.Pace.Due(n*uint64(s.shard.Of) + uint64(s.shard.Number))
}

// Count implements Pace.
func (s *shardOf) Count(t time.Duration) uint64 { return s.of(s.Pace.Count(t)) }

// Total implements Pace.
func (s *shardOf) Total() uint64 { return s.of(s.Pace.Total()) }

// of is how many of the first n are the shard's.
func (s *shardOf) of(n uint64) uint64 {
	of, number := uint64(s.shard.Of), uint64(s.shard.Number)
	return (n + of - 1 - number) / of
}

// Rate implements Pace.
func (s *shardOf) Rate(t time.Duration) float64 { return s.Pace.Rate(t) / float64(s.shard.Of) }

// Peak implements Pace.
func (s *shardOf) Peak() float64 { return s.Pace.Peak() / float64(s.shard.Of) }

// String implements Pace.
func (s *shardOf) String() string { return shardWord + s.shard.String() + ofWord + s.Pace.String() }

// The words around the number of a shard in the text of its pace.
const (
	shardWord = "shard "
	ofWord    = " of "
)

// lastSecond is the end of the year 9999, beyond which RFC 3339 has no time.
const lastSecond = 253_402_300_800

// longestWait bounds how far ahead a load may be planned.
const longestWait = 24 * time.Hour

// ParseStart reads when a load is to begin: RFC 3339, or seconds since 1970.
func ParseStart(text string, now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if seconds, isNumber := number(text); isNumber && seconds < lastSecond {
		at, err = time.UnixMilli(int64(seconds*1000)), nil
	}
	switch {
	case err != nil:
		return at, &SyntaxError{text, 1, "it is not a time", "write 2026-12-01T12:00:00Z, or seconds since 1970"}
	case !at.After(now):
		return at, &SyntaxError{text, 1, fmt.Sprintf("it was %s ago", now.Sub(at).Round(time.Second)), "give a time that all machines reach: $(($(date +%s) + 60))"}
	case at.Sub(now) > longestWait:
		return at, &SyntaxError{text, 1, fmt.Sprintf("it is in more than %s", longestWait), "give an earlier time"}
	}
	return at, nil
}

// Start is when a load begins; the zero value is at once.
type Start struct {
	At time.Time
	// Ready is called with the time that is left when everything else is ready; nil:
	// nobody asks.
	Ready func(left time.Duration)
}

// ErrNotBegun is a load that was ended before its start: nothing was sent.
var ErrNotBegun = errors.New("the load was ended before its start")

// wait waits for the time. The error is ErrNotBegun.
func (s Start) wait(ctx context.Context) error {
	if s.At.IsZero() {
		return nil
	}
	if s.Ready != nil {
		s.Ready(time.Until(s.At))
	}
	timer := time.NewTimer(time.Until(s.At))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ErrNotBegun
	case <-timer.C:
		return nil
	}
}

// mostLateStart is how much later than its time a load may begin without a doubt.
const mostLateStart = time.Second

// doubts are why a load that began then is not one with those of other machines.
func (s Start) doubts(p *pacer) []string {
	began := p.began.Load()
	if s.At.IsZero() || began == nil {
		return nil
	}
	if late := began.Sub(s.At); late > mostLateStart {
		return []string{fmt.Sprintf("this machine began %s after --start-at: it was not ready in time", late.Round(100*time.Millisecond))}
	}
	return nil
}

// identify gives a result what tells it from others, and the part that it is of
// a load.
func identify(l *reports.Load, p Pace, s Start) {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // which never fails
	l.Run = hex.EncodeToString(id)
	if !s.At.IsZero() {
		l.StartAt = s.At.UTC().Format(time.RFC3339Nano)
	}
	if of, ok := p.(*shardOf); ok {
		l.Shard = &reports.LoadShard{Numbers: []int{of.shard.Number}, Of: of.shard.Of}
	}
}
