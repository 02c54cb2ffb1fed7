package recording

import "slices"

// Part names one dataflow of a recording of several, whose lines Of selects.
type Part struct {
	Dataflow    string
	Destination string // of the dataflow
	// Rest is true for the part that has the problems of the organisation and the
	// lookups as well.
	Rest bool
}

// Has reports whether a line is about the dataflow, or names none.
func (p Part) Has(l Line) bool {
	return (l.Dataflow == "" || l.Dataflow == p.Dataflow) && (l.Destination == "" || l.Destination == p.Destination)
}

// Faults are those of the destination's endpoint, as if there were no other.
func (p Part) Faults(all []Fault) []Fault {
	var out []Fault
	for _, f := range all {
		if f.Destination == "" || f.Destination == p.Destination {
			f.Destination = ""
			out = append(out, f)
		}
	}
	return out
}

// Of are the lines about a dataflow, as in a recording of that dataflow alone: those
// about profiles and audiences, about the dataflow, and about the endpoint of its
// destination.
func Of(lines []Line, p Part) []Line {
	var out []Line
	own := map[string]bool{} // exports
	for _, l := range lines {
		switch {
		case !p.Has(l), l.Dataflow == "" && !p.Rest && (l.Problem != nil || l.Lookup != nil):
			continue
		case l.Run != nil:
			l.Run = l.Run.of(p.Dataflow)
		case l.Export != nil:
			own[l.Export.ID] = true
		case l.End != nil:
			l.End = l.End.of(p, own)
		}
		l.Dataflow, l.Destination = "", ""
		out = append(out, l)
	}
	return out
}

// of is the run as that of a dataflow alone.
func (r *Run) of(dataflow string) *Run {
	one := *r
	one.Dataflows = nil
	for _, f := range r.Dataflows {
		if f.ID == dataflow {
			one.Endpoint = f.Endpoint
		}
	}
	return &one
}

// of is the end as that of a dataflow alone, with its own exports.
func (e *End) of(p Part, own map[string]bool) *End {
	one := *e
	one.Faults = p.Faults(e.Faults)
	one.Unfinished = slices.DeleteFunc(slices.Clone(e.Unfinished), func(id string) bool { return !own[id] })
	return &one
}
