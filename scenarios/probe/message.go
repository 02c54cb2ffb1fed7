package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Message is one body of a probe. Its form is one that the destination may
// send; that is what makes a refusal of it wrong.
type Message struct {
	ID    string // "times/offset-colon"
	Title string
	Rule  string // that a refusal breaks
	Body  []byte

	people []person // that are in it
	batch  bool     // for receivers that said they take several profiles
	advice bool     // a refusal does not fail the rule
	needs  []string // rules that must hold for a refusal to be about Rule
	bare   bool     // it has entries without names and timestamps whatever the destination adds

	fix      string   // of a refusal of its form; "": that of the rule
	frontFix string   // of a refusal by something in front
	inFront  bool     // a refusal with 403 or 406 is of something in front
	unknown  []string // audiences that are not mapped: a receiver may leave them out
}

// encode is the wire form: keys sorted, nothing escaped for a page (A26).
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("probe: a message that JSON cannot carry: " + err.Error()) // they are all ours
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// shaper makes the messages of a probe.
type shaper struct {
	*people
	audiences []string // of the receiver, or none
	wrapped   bool     // batches are {"profiles": […]}
	batches   bool     // a message may carry several profiles
	// names and timestamps are what the destination adds to the entries of mapped
	// audiences.
	names, timestamps bool
	wanted            func(id string) bool // messages that get a body
	out               []Message
}

// shaper makes messages for the destination of a configuration.
func newShaper(p *people, c Config) *shaper {
	d := c.Destination
	return &shaper{people: p, audiences: c.Audiences, batches: d.MaxProfilesPerRequest > 1, wrapped: d.BatchEncoding == "profiles",
		names: d.IncludeSegmentNames, timestamps: d.IncludeSegmentTimestamps, wanted: func(string) bool { return true }}
}

// in is the entry of a mapped audience, as the destination writes it.
func (s *shaper) in(status, at string) entry { return detail(in(status, at), s.names, s.timestamps) }

// foreign are the rules about audiences a receiver does not know, where the nth
// is one of those.
func (s *shaper) foreign(n int) []string {
	if len(s.audiences) > 0 && n >= len(s.audiences) {
		return []string{"rcv-unmapped"}
	}
	return nil
}

// nameless are the rules about entries without names and timestamps, where the
// destination adds them to those of mapped audiences alone.
func (s *shaper) nameless() []string {
	if s.names || s.timestamps {
		return []string{"rcv-optional-fields"}
	}
	return nil
}

// audience is the nth that the receiver knows, or a made-up one.
func (s *shaper) audience(n int) string {
	if n < len(s.audiences) {
		return s.audiences[n]
	}
	return audienceID(n)
}

// plain is a document like the main sample of the page.
func (s *shaper) plain() (person, document) {
	p := s.next()
	return p, p.document(map[string]entry{s.audience(0): s.in("realized", qualified)})
}

// add makes a message with one profile.
func (s *shaper) add(rule, id, title string, p person, d document, needs ...string) *Message {
	m := Message{ID: id, Title: title, Rule: rule, people: []person{p}, needs: needs}
	if s.wanted(id) {
		m.Body = s.single(d)
	}
	s.out = append(s.out, m)
	return &s.out[len(s.out)-1]
}

// single is the body of a message with one profile: the object itself (R40),
// unless messages may carry several: then it is a list of one.
func (s *shaper) single(d document) []byte {
	if s.batches {
		return s.list([]document{d}, s.wrapped)
	}
	return encode(d)
}

func (s *shaper) list(all []document, wrapped bool) []byte {
	if wrapped {
		return encode(map[string]any{"profiles": all})
	}
	return encode(all)
}

// entries are those of a document in the namespace of the platform.
func entries(d document) map[string]any {
	return d["segmentMembership"].(map[string]any)["ups"].(map[string]any)
}

// detail gives an entry its optional members (R68, R71).
func detail(e entry, names, timestamps bool) entry {
	if names {
		e["name"] = "First name equals John"
	}
	if timestamps {
		e["createdAt"], e["updatedAt"] = int64(1648553325000), int64(1648553330000)
		e["mappingCreatedAt"], e["mappingUpdatedAt"] = int64(1649856570000), int64(1649856570000)
	}
	return e
}

// Sample is a message by its id, the same bytes in every process; ok is false
// when it does not exist.
func Sample(c Config, id string) (m Message, ok bool) {
	return oneShape(samplePeople(), c, id)
}

// oneShape is one of the shapes, by its id.
func oneShape(p *people, c Config, id string) (m Message, ok bool) {
	for _, m := range shapesWith(p, c, func(other string) bool { return other == id }) {
		if m.ID == id {
			return m, true
		}
	}
	return Message{}, false
}

// SampleIDs are the ids of all messages, in order.
func SampleIDs(c Config) []string {
	var out []string
	for _, m := range shapesWith(samplePeople(), c, func(string) bool { return false }) {
		out = append(out, m.ID)
	}
	return out
}

// repeated is n of something, with its number.
func repeated(n int, format string) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{"id": fmt.Sprintf(format, i)}
	}
	return out
}

// long is a text of n letters.
func long(n int) string { return strings.Repeat("x", n) }
