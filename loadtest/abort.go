package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Abort is a threshold that ends a load, over the last ten seconds of it.
type Abort struct{ objective Objective }

const (
	// abortWindow is how many seconds a threshold is about.
	abortWindow = 10
	// leastEnded is how many requests must have ended in them.
	leastEnded = 20
)

// String is the threshold as it was written.
func (a Abort) String() string { return a.objective.Text }

// ParseAbort reads a threshold: an objective turned round, such as errors>20% or
// p95>5s. The error is a *SyntaxError.
func ParseAbort(text string) (Abort, error) {
	const form = "write errors>20%, p95>5s, response.p99>2s or rate<50/s"
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return Abort{}, &SyntaxError{text, len(text) + 1, "a comparison is missing: < or >", form}
	}
	turned := map[byte]string{'<': ">", '>': "<"}[text[at]]
	o, err := ParseObjective(text[:at] + turned + text[at+1:])
	if wrong := (*SyntaxError)(nil); errors.As(err, &wrong) {
		wrong.Text, wrong.Hint = text, form // the places are the same: the text has the same length
	}
	if err != nil {
		return Abort{}, err
	}
	o.Text, o.Op = strings.TrimSpace(text), text[at:at+1]+strings.TrimPrefix(o.Op, turned)
	switch {
	case o.Quantity == Lost || o.Quantity == Trend || o.Quantity == Backfilled:
		return Abort{}, &SyntaxError{text, 1, fmt.Sprintf("%s cannot end a load", o.Quantity), form}
	case o.Over == Service || o.Over == DuringBackfill || o.All:
		return Abort{}, &SyntaxError{text, 1, "a threshold is about response times or delivery latencies of successful answers", form}
	}
	return Abort{o}, nil
}

// second is what ended in a second of a load.
type second struct {
	number     int64
	ok, failed int64 // attempts
	delivered  int64
	whole      *Histogram
}

// aborting watches the last seconds of a load. It is guarded by the mutex of its
// recorder.
type aborting struct {
	thresholds []Abort
	seconds    [abortWindow + 1]*second
	reached    string // the threshold, with what was measured; "": none was
}

// at is the second of a moment; nil where nobody asks.
func (a *aborting) at(t time.Duration) *second {
	if len(a.thresholds) == 0 {
		return nil
	}
	n := int64(max(0, t) / time.Second)
	s := a.seconds[n%int64(len(a.seconds))]
	if s == nil || s.number < n {
		s = &second{number: n, whole: newHistogram(coarse)}
		a.seconds[n%int64(len(a.seconds))] = s
	}
	if s.number > n {
		return nil // long ago
	}
	return s
}

func (s *second) attempted(ok bool) {
	switch {
	case s == nil:
	case ok:
		s.ok++
	default:
		s.failed++
	}
}

func (s *second) ended(took time.Duration, ok bool) {
	if s != nil && ok {
		s.delivered++
		s.whole.Record(took)
	}
}

// AbortOn has the recorder look out for thresholds.
func (r *Recorder) AbortOn(thresholds []Abort) { r.aborting.thresholds = thresholds }

// Aborts reports whether a threshold is reached in the seconds before a moment.
func (r *Recorder) Aborts(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.aborting
	if a.reached != "" || len(a.thresholds) == 0 {
		return a.reached != ""
	}
	last := int64(now/time.Second) - 1 // the last that is over
	sum := second{whole: newHistogram(coarse)}
	from := max(0, last-abortWindow+1)
	for _, s := range a.seconds {
		if s == nil || s.number < from || s.number > last {
			continue
		}
		sum.ok, sum.failed, sum.delivered = sum.ok+s.ok, sum.failed+s.failed, sum.delivered+s.delivered
		if err := sum.whole.Merge(s.whole); err != nil {
			panic("loadtest: " + err.Error()) // they are of one kind
		}
	}
	length := last - from + 1
	for _, t := range a.thresholds {
		if value, ok := t.reached(sum, length); ok {
			a.reached = fmt.Sprintf("%s was reached: %s in the %d s before %s", t, value, length, now.Truncate(time.Second))
			return true
		}
	}
	return false
}

// reached is what was measured, and whether it is beyond the threshold.
func (a Abort) reached(s second, length int64) (text string, is bool) {
	o := a.objective
	var value float64
	unit := "ms"
	switch o.Quantity {
	case Errors:
		if s.ok+s.failed < leastEnded {
			return "", false
		}
		value, unit = float64(s.failed)/float64(s.ok+s.failed), "share"
	case Rate:
		if length < abortWindow {
			return "", false
		}
		value, unit = float64(s.delivered)/float64(length), "/s"
	default:
		if s.whole.Count() < leastEnded {
			return "", false
		}
		value = s.whole.Quantile(o.Quantile)
	}
	switch o.Op {
	case ">":
		is = value > o.Limit
	case ">=":
		is = value >= o.Limit
	case "<":
		is = value < o.Limit
	default:
		is = value <= o.Limit
	}
	return valueText(value, unit), is
}

// abortable is a context that ends when a threshold is reached, which check asks
// for.
func (r *Recorder) abortable(ctx context.Context) (aborted context.Context, check func(now time.Duration), end func()) {
	aborted, end = context.WithCancel(ctx)
	return aborted, func(now time.Duration) {
		if r.Aborts(now) {
			end()
		}
	}, end
}
