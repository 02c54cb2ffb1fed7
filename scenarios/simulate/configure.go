package simulate

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"slices"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// configuration is what a scenario configures, in the words of the engine, and
// what the engine says about it.
type configuration struct {
	dataflow.Configuration
	scenario *scenarios.Scenario
	refs     map[string]profile.AudienceRef
	problems []dataflow.Problem
}

// configure translates what a scenario configures and has the engine judge it.
func configure(sc *scenarios.Scenario) *configuration {
	c := &configuration{scenario: sc}
	c.Audiences, c.refs = directory(sc)
	c.Flow = dataflowOf(sc, c.refs)
	c.Organisation = organisation(sc)
	c.Users = dataflow.Users(sc.Users)
	c.Activated = sc.Dataflow.Activated
	c.problems = append(c.Problems(), uploadProblems(sc)...)
	return c
}

// organisation translates what is around the dataflow. What a scenario made in
// code leaves out has its default.
func organisation(sc *scenarios.Scenario) dataflow.Organisation {
	g := sc.Organisation
	out := dataflow.Organisation{Edition: cmp.Or(g.Edition, dataflow.Ultimate), Destinations: max(1, g.Destinations), Labels: labels(nil, g.Labels)}
	for _, p := range g.MergePolicies {
		out.MergePolicies = append(out.MergePolicies, dataflow.MergePolicy(p))
	}
	for _, path := range g.EventAttributes {
		out.EventAttributes = append(out.EventAttributes, profile.Path(path))
	}
	for _, p := range g.Policies {
		out.Policies = append(out.Policies, dataflow.UsagePolicy(p))
	}
	return out
}

// labels are those of attributes after some were given others.
func labels(before map[profile.Path][]string, given []scenarios.Label) map[profile.Path][]string {
	after := map[profile.Path][]string{}
	maps.Copy(after, before)
	for _, l := range given {
		after[profile.Path(l.Path)] = l.Labels
	}
	return after
}

// changed is the configuration after an action of the dataflow that can have
// problems, and whether it is one. The dataflow is as it is now.
func (d *driver) changed(s *scenarios.Step, refs []profile.AudienceRef) (before, after dataflow.Configuration, ok bool) {
	before = d.configured
	before.Activated = d.flow.Active
	before.Flow.Audiences = d.flow.Flow.Audiences
	if d.flow.Active {
		before.Flow.Audiences = d.flow.MappedRefs()
	}
	after = before
	switch s.Action {
	case "activate":
		after.Activated = true
	case "map":
		after.Flow.Audiences = slices.Clone(before.Flow.Audiences)
		for _, ref := range refs {
			if !slices.Contains(after.Flow.Audiences, ref) {
				after.Flow.Audiences = append(after.Flow.Audiences, ref)
			}
		}
	case "label":
		after.Organisation.Labels = labels(before.Organisation.Labels, s.Labels)
	default:
		return before, after, false
	}
	return before, after, true
}

// allow has the engine judge an action, records what it says, and answers
// whether the action may happen. What was wrong before is not said again.
func (d *driver) allow(s *scenarios.Step, refs []profile.AudienceRef) bool {
	before, after, ok := d.changed(s, refs)
	if !ok {
		return true
	}
	known := before.Problems()
	problems := slices.DeleteFunc(after.Problems(), func(p dataflow.Problem) bool {
		return slices.ContainsFunc(known, func(k dataflow.Problem) bool { return k.Message == p.Message })
	})
	if s.Action == "map" {
		problems = append(problems, before.MapProblems(after)...)
	}
	for _, p := range problems {
		d.recorder.problem(d.now, p, s.Action)
	}
	if len(dataflow.Errors(problems)) > 0 {
		return false
	}
	d.configured.Organisation = after.Organisation
	return true
}

// run is the first line of the recording.
func (c *configuration) run(setting Setting) recording.Line {
	sc := c.scenario
	run := &recording.Run{Schema: recording.Schema, Scenario: path.Base(sc.ID), Title: sc.Title, Seed: sc.Seed, Start: sc.Start,
		Endpoint: shownURL(c.Flow.Destination.Endpoint)}
	if setting.Clock == Wall {
		run.Clock, run.ToleranceMs = string(Wall), Tolerance.Milliseconds()
	}
	return recording.Line{Run: run}
}

// shownURL is an endpoint without its query, and nothing of what is no URL:
// either may hold a credential.
func shownURL(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// refused is the whole recording of a configuration that the engine refuses:
// nothing is played, and no endpoint is even there.
func (c *configuration) refused(setting Setting) []recording.Line {
	sc := c.scenario
	r := newRecorder(c.Flow.Destination.Auth)
	r.add(c.run(setting))
	for _, p := range c.problems {
		r.problem(sc.Start, p, "")
	}
	r.add(recording.Line{End: &recording.End{At: sc.Start}})
	return r.lines
}

// Problems are what the engine says about the configuration of a scenario,
// as a recording tells it, without playing anything.
func Problems(sc *scenarios.Scenario) []recording.Problem {
	var out []recording.Problem
	for _, l := range configure(sc).refused(Setting{}) {
		if l.Problem != nil {
			out = append(out, *l.Problem)
		}
	}
	return out
}
