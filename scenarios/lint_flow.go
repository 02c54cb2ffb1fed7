package scenarios

import (
	"fmt"
	"maps"
	"slices"
)

// flowReplay is the plain state of the dataflow while a history is replayed.
type flowReplay struct {
	active   bool
	paused   bool            // it was disabled at some time
	mapped   map[string]bool // audience keys, false: it was; nil after a deletion, when the next dataflow maps anew
	names    map[string]string
	triggers Triggers
}

func newFlowReplay(s *Scenario) *flowReplay {
	f := &flowReplay{active: s.Dataflow.Activated, mapped: map[string]bool{}, names: map[string]string{}, triggers: Triggers{}.With(s.Dataflow.Triggers)}
	for _, key := range s.Dataflow.Audiences {
		f.mapped[key] = true
	}
	for _, a := range s.Audiences {
		f.names[a.Key] = a.Name
	}
	return f
}

// act plays an action, and returns a warning where it cannot change anything. An
// action that repeats another changes nothing either, but is meant to.
func (f *flowReplay) act(step *Step) (out Problems) {
	warn := func(hint, format string, args ...any) {
		out = append(out, Problem{step.Pos, fmt.Sprintf("%s at %s: ", step.Action, plainDuration(step.At)) + fmt.Sprintf(format, args...), hint})
	}
	if !f.active && slices.Contains([]string{"disable", "enable"}, step.Action) {
		warn("activate it before", "no dataflow is active")
		return out
	}
	switch step.Action {
	case "activate":
		f.active = true
	case "delete":
		f.active, f.paused, f.mapped = false, false, nil
	case "map", "unmap":
		for _, key := range step.Targets {
			if f.mapped == nil {
				continue
			}
			if was, known := f.mapped[key]; step.Action == "unmap" && !was && !known {
				warn("leave it out, or map it before", "%s is not mapped", key)
			}
			f.mapped[key] = step.Action == "map"
		}
	case "disable", "enable":
		if step.Action == "enable" && !f.paused {
			warn("leave it out, or disable it before", "the dataflow was never disabled")
		}
		f.paused = true // a repetition is meant
	case "rename":
		for i, key := range step.Targets {
			if f.names[key] == step.Names[i] {
				warn("give it another name", "%s has this name already", key)
			}
			f.names[key] = step.Names[i]
		}
	case "triggers":
		after := f.triggers.With(step.Triggers)
		if maps.Equal(f.triggers, after) {
			warn("leave it out, or change a switch", "the step changes no trigger")
		}
		f.triggers = after
	}
	return out
}
