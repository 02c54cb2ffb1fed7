package intake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
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

// split takes an object apart without encoding/json's decoder, which was most of
// what reading an update cost. ok is false for what is no object, and for
// anything that is not plain enough: the decoder reads it, and words what is
// wrong with it. What is valid was found to be JSON before.
func split(raw []byte, valid bool) (fields members, ok bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) < 2 || raw[0] != '{' || !valid && !json.Valid(raw) {
		return nil, false
	}
	fields = make(members, 0, 4)
	for at := space(raw, 1); raw[at] != '}'; {
		end := textEnd(raw, at)
		key, plain := unquoted(raw[at:end])
		if !plain {
			return nil, false
		}
		at = space(raw, space(raw, end)+1) // past the colon
		end = valueEnd(raw, at)
		if fields.get(key) != nil || len(fields) == most {
			return nil, false
		}
		fields = append(fields, member{key, raw[at:end:end]})
		if at = space(raw, end); raw[at] == ',' {
			at = space(raw, at+1)
		}
	}
	fields.sort()
	return fields, true
}

// most is how many keys an object may have that is searched for each of them.
const most = 64

// space is the first place from at on that is no white space.
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

// unquoted is a JSON text that holds nothing but plain ASCII; plain is false
// for any other.
func unquoted(raw []byte) (s string, plain bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c < ' ' || c == '\\' || c == '"' || c >= utf8.RuneSelf {
			return "", false
		}
	}
	return string(inner), true
}

// scalar is the value of plain text, of a whole number, and of true and false.
func scalar(raw []byte) (value any, ok bool) {
	if s, plain := unquoted(raw); plain {
		return s, true
	}
	switch string(raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	if len(raw) == 0 || len(raw) > 18 || raw[0] == '-' && len(raw) == 1 || raw[0] == '0' && len(raw) > 1 || raw[0] == '-' && raw[1] == '0' {
		return nil, false
	}
	for i, c := range raw {
		if (c < '0' || c > '9') && (i > 0 || c != '-') {
			return nil, false
		}
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil
}
