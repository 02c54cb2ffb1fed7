package intake

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// member is one key of an object with its value.
type member struct {
	key   string
	value json.RawMessage
}

// members are an object, sorted by key.
type members []member

// get is the value of a key, nil without one.
func (m members) get(key string) json.RawMessage {
	for _, x := range m {
		if x.key == key {
			return x.value
		}
	}
	return nil
}

func (m members) sort() {
	slices.SortFunc(m, func(a, b member) int { return strings.Compare(a.key, b.key) })
}

// split takes an object apart; ok is false for any other value. raw is JSON that
// strictjson accepted, so that no key comes twice, and nothing is checked again:
// encoding/json's decoder was most of what reading an update cost.
func split(raw []byte) (fields members, ok bool) {
	at := space(raw, 0)
	if raw[at] != '{' {
		return nil, false
	}
	fields = make(members, 0, 4)
	for at = space(raw, at+1); raw[at] != '}'; {
		end := textEnd(raw, at)
		key := unquoted(raw[at:end])
		at = space(raw, space(raw, end)+1) // past the colon
		end = valueEnd(raw, at)
		fields = append(fields, member{key, raw[at:end:end]})
		if at = space(raw, end); raw[at] == ',' {
			at = space(raw, at+1)
		}
	}
	fields.sort()
	return fields, true
}

// space is the first place from at on that is not white space.
func space(raw []byte, at int) int {
	for raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\n' || raw[at] == '\r' {
		at++
	}
	return at
}

// textEnd is the place behind the text that begins at at.
func textEnd(raw []byte, at int) int {
	for at++; raw[at] != '"'; at++ {
		if raw[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// valueEnd is the place behind the value that begins at at.
func valueEnd(raw []byte, at int) int {
	depth := 0
	for ; ; at++ {
		switch raw[at] {
		case '"':
			at = textEnd(raw, at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at // of what the value is in
			}
			depth--
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return at + 1
		}
	}
}

// unquoted is the text of a JSON string.
func unquoted(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			var s string
			_ = json.Unmarshal(raw, &s) // strictjson accepted it
			return s
		}
	}
	return string(inner)
}

// scalar is the value of a string, of a number, and of true and false. A number
// keeps its spelling.
func scalar(raw []byte) (value any, ok bool) {
	switch raw[0] {
	case '"':
		return unquoted(raw), true
	case 't', 'f':
		return raw[0] == 't', true
	case '{', '[', 'n':
		return nil, false
	}
	return json.Number(raw), true
}
