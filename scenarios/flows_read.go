package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxFlows bounds destinations and dataflows: each destination has its own listener.
const maxFlows = 1000

// flowKey is the key of a destination or of a dataflow. That of a destination is
// part of the host name of its endpoint.
var flowKey = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// blocks are those of a scenario with one dataflow; those for several have an s behind.
var blocks = []string{"destination", "dataflow", "endpoint"}

// readFlows reads where exports go and what is mapped: one destination and its
// dataflow, or several by their keys. Audiences must be known.
func (r *reader) readFlows(o *object) {
	if o.has("destinations") || o.has("dataflows") || o.has("endpoints") {
		r.readSeveral(o)
		return
	}
	r.readOne(o.take("destination"), o.take("dataflow"))
}

// readOne reads `destination:` and `dataflow:`.
func (r *reader) readOne(destination, dataflow *yaml.Node) {
	r.to = r.readDestination(field{value: destination})
	r.scenario.Destination = r.to
	r.scenario.Dataflow = r.readDataflow(field{value: dataflow})
}

// readSeveral reads `destinations:` and `dataflows:`.
func (r *reader) readSeveral(o *object) {
	for _, one := range blocks {
		if o.has(one) {
			r.problem(o.at(one), "write "+one+"s: {NAME: {…}}", "%s does not go with destinations and dataflows", one)
		}
	}
	flows := &Flows{}
	r.scenario.Flows = flows
	for _, f := range r.flowFields(o.require("destinations", "write destinations: {NAME: {…}}"), "destinations") {
		flows.Destinations = append(flows.Destinations, r.readDestination(f))
		flows.Endpoints = append(flows.Endpoints, Endpoint{}) // is read when profiles are known
	}
	used := map[string]bool{}
	for _, f := range r.flowFields(o.require("dataflows", "write dataflows: {NAME: {destination: NAME, …}}"), "dataflows") {
		d := r.readDataflow(f)
		used[d.To] = true
		flows.Dataflows = append(flows.Dataflows, d)
	}
	for _, d := range flows.Destinations {
		if !used[d.Key] {
			r.problemAt(d.Pos.Line, d.Pos.Column, "add a dataflow with destination: "+d.Key+"; organisation: {destinations: …} counts those that play no part",
				fmt.Sprintf("no dataflow is to the destination %s", d.Key))
		}
	}
	r.countDestinations(o)
	r.agreeOnTimes()
}

// orEmpty is a value, and an empty mapping for a key without one: `crm:` is complete.
func orEmpty(n *yaml.Node) *yaml.Node {
	if !isNull(n) {
		return n
	}
	return &yaml.Node{Kind: yaml.MappingNode, Line: n.Line, Column: n.Column}
}

// flowFields are the entries of one of the blocks, ranges spread out.
func (r *reader) flowFields(n *yaml.Node, what string) (out []field) {
	o := r.object(n, what)
	if o == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, f := range r.spreadOut(o, what) {
		switch {
		case !flowKey.MatchString(f.name):
			r.problem(f.key, "write lower-case letters, digits and hyphens, 40 at most", "%s: %q is not the name of one", what, short(f.name))
			continue
		case seen[f.name]:
			r.problem(f.key, "shorten one of the ranges", "%s: %q is there twice", what, f.name)
			continue
		}
		seen[f.name] = true
		f.value = orEmpty(f.value)
		out = append(out, f)
	}
	if len(out) > maxFlows {
		r.problem(n, fmt.Sprintf("keep to %d", maxFlows), "%s has %d entries", what, len(out))
		out = out[:maxFlows]
	}
	if len(out) == 0 && len(r.problems) == 0 {
		r.problem(n, "name at least one", "%s names none", what)
	}
	return out
}

// countDestinations holds the number that the organisation gives against those
// that are there.
func (r *reader) countDestinations(o *object) {
	given, here := &r.scenario.Organisation.Destinations, len(r.scenario.Flows.Destinations)
	organisation := resolve(o.valueOf("organisation"))
	said := organisation != nil && slices.ContainsFunc(organisation.Content, func(n *yaml.Node) bool { return n.Value == "destinations" })
	switch {
	case !said:
		*given = here
	case *given < here:
		pos := r.scenario.Organisation.Pos
		r.problemAt(pos.Line, pos.Column, "count all of them, or leave it out",
			fmt.Sprintf("organisation.destinations is %d, but destinations has %d", *given, here))
	}
}

// agreeOnTimes reports destinations that read differently whether a membership
// that qualifies again gets a new time: a profile has one time for all of them.
func (r *reader) agreeOnTimes() {
	all := r.scenario.Flows.Destinations
	for i := 1; i < len(all); i++ {
		if all[i].Readings.Of(ReadingRequalification) != all[0].Readings.Of(ReadingRequalification) {
			r.problemAt(all[i].Pos.Line, all[i].Pos.Column, "choose the same for both",
				fmt.Sprintf("readings.%s of the destinations %s and %s differ, and a profile has one time for both", ReadingRequalification, all[0].Key, all[i].Key))
			return
		}
	}
}

// destinationOf reads the key of the destination that a dataflow is to. In a range
// of dataflows {n} stands for the number.
func (r *reader) destinationOf(o *object, dataflow field) string {
	n := o.require("destination", "name one of destinations")
	key := r.line(n, "destination")
	if dataflow.numbered {
		key, _ = Expand(key, dataflow.number).(string)
	}
	return r.destinationKey(n, key)
}

