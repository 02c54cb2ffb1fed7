package scenarios

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Organisation is what is around the dataflow and decides whether it may be.
type Organisation struct {
	Edition         string // ultimate unless given
	Destinations    int    // in the sandbox, with this one; 1 unless given
	MergePolicies   []MergePolicy
	EventAttributes []string // dotted paths that only experience events have
	Labels          []Label
	Policies        []UsagePolicy
	Pos             Position
}

// MergePolicy is one of the organisation's, default of its class or not.
type MergePolicy struct {
	Name    string
	Class   string
	Default bool
}

// Label is the data usage labels of an attribute.
type Label struct {
	Path   string
	Labels []string
}

// UsagePolicy forbids a marketing action for data with one of its labels.
type UsagePolicy struct {
	Name    string
	Action  string
	Labels  []string
	Enabled bool
}

// Users are the permissions of those who connect the destination and who
// activate audiences to it; nil: all of them.
type Users struct {
	Connects  []string
	Activates []string
	Maps      []string // who maps further audiences later
}

// allPermissions are those that configuring a destination can take.
var allPermissions = []string{
	"View Destinations", "Manage Destinations", "Activate Destinations", "Activate Segment without Mapping", "View Profiles", "View Segments",
}

// readOrganisation reads `organisation:` and `users:`.
func (r *reader) readOrganisation(n, users *yaml.Node) {
	o := r.object(n, "organisation")
	g := Organisation{Edition: "ultimate"}
	if o != nil {
		g.Pos = r.pos(o.node)
	}
	if edition := o.line("edition"); edition != "" {
		g.Edition = edition
	}
	g.Destinations = int(o.integer("destinations", 1, 1_000_000, 1))
	if policies := r.object(o.take("mergePolicies"), "mergePolicies"); policies != nil {
		for _, f := range policies.fields {
			g.MergePolicies = append(g.MergePolicies, r.mergePolicy(f))
		}
	}
	g.EventAttributes = r.words(o.take("eventAttributes"), "eventAttributes", r.attributePath)
	g.Labels = r.labels(o.take("labels"), "labels")
	if policies := r.object(o.take("policies"), "policies"); policies != nil {
		for _, f := range policies.fields {
			g.Policies = append(g.Policies, r.usagePolicy(f))
		}
	}
	o.end()
	r.scenario.Organisation = g

	u := r.object(users, "users")
	permission := func(n *yaml.Node, what string) string { return r.word(n, what, allPermissions...) }
	list := func(name string) []string {
		if n := u.take(name); n != nil {
			return slices.Concat([]string{}, r.words(n, name, permission))
		}
		return nil
	}
	r.scenario.Users = Users{Connects: list("connects"), Activates: list("activates"), Maps: list("maps")}
	u.end()
}

func (r *reader) mergePolicy(f field) MergePolicy {
	p := MergePolicy{Name: f.name, Class: "profile"}
	o := r.object(f.value, "the merge policy "+short(f.name))
	if class := o.line("class"); class != "" {
		p.Class = class
	}
	p.Default = o.flag("default", false)
	o.end()
	return p
}

func (r *reader) usagePolicy(f field) UsagePolicy {
	p := UsagePolicy{Name: f.name}
	o := r.object(f.value, "the policy "+short(f.name))
	p.Action = r.line(o.require("action", "name the marketing action it forbids"), "action")
	p.Labels = r.words(o.require("labels", "name the labels it is about, such as [C4]"), "labels", r.line)
	p.Enabled = o.flag("enabled", true)
	o.end()
	return p
}

// labels reads a mapping from attribute paths to their labels.
func (r *reader) labels(n *yaml.Node, what string) []Label {
	o := r.object(n, what)
	if o == nil {
		return nil
	}
	var out []Label
	for _, f := range o.fields {
		if path := r.attributePath(f.key, what); path != "" {
			out = append(out, Label{path, r.words(f.value, what, r.line)})
		}
	}
	return out
}
