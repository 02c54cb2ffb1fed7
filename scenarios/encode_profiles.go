package scenarios

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// identitiesNode is lists of ids by namespace, in the order of the first of each.
func identitiesNode(all []Identity) mapping {
	m := newMapping().flow()
	byNamespace := map[string][]string{}
	var order []string
	for _, i := range all {
		if byNamespace[i.Namespace] == nil {
			order = append(order, i.Namespace)
		}
		byNamespace[i.Namespace] = append(byNamespace[i.Namespace], i.ID)
	}
	for _, namespace := range order {
		m.put(namespace, byNamespace[namespace])
	}
	return m
}

func (e *encoder) profiles() *yaml.Node {
	all := newMapping()
	for _, g := range e.scenario.Profiles {
		if g.UploadOf != "" {
			continue // the upload makes them
		}
		m := newMapping().flow()
		if g.Generate != nil {
			m.put("generate", generateNode(g.Generate))
		}
		if len(g.Memberships) > 0 {
			m.put("audiences", membershipsNode(g.Memberships))
		}
		if g.Attributes != nil {
			m.put("attributes", g.Attributes)
		}
		switch {
		case g.NoIdentity:
			m.put("identities", "none")
		case len(g.Identities) > 0:
			m.put("identities", identitiesNode(g.Identities))
		}
		all.put(g.Names.String(), m)
	}
	return all.Node
}

func membershipsNode(all []Membership) *yaml.Node {
	ordinary := func(m Membership) bool { return !m.Exited && m.Qualified == day }
	if !slices.ContainsFunc(all, func(m Membership) bool { return !ordinary(m) }) {
		keys := make([]string, len(all))
		for i, m := range all {
			keys[i] = m.Audience
		}
		return listOf(keys)
	}
	out := newMapping().flow()
	for _, m := range all {
		when := newMapping().flow()
		if !ordinary(m) {
			when.put("qualified", m.Qualified)
		}
		if m.Exited {
			when.put("exited", m.ExitedAgo)
		}
		out.put(m.Audience, when)
	}
	return out.Node
}

func generateNode(g *Generate) mapping {
	m := newMapping().flow()
	if g.Seed != nil {
		m.put("seed", *g.Seed)
	}
	if len(g.Audiences) > 0 {
		shares := newMapping().flow()
		for _, a := range g.Audiences {
			shares.put(a.Audience, plain(strconv.FormatFloat(a.Share, 'f', -1, 64)))
		}
		m.put("audiences", shares)
	}
	if g.Attributes != nil {
		m.put("attributes", g.Attributes)
	}
	if g.Identities != nil {
		m.put("identities", g.Identities)
	}
	return m
}
