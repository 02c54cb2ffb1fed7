package simulate

import (
	"cmp"
	"slices"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// sightings are what endpoints saw: entries of their journals, with the socket as
// the sender names it.
type sightings struct {
	requests []sighting[journal.Request]
	refused  []sighting[journal.Handshake]
}

// sighting is an entry of the journal of a site.
type sighting[T any] struct {
	entry T
	at    *site
	by    carrier
}

func (s *sightings) request(r journal.Request, at *site, by carrier) {
	r.Socket = by.ordinal
	s.requests = append(s.requests, sighting[journal.Request]{r, at, by})
}

func (s *sightings) handshake(h journal.Handshake, at *site, by carrier) {
	h.Socket = by.ordinal
	s.refused = append(s.refused, sighting[journal.Handshake]{h, at, by})
}

// taken are the sightings so far, which are forgotten.
func (s *sightings) taken() sightings {
	out := *s
	*s = sightings{}
	return out
}

// none reports whether there is nothing to take.
func (s *sightings) none() bool { return len(s.requests)+len(s.refused) == 0 }

// sort puts them into an order that does not depend on which goroutine wrote first.
func (s *sightings) sort() {
	slices.SortFunc(s.requests, func(a, b sighting[journal.Request]) int {
		return cmp.Or(cmp.Compare(a.by.order(), b.by.order()), cmp.Compare(a.by.ordinal, b.by.ordinal), cmp.Compare(a.entry.Number, b.entry.Number))
	})
	slices.SortFunc(s.refused, func(a, b sighting[journal.Handshake]) int {
		return cmp.Or(cmp.Compare(a.by.order(), b.by.order()), cmp.Compare(a.by.ordinal, b.by.ordinal))
	})
}

// order is that of the dataflow; nobody's come first.
func (c carrier) order() int {
	if c.outlet == nil {
		return -1
	}
	return c.outlet.order
}

// key is that of the dataflow that opened the socket; "" for nobody's, and for the
// only dataflow.
func (c carrier) key() string {
	if c.outlet == nil {
		return ""
	}
	return c.outlet.key
}
