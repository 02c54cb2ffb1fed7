package simulate

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// configuration is what a scenario configures, in the words of the engine, and
// the engine's findings about it.
type configuration struct {
	scenario  *scenarios.Scenario
	audiences audience.Directory
	refs      map[string]profile.AudienceRef
	flows     []*flowConfiguration // in the order of the file
	problems  []Problem
}

// flowConfiguration is one dataflow, and what it is judged by.
type flowConfiguration struct {
	dataflow.Configuration
	part *scenarios.Scenario
}

// Problem is a finding of the engine about the configuration of a dataflow, or about
// everything around the dataflows.
type Problem struct {
	dataflow.Problem
	Dataflow string // key; "" for the only one, and for everything around
}

// Place is the path of the problem, behind the dataflow where there are several.
func (p Problem) Place() string {
	if p.Dataflow == "" {
		return p.Path
	}
	return p.Dataflow + ": " + p.Path
}

// around are the parts of a configuration that are not of a dataflow.
var around = []string{"organisation", "users", "audiences"}

// configure translates what a scenario configures and has the engine judge it.
func configure(sc *scenarios.Scenario) *configuration {
	c := &configuration{scenario: sc}
	c.audiences, c.refs = directory(sc)
	for _, part := range sc.Split() {
		f := &flowConfiguration{part: part}
		f.Audiences, f.Flow = c.audiences, dataflowOf(part, c.refs)
		f.Organisation, f.Users = organisation(part), dataflow.Users(part.Users)
		f.Activated = part.Dataflow.Activated
		c.flows = append(c.flows, f)
		c.judge(f)
	}
	for _, p := range uploadProblems(sc) {
		c.problems = append(c.problems, Problem{Problem: p})
	}
	return c
}

// judge has the engine judge a dataflow. A problem of their surroundings is there once.
func (c *configuration) judge(f *flowConfiguration) {
	for _, p := range f.Problems() {
		section, _, _ := strings.Cut(p.Path, ".")
		one := Problem{p, f.part.Dataflow.Key}
		if slices.Contains(around, section) {
			one.Dataflow = ""
		}
		if one.Dataflow != "" || !slices.Contains(c.problems, one) || len(c.flows) == 1 {
			c.problems = append(c.problems, one)
		}
	}
}

// errors reports whether the engine refuses the configuration.
func (c *configuration) errors() bool {
	return slices.ContainsFunc(c.problems, func(p Problem) bool { return p.Level == dataflow.Error })
}

// invalid are the errors, with the dataflow in the path where there are several.
func (c *configuration) invalid() (out []dataflow.Problem) {
	for _, p := range c.problems {
		if p.Level == dataflow.Error {
			p.Path = p.Place()
			out = append(out, p.Problem)
		}
	}
	return out
}

// runtime is what the engine takes over of each dataflow: activated where it was
// before the start.
func (c *configuration) runtime(settings []engine.Settings) []flow.Dataflow {
	var out []flow.Dataflow
	for n, f := range c.flows {
		d := flow.Dataflow{Snapshot: dataflow.NewSnapshot(f.Flow, c.audiences), Settings: settings[n], Configuration: f.Configuration}
		if f.part.Dataflow.Activated {
			d.Snapshot, _ = d.Snapshot.Activate(c.scenario.Start.Add(-mappedBefore)) // its backfill is over
		}
		out = append(out, d)
	}
	return out
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
	run := &recording.Run{Schema: recording.Schema, Scenario: path.Base(sc.ID), Title: sc.Title, Seed: sc.Seed, Start: sc.Start}
	for _, f := range c.flows {
		endpoint := shownURL(f.Flow.Destination.Endpoint)
		if f.part.Dataflow.Key == "" {
			run.Endpoint = endpoint
			continue
		}
		run.Dataflows = append(run.Dataflows, recording.Dataflow{ID: f.part.Dataflow.Key, Destination: f.part.Destination.Key, Endpoint: endpoint})
	}
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
	r := newRecorder(c.scenario)
	r.begin(c, setting)
	r.add(recording.Line{End: &recording.End{At: c.scenario.Start}})
	return r.lines
}

// Stated is a finding of the engine about a configuration, and the place in the file.
type Stated struct {
	recording.Problem
	Pos scenarios.Position
}

// Problems are the engine's findings about the configuration of a scenario, in
// the form of a recording, without playing anything.
func Problems(sc *scenarios.Scenario) []Stated {
	var out []Stated
	for _, l := range configure(sc).refused(Setting{}) {
		if l.Problem == nil {
			continue
		}
		of := sc
		if part, one := sc.Only(l.Dataflow); one {
			of = part
		}
		out = append(out, Stated{*l.Problem, of.Place(l.Problem.Path)})
	}
	return out
}
