package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
)

const latencies = "write 40ms, mean=40ms, min=20ms max=80ms, or p50=120ms p95=600ms"

// ParseLatency reads the answer times of a receiver: always the same; around a
// mean (exponential); between two (uniform); or with a tail (lognormal). The
// error is a *SyntaxError.
func ParseLatency(text string) (model.Latency, error) {
	w := words(text)
	given := map[string]float64{}
	for i, x := range w.all {
		name, value, ok := strings.Cut(x.text, "=")
		if !ok {
			name, value = "", x.text
		}
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > time.Hour {
			return model.Latency{}, w.error(i, fmt.Sprintf("%q is not a time", value), latencies)
		}
		if _, twice := given[name]; twice || !slices.Contains([]string{"", "mean", "min", "max", "p50", "p95"}, name) {
			return model.Latency{}, w.error(i, fmt.Sprintf("%q does not belong here", x.text), latencies)
		}
		given[name] = d.Seconds()
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := given[n]; !ok {
				return false
			}
		}
		return len(given) == len(names)
	}
	switch {
	case has(""):
		return model.Fixed(given[""]), nil
	case has("mean"):
		return model.Exponential(given["mean"]), nil
	case has("min", "max") && given["min"] <= given["max"]:
		return model.Uniform(given["min"], given["max"]), nil
	case has("p50", "p95") && given["p50"] > 0 && given["p50"] <= given["p95"]:
		return model.Lognormal(given["p50"], given["p95"]), nil
	}
	return model.Latency{}, w.error(0, fmt.Sprintf("%q is not a latency", text), latencies)
}

// ParseBetween reads a number, or two with .. between them; with % it is a
// share. The error is a *SyntaxError.
func ParseBetween(text string) (Between, error) {
	low, high, two := strings.Cut(text, "..")
	if !two {
		high = low
	}
	a, okA := shareOrNumber(low)
	b, okB := shareOrNumber(high)
	switch {
	case !okA:
		return Between{}, &SyntaxError{text, 1, fmt.Sprintf("%q is not a number", low), "write 1.5, 2%, or 1%..3%"}
	case !okB:
		return Between{}, &SyntaxError{text, len(low) + 3, fmt.Sprintf("%q is not a number", high), "write 1.5, 2%, or 1%..3%"}
	case a > b:
		return Between{}, &SyntaxError{text, len(low) + 3, "the second number is smaller than the first", "write the smaller one first"}
	}
	return Between{a, (a + b) / 2, b}, nil
}

func shareOrNumber(s string) (float64, bool) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	n, ok := number(digits)
	if percent {
		n /= 100
	}
	return n, ok
}

// ParseCurve reads the hours of a day: flat, day (quiet at night, busiest at
// eight in the evening), or 24 weights with commas between them.
func ParseCurve(text string) (c [24]float64, err error) {
	weights := strings.Split(text, ",")
	switch text {
	case "flat":
		return Flat(), nil
	case "day":
		weights = strings.Split("4,3,2,2,2,3,5,7,9,10,10,10,11,11,10,10,10,11,13,15,16,14,10,6", ",")
	}
	if len(weights) != len(c) {
		return c, &SyntaxError{text, 1, fmt.Sprintf("there are %d hours, not %d", len(c), len(weights)), "write flat, day, or 24 numbers with commas between them"}
	}
	sum, column := 0.0, 1
	for i, w := range weights {
		n, ok := number(strings.TrimSpace(w))
		if !ok {
			return c, &SyntaxError{text, column, fmt.Sprintf("%q is not a number", w), ""}
		}
		c[i], sum, column = n, sum+n, column+len(w)+1
	}
	if sum == 0 {
		return c, &SyntaxError{text, 1, "every hour is 0", "write how much of the day each hour has"}
	}
	for i := range c {
		c[i] /= sum
	}
	return c, nil
}

// ParseOutage reads LENGTH@WHEN.
func ParseOutage(text string, kind OutageKind) (*Outage, error) {
	if !slices.Contains([]OutageKind{Stalled, Refusing, Unavailable}, kind) {
		return nil, &SyntaxError{string(kind), 1, "unknown kind of outage", "write stall, refuse or 503"}
	}
	length, at, ok := strings.Cut(text, "@")
	if !ok {
		return nil, &SyntaxError{text, len(text) + 1, "@ is missing", "write how long and when: 15m@5m"}
	}
	l, err := time.ParseDuration(length)
	if err != nil || l <= 0 {
		return nil, &SyntaxError{text, 1, fmt.Sprintf("%q is not a time", length), "write how long and when: 15m@5m"}
	}
	a, err := time.ParseDuration(at)
	if err != nil || a < 0 {
		return nil, &SyntaxError{text, len(length) + 2, fmt.Sprintf("%q is not a time", at), "write how long and when: 15m@5m"}
	}
	return &Outage{At: a, Length: l, Kind: kind}, nil
}
