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
			return o.Attempt != nil && o.Attempt.Socket == l.Attempt.Socket && o.Attempt.At.After(l.Attempt.At)
		}
		if i := slices.IndexFunc(out[:len(out)-1], later); i >= 0 {
			out = slices.Insert(out[:len(out)-1], i, l)
		}
	}
	return out
}

// ordinals number the sockets of an endpoint as the sender does. Those that
// carried no attempt come after all others.
type ordinals struct {
	of   map[string]int // by the sender's address
	last int
}

func newOrdinals(sender []recording.Line) *ordinals {
	o := &ordinals{of: map[string]int{}}
	for _, l := range sender {
		if l.Attempt != nil {
			o.last = max(o.last, l.Attempt.Socket)
			if l.Attempt.Local != "" {
				o.of[l.Attempt.Local] = l.Attempt.Socket
			}
		}
	}
	return o
}

func (o *ordinals) number(remote string) int {
	if o.of[remote] == 0 {
		o.last++
		o.of[remote] = o.last
	}
	return o.of[remote]
}

// journalled are the entries of the endpoint's journal as lines.
func journalled(requests []journal.Request, refused []journal.Handshake, r *recorder, o *ordinals) []timed {
	slices.SortStableFunc(requests, func(a, b journal.Request) int {
		return cmp.Or(a.Answered.Compare(b.Answered), cmp.Compare(a.Socket, b.Socket), cmp.Compare(a.Number, b.Number))
	})
	var out []timed
	for _, q := range requests {
		q.Socket = o.number(q.Remote)
		out = append(out, timed{q.Answered, recording.Line{Request: recordedRequest(q, &r.redactor)}})
	}
	for _, h := range refused {
		h.Socket = o.number(h.Remote)
		out = append(out, timed{h.Ended, recording.Line{Handshake: recordedHandshake(h)}})
	}
	return out
}
