package loadtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const paces = "write constant, ramp from=100 to=1000, step 100 200 400, sine mean=500 swing=300 period=1m, burst base=100 peak=5000 every=30s last=2s, stages 30s:100 5m:100 30s:0, or trace FILE"

// PaceSettings are what a pace does not say itself.
type PaceSettings struct {
	Rate   float64       // of constant, 1/s
	Length time.Duration // of all but a trace
	// Moments reads the file of a trace.
	Moments func(file string) ([]time.Duration, error)
}

// mostTotal bounds what a run can offer: numbers beyond it are a slip.
const mostTotal = 1e10

// ParsePace reads a pace. The error is a *SyntaxError, or that of Moments.
func ParsePace(text string, s PaceSettings) (Pace, error) {
	w := words(text)
	if len(w.all) == 0 {
		return nil, w.error(0, "the pace is missing", paces)
	}
	p, err := w.pace(s)
	if err != nil {
		return nil, err
	}
	if mean := (p.Peak() + p.Rate(0)) / 2; mean*p.Duration().Seconds() > mostTotal {
		return nil, w.error(0, "more than 10^10 requests are due", "write a lower rate, or less time")
	}
	if p.Total() == 0 {
		return nil, w.error(0, "nothing is ever due", "write a higher rate, or more time")
	}
	return p, nil
}

func (w *wordList) pace(s PaceSettings) (Pace, error) {
	switch kind := w.all[0].text; kind {
	case "constant":
		if err := w.only(); err != nil {
			return nil, err
		}
		return Constant(s.Rate, s.Length), nil
	case "ramp":
		n, err := w.named("from", "to")
		if err != nil {
			return nil, err
		}
		return Ramp(n.rate["from"], n.rate["to"], s.Length), nil
	case "step":
		return w.steps(s.Length)
	case "sine":
		n, err := w.named("mean", "swing", "period")
		switch {
		case err != nil:
			return nil, err
		case n.rate["swing"] > n.rate["mean"]:
			return nil, w.error(0, "the swing is wider than the mean: the rate would be negative", paces)
		}
		return Sine(n.rate["mean"], n.rate["swing"], n.time["period"], s.Length), nil
	case "burst":
		n, err := w.named("base", "peak", "every", "last")
		switch {
		case err != nil:
			return nil, err
		case n.time["last"] >= n.time["every"]:
			return nil, w.error(0, "the burst is as long as its period", "write a shorter last, or the pace constant")
		case n.time["every"] < s.Length/100_000:
			return nil, w.error(0, "there are more than 100,000 bursts", "write a longer every")
		}
		return Burst(n.rate["base"], n.rate["peak"], n.time["every"], n.time["last"], s.Length), nil
	case "stages":
		return w.stages()
	case "trace":
		if len(w.all) != 2 {
			return nil, w.error(0, "trace takes one file", paces)
		}
		at, err := s.Moments(w.all[1].text)
		if err != nil {
			return nil, err
		}
		if len(at) == 0 {
			return nil, w.error(1, "the file has no moments", "")
		}
		return Trace(w.all[1].text, at), nil
	default:
		return nil, w.error(0, fmt.Sprintf("unknown pace %q", kind), paces)
	}
}

func (w *wordList) steps(length time.Duration) (Pace, error) {
	var rates []float64
	for i := range w.all[1:] {
		r, err := w.rate(i+1, w.all[i+1].text)
		if err != nil {
			return nil, err
		}
		rates = append(rates, r)
	}
	if len(rates) == 0 {
		return nil, w.error(0, "step names no rate", paces)
	}
	return Steps(rates, length), nil
}

// stages reads pairs of a time and a rate.
func (w *wordList) stages() (Pace, error) {
	var all []Stage
	for i := 1; i < len(w.all); i++ {
		length, rate, ok := strings.Cut(w.all[i].text, ":")
		d, err := time.ParseDuration(length)
		if !ok || err != nil || d < time.Millisecond {
			return nil, w.error(i, fmt.Sprintf("%q is not a time and a rate", w.all[i].text), "write the time of the stage and the rate at its end: 30s:100")
		}
		to, err := w.rate(i, rate)
		if err != nil {
			return nil, err
		}
		all = append(all, Stage{d, to})
	}
	if len(all) == 0 {
		return nil, w.error(0, "stages names no stage", paces)
	}
	return Stages(all), nil
}

// wordList is a text by its words, with their columns.
type wordList struct {
	text string
	all  []word
}

type word struct {
	text   string
	column int
}

func words(text string) *wordList {
	w := &wordList{text: text}
	for i := 0; i < len(text); {
		if text[i] == ' ' {
			i++
			continue
		}
		end := i + len(strings.SplitN(text[i:], " ", 2)[0])
		w.all = append(w.all, word{text[i:end], i + 1})
		i = end
	}
	return w
}

func (w *wordList) error(at int, message, hint string) error {
	column := 1
	if at < len(w.all) {
		column = w.all[at].column
	}
	return &SyntaxError{w.text, column, message, hint}
}

func (w *wordList) only() error {
	if len(w.all) > 1 {
		return w.error(1, fmt.Sprintf("%s has no settings", w.all[0].text), "its rate is --rate")
	}
	return nil
}

// settings are the values of a pace, by name.
type settings struct {
	rate map[string]float64
	time map[string]time.Duration
}

// named reads name=value; each name is given once. period, every and last are
// times, the others rates.
func (w *wordList) named(names ...string) (settings, error) {
	s := settings{map[string]float64{}, map[string]time.Duration{}}
	given := map[string]bool{}
	for i := 1; i < len(w.all); i++ {
		name, value, ok := strings.Cut(w.all[i].text, "=")
		if !ok || !slices.Contains(names, name) {
			return s, w.error(i, fmt.Sprintf("%s has only the settings %s", w.all[0].text, strings.Join(names, "=, ")+"="), paces)
		}
		if given[name] {
			return s, w.error(i, name+" is given twice", "")
		}
		given[name] = true
		var err error
		switch name {
		case "period", "every", "last":
			if s.time[name], err = time.ParseDuration(value); err != nil || s.time[name] < time.Millisecond {
				return s, w.error(i, fmt.Sprintf("%q is not a time", value), "write a number with its unit: 30s")
			}
		default:
			if s.rate[name], err = w.rate(i, value); err != nil {
				return s, err
			}
		}
	}
	for _, name := range names {
		if !given[name] {
			return s, w.error(0, fmt.Sprintf("%s needs %s=", w.all[0].text, name), paces)
		}
	}
	return s, nil
}

// rate reads a rate per second; /s may stand behind it.
func (w *wordList) rate(at int, text string) (float64, error) {
	r, ok := number(strings.TrimSuffix(text, "/s"))
	if !ok || r > 1e9 {
		return 0, w.error(at, fmt.Sprintf("%q is not a rate", text), "write requests a second: 500 or 500/s")
	}
	return r, nil
}
