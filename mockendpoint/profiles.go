package mockendpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// identified is the part of an export the endpoint needs: a body is a profile
// object, an array of them, or {"profiles": […]} (A23).
type identified struct {
	IdentityMap map[string][]struct {
		ID string `json:"id"`
	} `json:"identityMap"`
	Profiles []identified `json:"profiles"`
}

// ProfilesIn names the profiles whose identities a body carries, in its order;
// of returns the profile of an identity; a nil of names no profile.
func ProfilesIn(body []byte, of func(namespace, id string) (name string, ok bool)) []string {
	if of == nil {
		return nil
	}
	var names []string
	before := map[string]bool{} // of the profiles before
	for _, p := range identifiedIn(body) {
		own := map[string]bool{}
		for namespace, ids := range p.IdentityMap {
			for _, id := range ids {
				if name, ok := of(namespace, id.ID); ok && !before[name] {
					own[name] = true
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			names, before[name] = append(names, name), true
		}
	}
	return names
}

// identifiedIn reads the profiles of a body. A body that is not acceptable
// JSON, or not an export, has no profiles; the journal shows what it is.
func identifiedIn(body []byte) []identified {
	if !strictjson.Valid(body) {
		return nil
	}
	if one, err := scanIdentified(body); err == nil {
		return []identified{one}
	}
	var all []identified
	if json.Unmarshal(body, &all) == nil {
		return all
	}
	var one identified
	if json.Unmarshal(body, &one) != nil {
		return nil
	}
	return append([]identified{one}, one.Profiles...)
}

// errOtherwise is a body that encoding/json has to read: no object, no valid
// JSON, or one with keys that need care.
var errOtherwise = errors.New("not the ordinary form")

// scanIdentified reads the ordinary body, one profile object. Only its identities
// are decoded, the rest is checked to be JSON: encoding/json alone took more than
// half of the endpoint's own time.
func scanIdentified(body []byte) (one identified, err error) {
	s := scanner{text: body}
	s.space()
	if s.peek() != '{' {
		return one, errOtherwise
	}
	var identities []byte
	valid := s.object(1, func(key, value []byte) bool {
		switch {
		case string(key) == "identityMap" && identities == nil:
			identities = value
			return true
		case bytes.ContainsRune(key, '\\'):
			return false
		}
		return !bytes.EqualFold(key, []byte("identityMap")) && !bytes.EqualFold(key, []byte("profiles"))
	})
	if s.space(); !valid || s.at != len(s.text) {
		return one, errOtherwise
	}
	if identities != nil && json.Unmarshal(identities, &one.IdentityMap) != nil {
		return one, errOtherwise
	}
	return one, nil
}

// scanner checks JSON (RFC 8259) without keeping anything of it.
type scanner struct {
	text []byte
	at   int
}

// maxDepth is less than that of encoding/json: what is deeper it has to read.
const maxDepth = 1000

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\n' || s.text[s.at] == '\t' || s.text[s.at] == '\r') {
		s.at++
	}
}

// take goes on if the next byte is b.
func (s *scanner) take(b byte) bool {
	if s.peek() != b {
		return false
	}
	s.at++
	return true
}

func (s *scanner) value(depth int) bool {
	switch s.peek() {
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.array(depth)
	case '"':
		return s.string()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// object passes each member, as it is written, to each, which returns whether to go on.
func (s *scanner) object(depth int, each func(key, value []byte) bool) bool {
	s.at++
	if s.space(); s.take('}') {
		return true
	}
	for depth < maxDepth {
		s.space()
		start := s.at
		if s.peek() != '"' || !s.string() {
			return false
		}
		key := s.text[start+1 : s.at-1]
		if s.space(); !s.take(':') {
			return false
		}
		s.space()
		start = s.at
		if !s.value(depth+1) || each != nil && !each(key, s.text[start:s.at]) {
			return false
		}
		if s.space(); s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
	return false
}

func (s *scanner) array(depth int) bool {
	s.at++
	if s.space(); s.take(']') {
		return true
	}
	for depth < maxDepth {
		if s.space(); !s.value(depth + 1) {
			return false
		}
		if s.space(); s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
	return false
}

func (s *scanner) string() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch b := s.text[s.at]; {
		case b == '"':
			s.at++
			return true
		case b < ' ':
			return false
		case b == '\\' && !s.escape():
			return false
		}
	}
	return false
}

// escape leaves the scanner on the last byte of the escape.
func (s *scanner) escape() bool {
	s.at++
	if s.peek() != 'u' {
		return s.at < len(s.text) && bytes.IndexByte([]byte(`"\/bfnrt`), s.peek()) >= 0
	}
	for range 4 {
		s.at++
		if b := s.peek(); (b < '0' || b > '9') && (b|0x20 < 'a' || b|0x20 > 'f') {
			return false
		}
	}
	return true
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.peek()|0x20 == 'e' {
		s.at++
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.peek() >= '0' && s.peek() <= '9' {
		s.at++
	}
	return s.at > start
}
