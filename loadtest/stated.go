package loadtest

import (
	"errors"
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

// ParseDataflow reads a further dataflow of a plan by words: name, profiles,
// share, updates, curve, sockets and backfill. Words that are left out have the
// defaults of plan, and sockets those given. The error is a *SyntaxError.
func ParseDataflow(text string, sockets int) (Dataflow, error) {
	const form = "write 'name=orders profiles=2000000 share=30% updates=2 curve=day sockets=20'"
	d := Dataflow{Curve: Flat(), Sockets: sockets}
	numbers := map[string]Between{"profiles": {}, "share": Exactly(1), "updates": Exactly(1), "sockets": Exactly(float64(sockets)), "backfill": {}}
	w := words(text)
	for i, x := range w.all {
		name, value, _ := strings.Cut(x.text, "=")
		if name == "name" && value != "" {
			d.Name = value
			continue
		}
		var err error
		if _, known := numbers[name]; known {
			numbers[name], err = ParseBetween(value)
		} else if name == "curve" {
			d.Curve, err = ParseCurve(value)
		} else {
			return d, w.error(i, fmt.Sprintf("%q does not describe a dataflow", x.text), form)
		}
		var wrong *SyntaxError
		if errors.As(err, &wrong) {
			return d, w.error(i, fmt.Sprintf("%q: %s", x.text, wrong.Message), form)
		}
	}
	if d.Sockets = int(numbers["sockets"].Likely); d.Name == "" || numbers["profiles"].Low <= 0 || numbers["share"].High > 1 || d.Sockets < 1 || d.Sockets > mostPicked {
		return d, w.error(0, "a dataflow needs a name, profiles above 0, a share of at most 100%, and sockets from 1 to 100000", form)
	}
	d.PerDay = product(numbers["profiles"], numbers["share"], numbers["updates"])
	d.Backfill = numbers["backfill"].Likely
	return d, nil
}

// product is what numbers come to that are not known exactly.
func product(all ...Between) Between {
	out := Exactly(1)
	for _, b := range all {
		out.Low, out.Likely, out.High = out.Low*b.Low, out.Likely*b.Likely, out.High*b.High
	}
	return out
}

// PerDay are the exports a day of profiles, of which a share is in a mapped
// audience, with so many updates each.
func PerDay(profiles, share, updates Between) Between { return product(profiles, share, updates) }

// ParsePlannedOutage reads LENGTH@TIME-OF-DAY, where the time is 20h, 23h20m or
// 23:20.
func ParsePlannedOutage(text string, kind OutageKind) (*Outage, error) {
	const form = "write how long and at which time of day: 15m@20h, or 15m@23:20"
	length, at, _ := strings.Cut(text, "@")
	if hours, minutes, ok := strings.Cut(at, ":"); ok {
		at = hours + "h" + minutes + "m"
	}
	o, err := ParseOutage(length+"@"+at, kind)
	var wrong *SyntaxError
	if errors.As(err, &wrong) && wrong.Text != string(kind) {
		wrong.Text, wrong.Hint = text, form
	}
	if err == nil && (o.At >= 24*time.Hour || o.Length > 24*time.Hour) {
		return nil, &SyntaxError{text, len(length) + 2, "it is longer than a day, or does not begin in one", form}
	}
	return o, err
}

// ParseTarget reads an objective that a plan can hold sockets against.
func ParseTarget(text string) (Objective, error) {
	o, err := ParseObjective(text)
	latency := o.Quantity == Latency && (o.Over == Headline || o.Over == Delivery) && !o.All && o.Quantile < 1
	if err == nil && !latency && o.Quantity != Lost {
		err = &SyntaxError{text, 1, "a plan knows delivery latencies and losses", "write p95<10m, p99<1h or lost<1%"}
	}
	return o, err
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
