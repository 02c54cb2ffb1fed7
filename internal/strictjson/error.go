package strictjson

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Reason is why a document is refused.
type Reason string

// The reasons. Each document that is refused has one of them.
const (
	Syntax        Reason = "syntax"
	Empty         Reason = "empty"
	Incomplete    Reason = "incomplete"
	Trailing      Reason = "trailing"
	WhiteSpace    Reason = "white-space"
	ByteOrderMark Reason = "byte-order-mark"
	InvalidUTF8   Reason = "invalid-utf-8"
	LoneSurrogate Reason = "lone-surrogate"
	DuplicateKey  Reason = "duplicate-key"
	TooDeep       Reason = "too-deep"
)

// wording is the text of each reason, and what to do about it.
var wording = map[Reason]struct{ what, fix string }{
	Syntax:        {"not JSON", "check quotes, commas, colons and brackets here"},
	Empty:         {"no JSON value", "send one JSON value"},
	Incomplete:    {"the JSON ends too early", "complete the value; check that nothing was cut off"},
	Trailing:      {"something follows the JSON value", "send one value, and nothing after it"},
	WhiteSpace:    {"white space that JSON does not have", "use space, tab or a line break"},
	ByteOrderMark: {"a byte order mark before the JSON", "save it as UTF-8 without a byte order mark"},
	InvalidUTF8:   {"not UTF-8", "encode the text as UTF-8"},
	LoneSurrogate: {`an incomplete \u surrogate pair`, `write the character itself, or both halves of the pair`},
	DuplicateKey:  {"a duplicate key", "keep one of the two"},
	TooDeep:       {fmt.Sprintf("nested more than %d levels deep", MaxDepth), "flatten it"},
}

// Error is the first thing that is wrong with a document. Its text repeats
// nothing of the document except a duplicate key, since values may be personal
// or secret.
type Error struct {
	Reason Reason
	Key    string // of DuplicateKey, with its escapes resolved
	Offset int    // in bytes, from 0
	Line   int    // from 1
	Column int    // in characters, from 1
}

func newError(r Reason, document []byte, at int) *Error {
	before := document[:at]
	return &Error{Reason: r, Offset: at, Line: 1 + bytes.Count(before, []byte("\n")),
		Column: 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])}
}

// Mistake describes what is wrong, without the place.
func (e *Error) Mistake() string {
	if e.Reason == DuplicateKey {
		return fmt.Sprintf("duplicate key %.40q", e.Key)
	}
	return wording[e.Reason].what
}

// Place is the position of the mistake: line, column and byte offset.
func (e *Error) Place() string {
	return fmt.Sprintf("line %d, column %d (byte %d)", e.Line, e.Column, e.Offset)
}

// Fix is what to do about it.
func (e *Error) Fix() string { return wording[e.Reason].fix }

// Error is the mistake, its place and the fix, on one line.
func (e *Error) Error() string { return e.Mistake() + ", " + e.Place() + ": " + e.Fix() }
