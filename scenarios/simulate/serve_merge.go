package simulate

import (
	"cmp"
	"slices"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// timed is a line and when its event was over.
type timed struct {
	at   time.Time
	line recording.Line
}

// merged is one recording of both sides: the sender's own lines, in their
// order, and in between those of the endpoint and of the driver, by their
// times.
func merged(sender []recording.Line, seen []timed) []recording.Line {
	slices.SortStableFunc(seen, func(a, b timed) int { return a.at.Compare(b.at) })
	var out []recording.Line
	for _, l := range inOrderOfSockets(sender) {
		if l.Attempt != nil {
			a := *l.Attempt
			a.Local = ""
			l.Attempt = &a
		}
		for len(seen) > 0 && !seen[0].at.After(overAt(l)) {
			out, seen = append(out, seen[0].line), seen[1:]
		}
		out = append(out, l)
	}
	for _, s := range seen {
		out = append(out, s.line)
	}
	return out
}

// overAt is when the event of a sender's line was over.
func overAt(l recording.Line) time.Time {
	switch {
	case l.Attempt != nil:
		return l.Attempt.EndedAt
	case l.Decision != nil:
		return l.Decision.EndedAt
	case l.Token != nil:
		return l.Token.EndedAt
	case l.Update != nil:
		return l.Update.At
	case l.Action != nil:
		return l.Action.At
	case l.Export != nil:
		return l.Export.At
	case l.Drop != nil:
		return l.Drop.At
	}
	return time.Time{} // of no matter: it stays behind the line before it
}

// inOrderOfSockets puts the attempts of each socket in their order. A socket may
// carry the next attempt before the engine has taken up the end of the last.
func inOrderOfSockets(lines []recording.Line) []recording.Line {
	out := make([]recording.Line, 0, len(lines))
	for _, l := range lines {
		out = append(out, l)
		if l.Attempt == nil || l.Attempt.Socket == 0 {
			continue
		}
		later := func(o recording.Line) bool {
			return o.Attempt != nil && o.Dataflow == l.Dataflow && o.Attempt.Socket == l.Attempt.Socket && o.Attempt.At.After(l.Attempt.At)
		}
		if i := slices.IndexFunc(out[:len(out)-1], later); i >= 0 {
			out = slices.Insert(out[:len(out)-1], i, l)
		}
	}
	return out
}

// ordinals number the sockets of an endpoint as the sender does. Those that
// carried no attempt come after all others of the dataflow.
type ordinals struct {
	of   map[connection]int
	last map[string]int // by dataflow
}

// connection is the address of a socket at its dataflow.
type connection struct{ dataflow, address string }

func newOrdinals(sender []recording.Line) *ordinals {
	o := &ordinals{of: map[connection]int{}, last: map[string]int{}}
	for _, l := range sender {
		if l.Attempt != nil {
			o.last[l.Dataflow] = max(o.last[l.Dataflow], l.Attempt.Socket)
			if l.Attempt.Local != "" {
				o.of[connection{l.Dataflow, l.Attempt.Local}] = l.Attempt.Socket
			}
		}
	}
	return o
}

func (o *ordinals) number(dataflow, remote string) int {
	at := connection{dataflow, remote}
	if o.of[at] == 0 {
		o.last[dataflow]++
		o.of[at] = o.last[dataflow]
	}
	return o.of[at]
}

// journalled are the entries of the endpoints' journals as lines. A site is that of one
// dataflow.
func journalled(saw sightings, r *recorder, o *ordinals) []timed {
	requests := slices.Clone(saw.requests)
	slices.SortStableFunc(requests, func(a, b sighting[journal.Request]) int {
		return cmp.Or(a.entry.Answered.Compare(b.entry.Answered), cmp.Compare(a.entry.Socket, b.entry.Socket), cmp.Compare(a.entry.Number, b.entry.Number))
	})
	var out []timed
	for _, q := range requests {
		q.entry.Socket = o.number(q.at.dataflow(), q.entry.Remote)
		out = append(out, timed{q.entry.Answered, recording.Line{Dataflow: q.at.dataflow(), Destination: q.at.key, Request: recordedRequest(q.entry, &r.redactor)}})
	}
	for _, h := range saw.refused {
		h.entry.Socket = o.number(h.at.dataflow(), h.entry.Remote)
		out = append(out, timed{h.entry.Ended, recording.Line{Dataflow: h.at.dataflow(), Destination: h.at.key, Handshake: recordedHandshake(h.entry)}})
	}
	return out
}

// dataflow is the key of the dataflow that the site was built for; "" for the only one.
func (s *site) dataflow() string { return s.part.Dataflow.Key }
