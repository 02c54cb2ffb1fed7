package faultspec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

// Shape is a kind of distribution.
type Shape string

// The shapes.
const (
	Uniform     Shape = "uniform"     // from Min to Max
	Normal      Shape = "normal"      // about Mean, with Deviation; what would be negative is 0
	LogNormal   Shape = "log-normal"  // about Median; Sigma is the deviation of the logarithm
	Percentiles Shape = "percentiles" // through the points of Table, in straight lines
)

// Distribution is a distribution of latencies. Shape decides which fields count.
type Distribution struct {
	Shape           Shape
	Min, Max        time.Duration
	Mean, Deviation time.Duration
	Median          time.Duration
	Sigma           float64
	Table           []Percentile // ascending in both
}

// Percentile is a point of a distribution: Percent of the latencies are At or less.
type Percentile struct {
	Percent float64
	At      time.Duration
}

// maxSigma is as far as a log-normal distribution makes sense: 1 in 700 is then a million years.
const maxSigma = 10

// LatencyKeys are all keys of a distribution.
var LatencyKeys = []Key{
	{Name: "distribution", Words: []string{string(Uniform), string(Normal), string(LogNormal), string(Percentiles)},
		About: "uniform: from min to max. normal: by mean and deviation, with negative values set to 0. " +
			"log-normal: by median and sigma, the deviation of the logarithm. percentiles: linear between the points of a table."},
	{Name: "min", Fix: "add min: 1s", About: "With uniform: the shortest."},
	{Name: "max", Fix: "add max: 1s", About: "With uniform: the longest."},
	{Name: "mean", Fix: "add mean: 1s", About: "With normal: the average."},
	{Name: "deviation", Fix: "add deviation: 1s", About: "With normal: the standard deviation."},
	{Name: "median", Fix: "add median: 1s", About: "With log-normal: the median."},
	{Name: "sigma", Fix: "add sigma: 0.5", Most: maxSigma,
		About: "With log-normal: the standard deviation of the logarithm."},
	{Name: "percentiles", Fix: "add percentiles: {50: 200ms, 95: 1s, 100: 5s}",
		Example: `{"50": "200ms", "95": "1s", "100": "5s"}`,
		About: "With percentiles: the percentage of latencies that are that long or shorter. " +
			"Below the first point and above the last the latency is constant."},
}

// Shapes are the keys that each distribution needs, and no other goes with it.
var Shapes = map[Shape][]string{
	Uniform: {"min", "max"}, Normal: {"mean", "deviation"}, LogNormal: {"median", "sigma"}, Percentiles: {"percentiles"},
}

// OthersOf are the keys of distributions that do not go with a shape.
func OthersOf(shape Shape) []string {
	var others []string
	for _, k := range LatencyKeys[1:] {
		if !slices.Contains(Shapes[shape], k.Name) {
			others = append(others, k.Name)
		}
	}
	return others
}

// Field is the field of a key of the shape: a *time.Duration, *float64 or *[]Percentile.
func (d *Distribution) Field(key string) any {
	switch key {
	case "min":
		return &d.Min
	case "max":
		return &d.Max
	case "mean":
		return &d.Mean
	case "deviation":
		return &d.Deviation
	case "median":
		return &d.Median
	case "sigma":
		return &d.Sigma
	case "percentiles":
		return &d.Table
	}
	panic("faultspec: a distribution has no key " + key) // a mistake in the code
}

// Problems are those of the numbers, each with its key within latency.
func (d *Distribution) Problems() []Problem {
	switch _, known := Shapes[d.Shape]; {
	case !known:
		return []Problem{{"distribution", fmt.Sprintf("%q is not a distribution", notation.Short(string(d.Shape))), shapeFix}}
	case d.Shape == Uniform && d.Min >= d.Max:
		return []Problem{{"max", "min must be smaller than max", "use a fixed latency, or let max be larger"}}
	case d.Shape == Normal && (d.Mean <= 0 || d.Deviation <= 0):
		return []Problem{{"mean", "mean and deviation must be more than 0", "use a fixed latency, or write more"}}
	case d.Shape == LogNormal && d.Median <= 0:
		return []Problem{{"median", "median must be more than 0", "write more"}}
	case d.Shape == LogNormal && !(d.Sigma > 0 && d.Sigma <= maxSigma):
		return []Problem{{"sigma", fmt.Sprintf("sigma must be more than 0 and at most %d", maxSigma),
			"write 0.5 for a moderate spread"}}
	case d.Shape == Percentiles && len(d.Table) < 2:
		return []Problem{{"percentiles", "percentiles needs two points or more", "write {50: 200ms, 100: 5s}"}}
	}
	for i, p := range d.Table {
		if i > 0 && (p.Percent <= d.Table[i-1].Percent || p.At < d.Table[i-1].At) {
			return []Problem{{"percentiles", "a higher percentile must not have a shorter latency",
				"let the durations rise with the percentages"}}
		}
	}
	return nil
}

const shapeFix = "write uniform, normal, log-normal or percentiles"

// percentForm is a number without sign and exponent.
var percentForm = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// ParsePercent reads 50 or 99.9; false for anything else.
func ParsePercent(text string) (float64, bool) {
	p, err := strconv.ParseFloat(text, 64)
	return p, err == nil && percentForm.MatchString(text) && p <= 100
}

// SortPercentiles puts the points of a table into their order.
func SortPercentiles(table []Percentile) {
	slices.SortStableFunc(table, func(a, b Percentile) int { return cmp.Compare(a.Percent, b.Percent) })
}

// points is the table of Percentiles in JSON: {"50": "200ms", "99.9": "3s"}.
type points []Percentile

// UnmarshalJSON implements json.Unmarshaler.
func (t *points) UnmarshalJSON(text []byte) error {
	var given map[string]Duration
	if err := json.Unmarshal(text, &given); err != nil {
		return fmt.Errorf("percentiles: %w", err)
	}
	*t = points{}
	for percent, at := range given {
		p, ok := ParsePercent(percent)
		if !ok {
			return fmt.Errorf("percentiles: %.60q is not a percentage: write 50 or 99.9", percent)
		}
		*t = append(*t, Percentile{p, at.value()})
	}
	SortPercentiles(*t)
	return nil
}

// MarshalJSON implements json.Marshaler: in the order of the percentages.
func (t points) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, p := range t {
		at, err := Duration(p.At).MarshalText()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%q", strconv.FormatFloat(p.Percent, 'f', -1, 64), at)
	}
	return fmt.Appendf(nil, "{%s}", b.Bytes()), nil
}
