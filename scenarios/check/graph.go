package check

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// graph is the identities of one profile as namespace:id, in the form an
// export has them.
type graph struct{ identities []string }

// exportForm spells an identity as it is exported: a standard namespace in
// lower case (R76), a plain e-mail address under email_lc_sha256 as its digest
// (R77).
func exportForm(identity string) string {
	namespace, id, _ := strings.Cut(identity, ":")
	if lower := strings.ToLower(namespace); slices.Contains(standard, lower) {
		namespace = lower
	}
	if namespace == "email_lc_sha256" && strings.Contains(id, "@") {
		id = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(id)))))
	}
	return namespace + ":" + id
}

func (g *graph) add(identity string) {
	if identity = exportForm(identity); !slices.Contains(g.identities, identity) {
		g.identities = append(g.identities, identity)
	}
}

func (g *graph) apply(changes []recording.Change) {
	for _, c := range changes {
		at := slices.Index(g.identities, exportForm(c.Identity))
		switch {
		case c.Op == "add-identity":
			g.add(c.Identity)
		case c.Op == "merged" || c.Op == "forget":
			g.identities = nil
		case at < 0:
			// Nothing to take away.
		case c.Op == "remove-identity":
			g.identities = slices.Delete(g.identities, at, at+1)
		case c.Op == "replace-identity":
			namespace, _, _ := strings.Cut(c.Identity, ":")
			if to := exportForm(namespace + ":" + c.To); !slices.Contains(g.identities, to) {
				g.identities[at] = to
			}
		}
	}
}

func (g *graph) sorted() []string { return slices.Sorted(slices.Values(g.identities)) }

// eachGraph replays the identities of every profile from its group and the
// recorded updates, and calls look with those an export should have and has.
func (v *view) eachGraph(look func(x *exported, want, got []string)) {
	v.replay(func(x *exported, g *graph) {
		if raw, ok := x.text(); ok && v.body(raw).object != nil {
			want := g.sorted()
			for i, identity := range want {
				want[i] = v.shownIdentity(identity)
			}
			slices.Sort(want)
			look(x, want, v.body(raw).identities())
		}
	})
}

// replay calls look with every export and the identities of its profile at the
// decision.
func (v *view) replay(look func(x *exported, g *graph)) {
	graphs := map[string]*graph{}
	next := 0
	for _, x := range v.exports {
		for ; next < x.updates; next++ {
			v.advance(graphs, v.updates[next])
		}
		look(x, v.graphOf(graphs, x.Profile))
	}
}

// advance applies an update.
func (v *view) advance(graphs map[string]*graph, u *recording.Update) {
	g := v.graphOf(graphs, u.Profile)
	for _, c := range u.Changes {
		if c.Op == "merge" {
			for _, identity := range v.graphOf(graphs, c.From).identities {
				g.add(identity)
			}
		}
	}
	g.apply(u.Changes)
}

func (v *view) graphOf(graphs map[string]*graph, profile string) *graph {
	g := graphs[profile]
	if g == nil {
		g = v.initialGraph(profile)
		graphs[profile] = g
	}
	return g
}

// initialGraph is what a profile starts with.
func (v *view) initialGraph(profile string) *graph {
	g := &graph{}
	start, _ := v.scenario.Initial(profile)
	for _, i := range start.Identities {
		g.add(i.Namespace + ":" + i.ID)
	}
	return g
}
