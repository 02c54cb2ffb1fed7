package scenarios

import "go.yaml.in/yaml/v4"

func (e *encoder) organisation() *yaml.Node {
	g, m := e.scenario.Organisation, newMapping()
	given(m, "edition", g.Edition, "ultimate")
	given(m, "destinations", max(1, g.Destinations), e.scenario.Flows.count())
	policies := newMapping()
	for _, p := range g.MergePolicies {
		one := newMapping().flow()
		given(one, "class", p.Class, "profile")
		given(one, "default", p.Default, false)
		policies.put(p.Name, one)
	}
	m.section("mergePolicies", policies.Node)
	if len(g.EventAttributes) > 0 {
		m.put("eventAttributes", g.EventAttributes)
	}
	m.section("labels", labelsNode(g.Labels))
	usage := newMapping()
	for _, p := range g.Policies {
		one := newMapping().flow()
		one.put("action", p.Action)
		one.put("labels", p.Labels)
		given(one, "enabled", p.Enabled, true)
		usage.put(p.Name, one)
	}
	m.section("policies", usage.Node)
	return m.Node
}

func (e *encoder) users() *yaml.Node {
	m := newMapping()
	if u := e.scenario.Users; u.Connects != nil {
		m.put("connects", u.Connects)
	}
	if u := e.scenario.Users; u.Activates != nil {
		m.put("activates", u.Activates)
	}
	if u := e.scenario.Users; u.Maps != nil {
		m.put("maps", u.Maps)
	}
	return m.Node
}

// labelsNode writes labels by the paths of their attributes.
func labelsNode(all []Label) *yaml.Node {
	m := newMapping().flow()
	for _, l := range all {
		m.put(l.Path, l.Labels)
	}
	return m.Node
}
