package scenarios

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// Distribution is a distribution of the latencies of a fault. Shape decides
// which fields count: uniform Min and Max, normal Mean and Deviation,
// log-normal Median and Sigma, percentiles Table; "" is a fixed latency.
type Distribution struct {
	Shape           string
	Min, Max        time.Duration
	Mean, Deviation time.Duration
	Median          time.Duration
	Sigma           float64
	Table           []Percentile // ascending
}

// Percentile is a point of a distribution: Percent of the latencies are At or
// less.
type Percentile struct {
	Percent float64
	At      time.Duration
}

// maxSigma is as far as a log-normal distribution makes sense.
const maxSigma = 10

// latency reads a duration, or how latencies are spread.
func (r *reader) latency(n *yaml.Node) (time.Duration, Distribution) {
	if n == nil || n.Kind != yaml.MappingNode {
		fixed, _ := r.duration(n, "latency")
		return fixed, Distribution{}
	}
	o := r.object(n, "a distribution")
	d := Distribution{Shape: r.word(o.require("distribution", "add uniform, normal, log-normal or percentiles"), "distribution", "uniform", "normal", "log-normal", "percentiles")}
	reads := map[string]map[string]*time.Duration{
		"uniform": {"min": &d.Min, "max": &d.Max}, "normal": {"mean": &d.Mean, "deviation": &d.Deviation}, "log-normal": {"median": &d.Median},
	}
	before := len(r.problems)
	for _, name := range shapeKeys[d.Shape] {
		if into := reads[d.Shape][name]; into != nil {
			*into, _ = r.duration(o.require(name, "add "+name+": 1s"), name)
		}
	}
	if d.Shape == "log-normal" {
		if n := o.require("sigma", "add sigma: 0.5"); n != nil {
			d.Sigma = r.above0(n, "sigma", maxSigma, "write 0.5 for a moderate spread")
		}
	}
	if d.Shape == "percentiles" {
		d.Table = r.percentiles(o.require("percentiles", "add percentiles: {50: 200ms, 95: 1s, 100: 5s}"))
	}
	if d.Shape != "" {
		o.exclude("distribution: "+d.Shape, "leave it out", othersOf(d.Shape)...)
	}
	if len(r.problems) == before && d.Shape != "" {
		r.spread(o, d)
	}
	o.end()
	return 0, d
}

// shapeKeys are what each distribution reads.
var shapeKeys = map[string][]string{"uniform": {"min", "max"}, "normal": {"mean", "deviation"}, "log-normal": {"median", "sigma"}, "percentiles": {"percentiles"}}

// othersOf are the keys that do not go with a distribution.
func othersOf(shape string) []string {
	var others []string
	for _, name := range []string{"min", "max", "mean", "deviation", "median", "sigma", "percentiles"} {
		if !slices.Contains(shapeKeys[shape], name) {
			others = append(others, name)
		}
	}
	return others
}

// spread checks that the numbers of a distribution make one.
func (r *reader) spread(o *object, d Distribution) {
	switch {
	case d.Shape == "uniform" && d.Min >= d.Max:
		r.problem(o.at("max"), "use a fixed latency, or let max be larger", "min must be smaller than max")
	case d.Shape == "normal" && (d.Mean == 0 || d.Deviation == 0):
		r.problem(o.at("mean"), "use a fixed latency, or write more", "mean and deviation must be more than 0")
	case d.Shape == "log-normal" && d.Median == 0:
		r.problem(o.at("median"), "write more", "median must be more than 0")
	}
}

// percentForm is a number without sign and exponent.
var percentForm = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// percentiles reads {50: 200ms, 95: 1s, 100: 5s}.
func (r *reader) percentiles(n *yaml.Node) []Percentile {
	o := r.object(n, "percentiles")
	if o == nil {
		return nil
	}
	var table []Percentile
	for _, f := range o.fields {
		percent, err := strconv.ParseFloat(f.name, 64)
		if !percentForm.MatchString(f.name) || err != nil || percent > 100 {
			r.problem(f.key, "write 50 or 99.9", "%q is not a percentage", short(f.name))
			continue
		}
		at, _ := r.duration(f.value, "percentile "+f.name)
		table = append(table, Percentile{percent, at})
	}
	slices.SortStableFunc(table, func(a, b Percentile) int { return cmp.Compare(a.Percent, b.Percent) })
	if len(o.fields) < 2 {
		r.problem(n, "write {50: 200ms, 100: 5s}", "percentiles needs two points or more")
	}
	for i := 1; i < len(table); i++ {
		if table[i].Percent == table[i-1].Percent || table[i].At < table[i-1].At {
			r.problem(n, "let the durations rise with the percentages", "a higher percentile must not have a shorter latency")
			break
		}
	}
	return table
}

// encode writes the distribution.
func (d Distribution) encode() *yaml.Node {
	m := newMapping().flow()
	m.put("distribution", d.Shape)
	switch d.Shape {
	case "uniform":
		m.put("min", d.Min)
		m.put("max", d.Max)
	case "normal":
		m.put("mean", d.Mean)
		m.put("deviation", d.Deviation)
	case "log-normal":
		m.put("median", d.Median)
		m.put("sigma", d.Sigma)
	case "percentiles":
		table := newMapping().flow()
		for _, p := range d.Table {
			table.Content = append(table.Content, plain(strconv.FormatFloat(p.Percent, 'f', -1, 64)), nodeOf(p.At))
		}
		m.put("percentiles", table.Node)
	}
	return m.Node
}
