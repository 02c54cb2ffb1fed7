package scenarios

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

func (e *encoder) expect() *yaml.Node {
	var all []mapping
	for i := range e.scenario.Expect {
		all = append(all, encodeExpectation(&e.scenario.Expect[i]))
	}
	return lines(all)
}

// encodeExpectation writes one line of `expect:`.
func encodeExpectation(x *Expectation) mapping {
	m := newMapping().flow()
	if len(x.Dataflows) > 0 {
		m.put("dataflow", x.Dataflows)
	}
	switch {
	case x.Decision != "":
		m.put("decision", x.Decision)
	case x.Token != "":
		m.put("token", x.Token)
		given(m, "grant", x.Grant, "")
	case x.Handshakes != "":
		m.put("handshakes", x.Handshakes)
		given(m, "reason", x.Reason, "")
	case x.Lookup != nil:
		encodeLookedUp(m, x.Lookup)
	case x.Problem != "":
		m.put("problem", x.Problem)
		given(m, "level", x.Level, "error")
		given(m, "says", x.Says, "")
	case encodeMonitoring(m, x):
	default:
		m.put("profiles", x.Profiles)
	}
	given(m, "rule", x.Rule, "")
	if x.None {
		m.put("exports", "none")
	}
	given(m, "times", x.Times, 1)
	if len(x.Because) > 0 {
		m.put("because", x.Because)
	}
	if x.At != nil {
		m.put("at", *x.At)
	}
	if x.Within != nil {
		m.put("within", *x.Within)
	}
	if len(x.Outcomes) > 0 {
		m.put("outcomes", outcomesNode(x.Outcomes))
	}
	if len(x.After) > 0 {
		m.put("after", x.After)
	}
	encodeBody(m, x)
	given(m, "certificate", x.Certificate, "")
	given(m, "together", x.Together, 0)
	return m
}

// outcomesNode writes a status as a number and anything else as a word.
func outcomesNode(all []string) *yaml.Node {
	n := listOf(all)
	for _, c := range n.Content {
		if _, err := strconv.Atoi(c.Value); err == nil {
			c.Tag, c.Style = "", 0
		}
	}
	return n
}

// encodeBody writes the keys of a line about the content.
func encodeBody(m mapping, x *Expectation) {
	if x.Payload != nil {
		m.put("payload", x.Payload)
	}
	if x.HasAudience {
		m.put("audiences", entriesNode(x.Audiences))
	}
	if x.Attributes != nil {
		m.put("attributes", x.Attributes)
	}
	if x.HasIdentity {
		m.put("identities", identitiesNode(x.Identities))
	}
	if len(x.Absent) > 0 {
		m.put("absent", x.Absent)
	}
}

// entriesNode is a list of keys where all are realized, a mapping otherwise.
func entriesNode(all []AudienceEntry) *yaml.Node {
	if !slices.ContainsFunc(all, func(a AudienceEntry) bool { return a.Detailed || a.Status != "realized" }) {
		keys := make([]string, len(all))
		for i, a := range all {
			keys[i] = a.Audience
		}
		return listOf(keys)
	}
	out := newMapping().flow()
	for _, a := range all {
		if !a.Detailed {
			out.put(a.Audience, a.Status)
			continue
		}
		m := newMapping().flow()
		m.put("status", a.Status)
		given(m, "name", a.Name, "")
		given(m, "timestamps", a.Timestamps, false)
		out.put(a.Audience, m)
	}
	return out.Node
}
