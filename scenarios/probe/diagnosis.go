package probe

import (
	"context"

	"github.com/httpdest/httpdest/engine/dataflow"
)

// suspect is something about the plain message that may be why it is refused.
type suspect struct {
	rule, title string
	applies     func(dataflow.Destination) bool
	change      func(*dataflow.Destination)
}

var suspects = []suspect{
	{"rcv-query", "refused because of the query parameters", func(d dataflow.Destination) bool { return d.QueryParameters != "" },
		func(d *dataflow.Destination) { d.QueryParameters = "" }},
	{"rcv-headers", "refused because of the custom headers", func(d dataflow.Destination) bool { return d.Headers != "" },
		func(d *dataflow.Destination) { d.Headers = "" }},
	{"rcv-optional-fields", "refused because entries have no name and no timestamps", func(d dataflow.Destination) bool { return !d.IncludeSegmentNames || !d.IncludeSegmentTimestamps },
		func(d *dataflow.Destination) { d.IncludeSegmentNames, d.IncludeSegmentTimestamps = true, true }},
	{"rcv-optional-fields", "refused because entries have a name or timestamps", func(d dataflow.Destination) bool { return d.IncludeSegmentNames || d.IncludeSegmentTimestamps },
		func(d *dataflow.Destination) { d.IncludeSegmentNames, d.IncludeSegmentTimestamps = false, false }},
	{"rcv-batch", "refused because the profile stands in a list", func(d dataflow.Destination) bool { return d.MaxProfilesPerRequest > 1 },
		func(d *dataflow.Destination) { d.MaxProfilesPerRequest = 1 }},
}

// diagnosed looks for what about the plain message is refused, by leaving out
// one thing at a time. When it is found, that rule fails, and what follows is
// sent without it, so that the other rules can be judged.
func (t *round) diagnosed(ctx context.Context, refused answer) bool {
	for _, suspect := range suspects {
		d := t.config.Destination
		if !suspect.applies(d) {
			continue
		}
		suspect.change(&d)
		c := t.config
		c.Destination = d
		s := newShaper(t.people, c)
		_, doc := s.plain()
		l := t.lane(d, t.certificate())
		a, ok := t.send(ctx, l, "plain", s.single(doc))
		if !ok {
			return false
		}
		if a.ok() && !a.late() {
			t.fail(suspect.rule, suspect.title, "2xx, as without: "+a.says(), &refused)
			t.config.Destination, t.main = d, l
			t.credentialsTaken(a)
			return true
		}
	}
	return false
}
