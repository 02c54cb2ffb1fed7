package oracle

import (
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// content is what an export must, may and must not carry.
type content struct {
	attributes map[string]any    // leaf -> value: exactly these
	identities []string          // namespace:id, sorted: exactly these
	entries    map[string]*entry // namespace/id
	absent     []string          // namespace/id of memberships that are left out
	several    bool              // mapped audiences of several merge policies are concerned
	forbidden  func(namespace, id string) string
	contested  func(path string) bool // a merge decided about the attribute
	synthetic  []string               // identities that nobody wrote down
}

// entry is one membership within segmentMembership.
type entry struct {
	must     bool
	missing  string // clause that its absence breaks
	status   string
	since    time.Time   // lastQualificationTime
	again    []time.Time // when it qualified once more
	until    time.Time   // of an exited one
	initial  bool        // from before the history
	exited   bool
	mapped   bool
	name     string    // that a mapped one travels with
	names    string    // clause about it
	mappedAt time.Time // zero: before the history
	updated  time.Time
	audience string
	brought  bool // a merge decided about it

	otherName string // by the other reading; the same where it was not renamed
}

// content is what the export x of a profile carries, decided at a time.
func (o *Oracle) content(p *person, x *Possible, at time.Time) *content {
	c := &content{attributes: p.document.at(o.mapped, x.tick), identities: p.identitiesAt(x.tick), entries: map[string]*entry{}}
	sure, perhaps := o.policies(p, x)
	latest := at
	if !x.live && o.foreign && x.To.After(at) {
		latest = x.To // when within the hour a backfill is decided nobody knows
	}
	c.several, c.synthetic = o.severalPolicies(p, x), o.syntheticOf(p.all(), x.tick)
	for id, t := range p.all().memberships {
		a, known := o.audiences[id]
		s, ever := t.latest(x.tick)
		if !known || !ever {
			continue
		}
		if !o.sees(p, id) {
			c.absent = append(c.absent, a.Namespace+"/"+id)
			continue
		}
		mapping, mapped := o.flow.mapped[id].at(x.tick)
		e := &entry{audience: a.Key, status: "realized", since: s.since, until: s.until, initial: s.from <= 0, mapped: mapped}
		e.again, e.brought = p.qualifiedAgain(id, s.from, min(s.to, x.tick)), p.all().broughtBy(id, x.tick)
		if s.to <= x.tick {
			e.status, e.exited = "exited", true
		}
		switch {
		case mapped:
			e.must = o.carried(s, x.tick, latest)
			switch {
			case x.triggers[id]:
				e.missing = "changed-audience-present"
			case e.exited:
				e.missing = "exited-retention"
			default:
				e.missing = "changed-audience-present/other-mapped" // A48
			}
			if !o.carried(s, x.tick, at) {
				c.absent = append(c.absent, a.Namespace+"/"+id)
				continue
			}
			e.mappedAt = mapping.since
			o.naming(e, a, x.tick)
		case !perhaps[a.MergePolicy] || o.scenario.Destination.IncludeMappedAudiencesOnly,
			e.exited && o.reads(scenarios.ReadingUnmappedExits) != "carried", !o.carried(s, x.tick, at):
			c.absent = append(c.absent, a.Namespace+"/"+id)
			continue
		default:
			e.must = sure[a.MergePolicy] && o.carried(s, x.tick, latest)
			e.missing = "unmapped-same-policy" // they *can* be part of the export
			if e.exited {
				e.missing = "unmapped-same-policy/exited"
			}
			o.naming(e, a, x.tick)
		}
		c.entries[a.Namespace+"/"+id] = e
	}
	c.contested = func(path string) bool { return p.all().contested(path, x.tick) }
	c.forbidden = func(namespace, id string) string { return o.forbids(p, x, namespace, id) }
	o.hide(c)
	return c
}

// naming is the name and the last update of an audience after a tick (R68, R71,
// R80).
func (o *Oracle) naming(e *entry, a scenarios.Audience, tick int) {
	e.name, e.otherName, e.updated = a.Name, a.Name, a.UpdatedAt
	e.names = "names-mapped"
	if n, renamed := o.flow.nameAt(a.ID, o.flow.firstMapped(a.ID, tick)); renamed {
		e.name = n.name
	}
	if n, renamed := o.flow.nameAt(a.ID, tick); renamed {
		e.otherName, e.updated = n.name, n.at
	}
	if e.otherName != e.name {
		e.names = "name-static"
	}
	if o.reads(scenarios.ReadingNames) == "live" {
		e.name, e.otherName = e.otherName, e.name
	}
}

// hide takes the scenario's credentials out of what is expected, as they are
// out of what is compared with it: one may well be a word of the data.
func (o *Oracle) hide(c *content) {
	for path, value := range c.attributes {
		c.attributes[path] = o.hidden(value)
	}
	for i, identity := range c.identities {
		namespace, id, _ := strings.Cut(identity, ":")
		c.identities[i] = namespace + ":" + o.redactor.Text(id)
	}
	for _, e := range c.entries {
		e.name, e.otherName = o.redactor.Text(e.name), o.redactor.Text(e.otherName)
	}
}

func (o *Oracle) hidden(value any) any {
	switch v := value.(type) {
	case string:
		return o.redactor.Text(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = o.hidden(e)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, e := range v {
			out[key] = o.hidden(e)
		}
		return out
	}
	return value
}

// policies is the merge policies whose unmapped audiences come along (R62,
// R63, A50): those of the audiences that triggered, and for a change of
// attribute or identity those of every mapped audience the profile is in.
func (o *Oracle) policies(p *person, x *Possible) (sure, perhaps map[string]bool) {
	sure, perhaps = map[string]bool{}, map[string]bool{}
	for id := range x.triggers {
		sure[o.audiences[id].MergePolicy] = true
	}
	for id := range x.perhaps {
		perhaps[o.audiences[id].MergePolicy] = true
	}
	for _, trigger := range x.Because {
		if trigger != "attribute" && trigger != "identity" {
			continue
		}
		for id, t := range p.memberships {
			if t.holds(x.tick) && o.flow.has(id, x.tick) {
				sure[o.audiences[id].MergePolicy] = true
			}
		}
	}
	for policy := range sure {
		perhaps[policy] = true
	}
	return sure, perhaps
}

// forbids is the clause by which an entry that is neither asked for nor allowed
// is wrong.
func (o *Oracle) forbids(p *person, x *Possible, namespace, id string) string {
	a, known := o.audiences[id]
	s, ever := p.all().memberships[id].latest(x.tick)
	switch mapped := o.flow.has(id, x.tick); {
	case !known || a.Namespace != namespace:
		return "namespace-key"
	case !ever && p.all().broughtBy(id, x.tick):
		return "merge-gains/values"
	case mapped && !ever:
		return "changed-audience-present"
	case mapped && !o.sees(p, id):
		return "one-body"
	case mapped:
		return "exited-retention"
	case o.scenario.Destination.IncludeMappedAudiencesOnly:
		return "mapped-only-toggle"
	case !ever:
		return "unmapped-same-policy"
	case s.to <= x.tick:
		return "unmapped-same-policy/exited" // A47: only those it is in
	}
	if o.policyMapped(a.MergePolicy, x.tick) {
		return "unmapped-other-policy/mapped-policy"
	}
	return "unmapped-other-policy"
}

// policyMapped reports whether a mapped audience has a merge policy: the table of
// the page allows its unmapped audiences in every export, the prose only in those
// that such an audience caused (R62, R63).
func (o *Oracle) policyMapped(policy string, tick int) bool {
	for id, a := range o.audiences {
		if a.MergePolicy == policy && o.flow.has(id, tick) {
			return true
		}
	}
	return false
}
