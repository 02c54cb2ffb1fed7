package check

import (
	"encoding/json"
	"strings"

	"github.com/httpdest/httpdest/scenarios/capture"
)

// sentMessage is a body that somebody else sent: what is in it, whatever holds
// it together.
type sentMessage struct {
	text     string
	whole    *body
	wrapper  string // "", a list, an object with profiles
	profiles []sentProfile
}

// sentProfile is one profile of a message, as it was written.
type sentProfile struct {
	text string
	*body
}

// readMessage takes a message apart: the profile itself, a list of them, or
// {"profiles": […]} (A23).
func readMessage(text string) *sentMessage {
	whole := parseBody(text)
	m := &sentMessage{text: text, whole: whole}
	if !whole.parsed {
		return m
	}
	var list []json.RawMessage
	var members map[string]json.RawMessage // in a map, no key is taken for one in other capitals
	switch {
	case json.Unmarshal([]byte(text), &list) == nil && list != nil:
		m.wrapper = wrappers[array]
	case whole.object == nil && json.Unmarshal([]byte(text), &members) == nil && json.Unmarshal(members["profiles"], &list) == nil && list != nil:
		m.wrapper = wrappers[wrapper]
	default:
		m.profiles = []sentProfile{{text, whole}}
		return m
	}
	for _, raw := range list {
		m.profiles = append(m.profiles, sentProfile{string(raw), parseBody(string(raw))})
	}
	return m
}

// request judges what a request has besides its body.
func (s *Sender) request(x capture.Exchange) {
	postJSON(s.evidenceOf("post-json", x.Line, ""), &x.Request, x.Told.Method, x.Header("Content-Type"))
	if s.Scenario != nil {
		s.configured(x)
	}
}

// message judges a body by itself.
func (s *Sender) message(line int, m *sentMessage) {
	strictJSON(s.evidenceOf("valid-json", line, ""), m.whole)
	if len(m.profiles) == 0 && m.wrapper == "" {
		return // no JSON: nothing else can be said
	}
	fewProfiles(s.evidenceOf("batch-max-10", line, "a message"), len(m.profiles), 10)
	switch n := len(m.profiles); {
	case n > 1: // how several go together is nowhere documented
	case m.wrapper != "":
		s.wrapped = append(s.wrapped, wrapped{line, m.wrapper})
	default:
		bare(s.evidenceOf("no-envelope", line, ""), m.profiles[0].body)
	}
	for _, p := range m.profiles {
		if p.object != nil {
			s.profile(line, p.body)
		}
	}
}

// profile judges one profile object.
func (s *Sender) profile(line int, b *body) {
	for _, key := range []string{"segmentMembership", "identityMap"} {
		value, there := b.object[key]
		if _, isObject := value.(map[string]any); there && !isObject {
			s.note(map[string]string{"segmentMembership": "membership-shape", "identityMap": "all-identities"}[key], false, line, "%s is not an object", key)
		}
	}
	bothMaps(s.evidenceOf("valid-json", line, ""), b.object)
	s.attributesOf(line, b)
	s.identitiesOf(line, b)
	for _, m := range b.memberships() {
		s.entry(line, m)
	}
}

// attributesOf: what a profile does not have is left out, and a dotted path is
// nested (R59, R78). A map-type attribute may have keys with dots below.
func (s *Sender) attributesOf(line int, b *body) {
	attributes := b.attributes()
	for _, key := range sortedKeys(attributes) {
		s.note("nested-attributes", !strings.Contains(key, "."), line, "the key %q", key)
	}
	for _, leaf := range leaves(attributes, "") {
		if leaf == "" {
			continue
		}
		value, _ := lookup(attributes, leaf)
		s.note("absent-attributes", value != nil && value != "", line, "%s has no value", leaf)
	}
}

// identitiesOf judges the identityMap (R60, R76, R77).
func (s *Sender) identitiesOf(line int, b *body) {
	lowerNamespaces(s.evidenceOf("lowercase-identity-ns", line, ""), b)
	identityLists(s.evidenceOf("all-identities", line, ""), b)
	for _, id := range b.digests() {
		digestForm(s.evidenceOf("hash", line, ""), id)
	}
}