// destinationKey finds a destination, and makes it the one that is spoken of.
func (r *reader) destinationKey(n *yaml.Node, key string) string {
	var keys []string
	for _, d := range r.scenario.Flows.Destinations {
		if d.Key == key {
			r.to = d
			return key
		}
		keys = append(keys, d.Key)
	}
	if key != "" {
		r.problem(n, didYouMean(key, keys), "no destination %q", short(key))
	}
	return ""
}

// readEndpoints reads `endpoint:`, or `endpoints:` by the keys of the
// destinations. Destinations and profiles must be known.
func (r *reader) readEndpoints(o *object) {
	flows := r.scenario.Flows
	if flows == nil {
		r.scenario.Endpoint = r.readEndpoint(o.take("endpoint"))
		return
	}
	nodes := map[string]*yaml.Node{}
	if n := o.take("endpoints"); n != nil {
		for _, f := range r.flowFields(n, "endpoints") {
			if key := r.destinationKey(f.key, f.name); key != "" {
				nodes[key] = f.value
			}
		}
	}
	for i, d := range flows.Destinations {
		r.to = d
		flows.Endpoints[i] = r.readEndpoint(nodes[d.Key])
	}
}

// dataflows are all of the scenario, for what is read later to change.
func (r *reader) dataflows() []*Dataflow {
	if r.scenario.Flows == nil {
		return []*Dataflow{&r.scenario.Dataflow}
	}
	var out []*Dataflow
	for i := range r.scenario.Flows.Dataflows {
		out = append(out, &r.scenario.Flows.Dataflows[i])
	}
	return out
}

// dataflowsOf reads `dataflow:` of a step or of a line of expect: a key, a range, or
// a list of them. needed says that it must be there where there are several; what
// is what it is of, in messages.
func (r *reader) dataflowsOf(o *object, what string, needed bool) []string {
	known := r.scenario.dataflowKeys()
	n := o.take("dataflow")
	switch {
	case o == nil:
		return nil
	case n == nil && needed && len(known) > 1:
		if !o.has("dataflow") {
			r.problem(o.node, "add dataflow: "+known[0]+", or another of them", "%s names no dataflow, and there are %d", what, len(known))
		}
		return nil
	case n == nil && needed:
		return known
	case n == nil:
		return nil
	case len(known) == 0:
		r.problem(o.at("dataflow"), "leave it out, or write dataflows: {NAME: {…}}", "dataflow: this scenario has one, which has no name")
		return nil
	case !needed:
		r.problem(o.at("dataflow"), "leave it out", "dataflow does not go with %s, which is about all of them", what)
		return nil
	}
	var out []string
	nodes := r.numbered(r.oneOrList(n), "dataflow")
	for _, c := range nodes {
		key := r.line(c, "dataflow")
		switch {
		case key == "":
		case !slices.Contains(known, key):
			r.problem(c, didYouMean(key, known), "no dataflow %q", short(key))
		default:
			out = append(out, key)
		}
	}
	r.unique(nodes, "dataflow")
	return out
}

// ofDataflow are the actions of a dataflow; the others are of audiences, of data, of a
// destination's tokens, or only look.
var ofDataflow = []string{"activate", "map", "unmap", "disable", "enable", "triggers", "delete"}

// stepPlace reads of which dataflows, or of which destination, an action is.
func (r *reader) stepPlace(o *object, s *Step) {
	if s.Action == "revoke" {
		s.Destination = r.revokedBy(o)
		return
	}
	s.Dataflows = r.dataflowsOf(o, s.Action, slices.Contains(ofDataflow, s.Action))
	for _, f := range r.dataflows() {
		if f.To != "" && slices.Contains(s.Dataflows, f.Key) {
			r.to, _ = r.scenario.Flows.to(*f)
			if r.to.Readings.Of(ReadingExternalAudiences) != "own-switch" {
				break // which a switch of its own has to be held against
			}
		}
	}
}

// revokedBy reads the destination whose token endpoint revokes what it issued.
func (r *reader) revokedBy(o *object) string {
	n, flows := o.take("destination"), r.scenario.Flows
	switch {
	case flows == nil && n != nil:
		r.problem(o.at("destination"), "leave it out, or write destinations: {NAME: {…}}", "destination: this scenario has one, which has no name")
	case flows == nil:
	case n != nil:
		return r.destinationKey(n, r.line(n, "destination"))
	case len(flows.Destinations) == 1:
		r.to = flows.Destinations[0]
		return r.to.Key
	case len(flows.Destinations) > 1 && !o.has("destination"):
		r.problem(o.node, "add destination: "+flows.Destinations[0].Key+", or another of them", "revoke names no destination, and there are %d", len(flows.Destinations))
	}
	return ""
}

// aboutDataflow reads which dataflows a line of expect is about. A lookup is about none,
// and so are a problem of the organisation and the absence of any.
func (r *reader) aboutDataflow(o *object, e *Expectation) {
	what, needed := "the expectation", !slices.ContainsFunc(o.fields, func(f field) bool { return f.name == "lookup" })
	if n := o.valueOf("problem"); n != nil && isText(n) {
		section, _, _ := strings.Cut(n.Value, ".")
		needed = slices.Contains([]string{"destination", "dataflow"}, strings.SplitN(section, "[", 2)[0])
		what = "the problem " + short(n.Value)
	} else if !needed {
		what = "a lookup"
	}
	e.Dataflows = r.dataflowsOf(o, what, needed)
}
