package scenarios

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/httpdest/httpdest/scenarios/generate"
	"go.yaml.in/yaml/v4"
)

// percentage is a share as text; a plain number is one from 0 to 1.
var percentage = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?%$`)

// generate reads `generate:` of a group. Audiences must be known.
func (r *reader) generate(n *yaml.Node) *Generate {
	o := r.object(n, "generate")
	if o == nil {
		return nil
	}
	g := &Generate{}
	if o.has("seed") {
		if seed, ok := r.integer(o.take("seed"), "seed", 0, 1<<63-1); ok {
			g.Seed = new(uint64(seed))
		}
	}
	g.Audiences = r.shares(o.take("audiences"))
	g.Attributes = r.kept(o, "attributes", generate.Attributes())
	g.Identities = r.kept(o, "identities", generate.Namespaces())
	o.end()
	return g
}

// kept reads which of the generated things a profile keeps: nil for all, an
// empty list for none.
func (r *reader) kept(o *object, name string, known []string) []string {
	n := o.take(name)
	if n == nil {
		return nil
	}
	kept := r.words(n, name, func(n *yaml.Node, what string) string { return r.word(n, "an entry of "+what, known...) })
	return append([]string{}, kept...)
}

// shares reads a map from audience to the share of profiles realized in it.
func (r *reader) shares(n *yaml.Node) []AudienceShare {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.wrongType(n, "audiences of generate", "a mapping", "write {delorean: 30%}; for all profiles, write `audiences:` next to generate")
		return nil
	}
	var out []AudienceShare
	for _, f := range r.object(n, "audiences of generate").fields {
		key := r.audienceRef(f.key, "audiences of generate")
		share, ok := r.share(f)
		if ok && key != "" {
			out = append(out, AudienceShare{key, share})
		}
	}
	return out
}

// share reads 0.3 or 30%.
func (r *reader) share(f field) (float64, bool) {
	text, divisor := f.value.Value, 1.0
	valid := f.value.Kind == yaml.ScalarNode && plainNumber.MatchString(text) && !isText(f.value)
	if f.value.Kind == yaml.ScalarNode && isText(f.value) && percentage.MatchString(text) {
		text, divisor, valid = strings.TrimSuffix(text, "%"), 100, true
	}
	v, err := strconv.ParseFloat(text, 64)
	if !valid || err != nil || v < 0 || v > divisor {
		r.wrongType(f.value, "the share of "+short(f.name), "a number from 0 to 1 or a percentage", "write 0.3 or 30%")
		return 0, false
	}
	return v / divisor, true
}
