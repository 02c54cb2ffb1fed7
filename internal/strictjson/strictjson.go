// Package strictjson decides which bytes are acceptable JSON, once for every
// place where JSON enters: updates, scenarios, captured bodies, payload schemas,
// token responses, state that a probe reads back, platform lookups. PURE.
//
// A document is accepted when all of the following hold:
//
//   - It follows the grammar of RFC 8259: one value, and nothing after it.
//   - White space is space, tab, line feed and carriage return, and nothing else.
//   - It is valid UTF-8 and does not begin with a byte order mark.
//   - A \u escape is a character or a pair of surrogates, never half of a pair.
//   - No object has the same key twice. Keys are compared after their escapes
//     are resolved.
//   - Objects and arrays are nested at most MaxDepth levels deep.
//
// Numbers are not limited: a number is accepted when its spelling follows the
// grammar, whatever its size and precision, and keeps that spelling. 1e400, 1.10,
// -0 and an integer of thirty digits leave byte for byte as they came. Nothing
// converts them to a float64 on the way. Two numbers are equal when they have the
// same value, computed exactly (see Number).
//
// Decision: the grammar is that of github.com/go-json-experiment/json/jsontext,
// the tagged mirror of Go 1.27's encoding/json/jsontext. Reason: it enforces
// RFC 7493 (UTF-8, surrogates, unique keys), reports offsets, and is faster than
// json.Valid; encoding/json accepts invalid UTF-8 and duplicate keys in silence.
// With Go 1.27 the import becomes the standard library's. Cost: a dependency
// until then.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how many levels deep objects and arrays may be nested. A message of
// several profiles, each with the longest path (64 levels) to the deepest value
// (64), has 130.
const MaxDepth = 160

// Check returns nil for an acceptable document, and otherwise an *Error with
// the first mistake, its place and the fix. It does not keep document.
func Check(document []byte) error {
	if jsontext.Value(document).IsValid() && tooDeep(document) < 0 {
		return nil
	}
	return explain(document)
}

// Valid reports whether a document is acceptable.
func Valid(document []byte) bool {
	return jsontext.Value(document).IsValid() && tooDeep(document) < 0
}

// Decode returns the value of an acceptable document: map[string]any, []any,
// string, bool, nil, and json.Number, which holds the spelling of a number. The
// error is that of Check.
func Decode(document []byte) (any, error) {
	if err := Check(document); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err // encoding/json accepts everything that Check accepts
	}
	return value, nil
}

// Unmarshal is json.Unmarshal for an acceptable document. Of any other one
// nothing is stored; the error is that of Check, or of json.Unmarshal where a
// value does not fit into.
func Unmarshal(document []byte, into any) error {
	if err := Check(document); err != nil {
		return err
	}
	return json.Unmarshal(document, into)
}

// tooDeep is the offset of the first bracket beyond MaxDepth, -1 without one.
// Up to there the document is valid.
func tooDeep(document []byte) int {
	if bytes.Count(document, []byte("{"))+bytes.Count(document, []byte("[")) <= MaxDepth {
		return -1 // as most documents have few brackets, which are counted faster than read
	}
	depth := 0
	for at := 0; at < len(document); at++ {
		switch document[at] {
		case '"':
			for at++; at < len(document) && document[at] != '"'; at++ {
				if document[at] == '\\' {
					at++
				}
			}
		case '{', '[':
			if depth++; depth > MaxDepth {
				return at
			}
		case '}', ']':
			depth--
		}
	}
	return -1
}

// explain finds the first thing that is wrong with a document.
func explain(document []byte) *Error {
	if bytes.HasPrefix(document, []byte("\ufeff")) {
		return newError(ByteOrderMark, document, 0)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(document))
	_, err := d.ReadValue()
	if err == nil {
		rest := document[d.InputOffset():]
		at := len(document) - len(bytes.TrimLeft(rest, " \t\r\n"))
		if deep := tooDeep(document[:d.InputOffset()]); deep >= 0 {
			return newError(TooDeep, document, deep)
		}
		if at < len(document) && !foreignSpace(document[at:]) {
			return newError(Trailing, document, at)
		}
		return newError(WhiteSpace, document, at)
	}
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) { // io.EOF: there is no value
		return newError(Empty, document, len(document))
	}
	at := int(syntactic.ByteOffset)
	if deep := tooDeep(document[:at]); deep >= 0 {
		return newError(TooDeep, document, deep)
	}
	e := newError(reason(document, at, err), document, at)
	if e.Reason == DuplicateKey {
		e.Key = syntactic.JSONPointer.LastToken()
	}
	return e
}

// reason names what jsontext found at an offset. Its error texts may change, so
// they are not read. Instead the document is read again with invalid UTF-8 and
// lone surrogates allowed: the error stays, or it does not.
func reason(document []byte, at int, err error) Reason {
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return DuplicateKey
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Incomplete
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(document), jsontext.AllowInvalidUTF8(true))
	_, lenient := d.ReadValue()
	var later *jsontext.SyntacticError
	accepted := !errors.As(lenient, &later) || int(later.ByteOffset) > at || errors.Is(lenient, jsontext.ErrDuplicateName)
	switch r, size := utf8.DecodeRune(document[at:]); {
	case r == utf8.RuneError && size <= 1:
		return InvalidUTF8
	case accepted:
		return LoneSurrogate
	case foreignSpace(document[at:]) && !withinString(document[:at]):
		return WhiteSpace
	}
	return Syntax
}

// withinString reports whether what was read so far ends within a string.
func withinString(read []byte) bool {
	within := false
	for at := 0; at < len(read); at++ {
		switch {
		case read[at] == '"':
			within = !within
		case read[at] == '\\':
			at++
		}
	}
	return within
}

// foreignSpace reports whether the next character is white space of Unicode
// that JSON does not have.
func foreignSpace(rest []byte) bool {
	r, _ := utf8.DecodeRune(rest)
	return (unicode.IsSpace(r) || r == '\ufeff') && r != ' ' && r != '\t' && r != '\r' && r != '\n'
}
