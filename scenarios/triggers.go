package scenarios

import "go.yaml.in/yaml/v4"

// triggerKeys are the kinds of changes, in the words of the user interface.
var triggerKeys = []string{"attributeChanges", "segmentationChanges", "externalSegmentationChanges", "identityChanges"}

// externalChanges is the switch of a reading (A54).
const externalChanges = "externalSegmentationChanges"

// Triggers has kinds of changes, by their keys, and whether they lead to
// exports ("When to activate", R53). A missing kind is on in a dataflow (R55),
// and unchanged in a step.
type Triggers map[string]bool

// On reports whether a kind of changes is switched on.
func (t Triggers) On(kind string) bool {
	on, said := t[kind]
	return on || !said
}

// With is what a step makes of the switches.
func (t Triggers) With(step Triggers) Triggers {
	out := Triggers{}
	for _, kind := range triggerKeys {
		out[kind] = t.On(kind)
		if on, said := step[kind]; said {
			out[kind] = on
		}
	}
	return out
}

// triggers reads the kinds that are named.
func (r *reader) triggers(n *yaml.Node) Triggers {
	o := r.object(n, "triggers")
	if o == nil {
		return nil
	}
	t := Triggers{}
	for _, kind := range triggerKeys {
		if o.has(kind) {
			t[kind] = o.flag(kind, true)
		}
	}
	r.ownSwitch(o, r.to)
	o.end()
	return t
}

// ownSwitch reports a switch that the destination does not have.
func (r *reader) ownSwitch(o *object, d Destination) {
	if o.has(externalChanges) && d.Readings.Of(ReadingExternalAudiences) != "own-switch" {
		r.problem(o.at(externalChanges), "choose destination.readings.externalAudiences: own-switch, or leave it out", "%s is a switch by one reading only", externalChanges)
	}
}
