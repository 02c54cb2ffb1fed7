package simulate

import (
	"cmp"
	"net/url"
	"path"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// configuration is what a scenario configures, in the words of the engine, and
// the engine's findings about it.
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

// organisation translates the surroundings of the dataflow. Fields that a
// scenario made in code leaves out have their defaults.
func organisation(sc *scenarios.Scenario) dataflow.Organisation {
	g := sc.Organisation
	out := dataflow.Organisation{Edition: cmp.Or(g.Edition, dataflow.Ultimate), Destinations: max(1, g.Destinations), Labels: labels(g.Labels)}
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

// labels are data usage labels by path.
func labels(given []scenarios.Label) map[profile.Path][]string {
	out := map[profile.Path][]string{}
	for _, l := range given {
		out[profile.Path(l.Path)] = l.Labels
	}
	return out
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

// shownURL is an endpoint without its query, and "" for a text that is not a
// URL: either may hold a credential.
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

// Problems are the engine's findings about the configuration of a scenario, in
// the form of a recording, without playing anything.
func Problems(sc *scenarios.Scenario) []recording.Problem {
	var out []recording.Problem
	for _, l := range configure(sc).refused(Setting{}) {
		if l.Problem != nil {
			out = append(out, *l.Problem)
		}
	}
	return out
}
