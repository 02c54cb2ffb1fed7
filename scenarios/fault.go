package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// Fault is one planned misbehaviour of the mock endpoint, as data: a zero field is a default, but for ID, which
// is "fault-1" by position unless given. ProfileNames are the profiles whose messages are selected.
type Fault struct {
	faultspec.Fault
	Pos Position
}

// Count selects first to last, both counted from 1; Last 0 means no end.
type Count = faultspec.Range

// Distribution is a distribution of the latencies of a fault, and Percentile a point of one.
type (
	Distribution = faultspec.Distribution
	Percentile   = faultspec.Percentile
)

// Names are the profiles whose messages the fault selects; none for every message.
func (f *Fault) Names() NameRange {
	names, _ := ParseNameRange(f.ProfileNames) // the reader refuses a wrong one
	return names
}

// fault reads the nth entry of faults: the values here, where their positions are known, and the rules from the
// grammar.
func (r *reader) fault(n *yaml.Node, number int) Fault {
	f := Fault{Fault: faultspec.Fault{ID: fmt.Sprintf("fault-%d", number)}, Pos: r.pos(n)}
	o := r.object(n, "a fault")
	if o == nil {
		return f
	}
	var spec faultspec.Spec
	unread := map[string]bool{}
	for _, k := range faultspec.Keys {
		before := len(r.problems)
		r.faultValue(o, k, &spec)
		unread[k.Name] = unread[k.Name] || len(r.problems) > before
	}
	unread["profiles"] = unread["profiles"] || unread["profile"] // they are read together
	o.end()
	if spec.ID == "" {
		spec.ID = f.ID
	}
	if spec.Revoke && (spec.On == "" || spec.On == "message") && !r.to.Auth.FetchesTokens() {
		r.problem(o.at("revoke"), "use auth: {type: oauth2-client-credentials, …}",
			"revoke: the destination fetches no tokens")
	}
	for _, p := range spec.Problems() {
		if !unread[p.Key] {
			r.problem(o.within(p.Key), p.Fix, "%s", p.What)
		}
	}
	f.Fault = spec.Data()
	return f
}

// faultValue reads the value of a key. One that cannot be read is reported, and a value of its kind stands for
// it, so that the rules find the key given.
func (r *reader) faultValue(o *object, k faultspec.Key, spec *faultspec.Spec) {
	given := o.has(k.Name)
	switch v := spec.Field(k.Name).(type) {
	case *string:
		r.faultText(o, k, v)
	case *bool:
		o.yes(k.Name)
		*v = given
	case *int:
		if *v = int(o.integer(k.Name, int64(k.Least), int64(k.Most), 0)); given && *v == 0 {
			*v = k.Least
		}
	case **float64:
		if n := o.take(k.Name); given {
			*v = new(r.above0(n, k.Name, k.Most, k.Fix))
		}
	case **faultspec.Duration:
		if at, _ := o.duration(k.Name); given {
			*v = new(faultspec.Duration(at))
		}
	case **faultspec.Range:
		if n := o.take(k.Name); given {
			*v = new(r.count(n, k.Name))
		}
	case **faultspec.Lifetime:
		if n := o.take(k.Name); given {
			*v = new(faultspec.Lifetime(r.lifetime(n)))
		}
	case *faultspec.Headers:
		before := len(r.problems)
		if *v = r.faultHeaders(o.take(k.Name)); *v == nil && len(r.problems) > before {
			*v = faultspec.Headers{}
		}
	case **faultspec.Latency:
		if n := o.take(k.Name); given {
			*v = r.latency(n)
		}
	default:
		panic(fmt.Sprintf("scenarios: no scenario holds a fault's %s, a %T", k.Name, v))
	}
}

// faultText reads a word, a name or the profiles of the scenario.
func (r *reader) faultText(o *object, k faultspec.Key, into *string) {
	switch {
	case k.Words != nil:
		n := o.take(k.Name)
		if *into = r.word(n, k.Name, k.Words...); *into == "" && o.has(k.Name) {
			*into = k.Words[0]
		}
	case k.Name == "profile":
		*into = r.profilesOf(o).String()
	case k.Name == "profiles": // read with profile
	default:
		*into = o.line(k.Name)
	}
}

// count reads 1, 1-2 or 2-.
func (r *reader) count(n *yaml.Node, what string) Count {
	if n == nil {
		return Count{}
	}
	c, ok := faultspec.ParseRange(n.Value)
	switch {
	case !ok || n.Kind != yaml.ScalarNode:
		r.wrongType(n, what, "a count from 1", "write 1, 1-2, or 2- for the second and all after it")
		return Count{}
	case c.Backwards():
		r.problem(n, fmt.Sprintf("write %d-%d", c.Last, c.First), "%s runs backwards: %s", what, n.Value)
	}
	return c
}

// above0 reads a number above 0 and up to most.
func (r *reader) above0(n *yaml.Node, what string, most int, hint string) float64 {
	if n == nil {
		return 1
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || !plainNumber.MatchString(n.Value) || err != nil || v <= 0 || v > float64(most) {
		r.wrongType(n, what, fmt.Sprintf("a number above 0 and up to %d", most), hint)
		return 1
	}
	return v
}

// faultHeaders reads the headers of an answer. Numbers are text here: Retry-After: 120 needs no quotes.
func (r *reader) faultHeaders(n *yaml.Node) map[string]string {
	o := r.object(n, "headers")
	if o == nil || len(o.fields) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, f := range o.fields {
		if f.value.Kind != yaml.ScalarNode || isNull(f.value) {
			r.problem(f.value, "write one line of text", "the header %s must be text, but is %s", short(f.name), found(f.value))
			continue
		}
		out[f.name] = f.value.Value
	}
	return out
}

// within is the node to blame for a key, or for one within the mapping below it: latency.max.
func (o *object) within(path string) *yaml.Node {
	name, inner, nested := strings.Cut(path, ".")
	f, _ := o.field(name)
	if !nested || f.value == nil || f.value.Kind != yaml.MappingNode {
		return o.at(name)
	}
	fields := (&decoder{}).fields(f.value) // reported when the mapping was read
	if i := slices.IndexFunc(fields, func(f field) bool { return f.name == inner }); i >= 0 {
		return fields[i].key
	}
	return f.key
}
