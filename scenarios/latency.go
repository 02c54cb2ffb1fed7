package scenarios

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// latency reads a duration, or a distribution. One that cannot be read is reported, and is 0.
func (r *reader) latency(n *yaml.Node) *faultspec.Latency {
	out := &faultspec.Latency{}
	if n == nil || n.Kind != yaml.MappingNode {
		fixed, _ := r.duration(n, "latency")
		out.Fixed = faultspec.Duration(fixed)
		return out
	}
	before := len(r.problems)
	if d := r.distribution(n); len(r.problems) == before {
		out.Distribution = d
	}
	return out
}

// distribution reads the keys that go with the shape. The rules about their numbers are those of the grammar.
func (r *reader) distribution(n *yaml.Node) *Distribution {
	o, d, shape := r.object(n, "a distribution"), &Distribution{}, faultspec.LatencyKeys[0]
	d.Shape = faultspec.Shape(r.word(o.require(shape.Name, "add "+oneOf(shape.Words)), shape.Name, shape.Words...))
	for _, k := range faultspec.LatencyKeys[1:] {
		if !slices.Contains(faultspec.Shapes[d.Shape], k.Name) {
			continue
		}
		n := o.require(k.Name, k.Fix)
		switch v := d.Field(k.Name).(type) {
		case *time.Duration:
			*v, _ = r.duration(n, k.Name)
		case *float64:
			*v = r.above0(n, k.Name, k.Most, "write 0.5 for a moderate spread")
		case *[]Percentile:
			*v = r.percentiles(n)
		}
	}
	if d.Shape != "" {
		o.exclude("distribution: "+string(d.Shape), "leave it out", faultspec.OthersOf(d.Shape)...)
	}
	o.end()
	return d
}

// percentiles reads {50: 200ms, 95: 1s, 100: 5s}.
func (r *reader) percentiles(n *yaml.Node) []Percentile {
	o := r.object(n, "percentiles")
	if o == nil {
		return nil
	}
	var table []Percentile
	for _, f := range o.fields {
		percent, ok := faultspec.ParsePercent(f.name)
		if !ok {
			r.problem(f.key, "write 50 or 99.9", "%q is not a percentage", short(f.name))
			continue
		}
		at, _ := r.duration(f.value, "percentile "+f.name)
		table = append(table, Percentile{Percent: percent, At: at})
	}
	faultspec.SortPercentiles(table)
	return table
}
