package scenarios

import (
	"maps"
	"slices"
)

// Flows are several destinations, and the dataflows to them.
type Flows struct {
	Destinations []Destination // in file order; each has a dataflow
	Endpoints    []Endpoint    // of the mock: one for each destination, in their order
	Dataflows    []Dataflow    // in file order
}

// mappedPath is an attribute that a dataflow maps.
type mappedPath struct{ dataflow, path string }

// dataflowKeys are the keys of the dataflows; none for a scenario with one that
// has no key.
func (s *Scenario) dataflowKeys() []string {
	if s.Flows == nil {
		return nil
	}
	keys := make([]string, len(s.Flows.Dataflows))
	for i, f := range s.Flows.Dataflows {
		keys[i] = f.Key
	}
	return keys
}

// Split is a scenario of one dataflow for each of several: its destination, the
// endpoint of that, and the steps and expectations about it. Steps that name no
// dataflow are in every part, expectations that name none in the first. A
// scenario with one dataflow is itself the only part.
func (s *Scenario) Split() []*Scenario {
	if s.Flows == nil {
		return []*Scenario{s}
	}
	parts := make([]*Scenario, len(s.Flows.Dataflows))
	for i := range parts {
		parts[i] = s.part(i)
	}
	return parts
}

// Only is the part of Split that is about the dataflow with a key.
func (s *Scenario) Only(dataflow string) (*Scenario, bool) {
	if i := slices.Index(s.dataflowKeys(), dataflow); i >= 0 {
		return s.part(i), true
	}
	return nil, false
}

// Whole is the scenario that Split made this a part of, or the scenario itself.
func (s *Scenario) Whole() *Scenario {
	if s.whole != nil {
		return s.whole
	}
	return s
}

// part is the scenario of the nth dataflow.
func (s *Scenario) part(n int) *Scenario {
	p := *s
	p.whole, p.Flows, p.Dataflow = s, nil, s.Flows.Dataflows[n]
	p.Destination, p.Endpoint = s.Flows.to(p.Dataflow)
	p.History = nil
	for _, step := range s.History {
		elsewhere := len(step.Dataflows) > 0 && !slices.Contains(step.Dataflows, p.Dataflow.Key)
		if elsewhere || step.Destination != "" && step.Destination != p.Destination.Key {
			continue
		}
		step.Dataflows, step.Destination = nil, ""
		p.History = append(p.History, step)
	}
	p.Expect = nil
	for _, e := range s.Expect {
		if slices.Contains(e.Dataflows, p.Dataflow.Key) || len(e.Dataflows) == 0 && n == 0 {
			e.Dataflows = nil
			p.Expect = append(p.Expect, e)
		}
	}
	return &p
}

// to is the destination of a dataflow, and the endpoint of that.
func (f *Flows) to(d Dataflow) (Destination, Endpoint) {
	i := slices.IndexFunc(f.Destinations, func(to Destination) bool { return to.Key == d.To })
	if i < 0 {
		panic("scenarios: the dataflow " + d.Key + " has no destination; the loader refuses that")
	}
	return f.Destinations[i], f.Endpoints[i]
}

// WithDestinations is the scenario with other destinations, each made from the part of a
// dataflow to it (see Split).
func (s *Scenario) WithDestinations(change func(part *Scenario) Destination) *Scenario {
	other := *s
	if s.Flows == nil {
		other.Destination = change(s)
		return &other
	}
	changed := map[string]Destination{}
	for _, part := range s.Split() {
		changed[part.Destination.Key] = change(part)
	}
	other.Flows = s.Flows.eachDestination(func(d *Destination) { *d = changed[d.Key] })
	return &other
}

// eachDestination is the flows with every destination changed.
func (f *Flows) eachDestination(change func(*Destination)) *Flows {
	other := *f
	other.Destinations = slices.Clone(f.Destinations)
	for i := range other.Destinations {
		change(&other.Destinations[i])
	}
	return &other
}

// reading is a destination with other readings chosen; those that are not named
// stay.
func (d *Destination) reading(chosen Readings) {
	said := d.Readings
	d.Readings = Readings{}
	maps.Copy(d.Readings, said)
	maps.Copy(d.Readings, chosen)
}

// count is how many destinations there are; 1 without several.
func (f *Flows) count() int {
	if f == nil {
		return 1
	}
	return len(f.Destinations)
}
