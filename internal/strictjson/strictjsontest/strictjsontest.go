// Package strictjsontest is the table of inputs that every place where JSON
// enters is tested with, so that all of them decide alike. It covers the
// categories of public JSON parser suites: arrays, numbers, objects, strings,
// structure, encodings, and the points on which RFC 8259 leaves a choice.
package strictjsontest

import (
	"fmt"
	"strings"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// Input is a document and what a place where JSON enters must do with it.
type Input struct {
	Name   string
	Text   string
	Depth  int               // how deep it is nested
	Reason strictjson.Reason // "" is accepted
}

// Accepted reports whether the input is accepted when it stands within more
// brackets.
func (i Input) Accepted(within int) bool {
	return i.Reason == "" && i.Depth+within <= strictjson.MaxDepth
}

// All returns every input. Names are unique. An input that is refused is also
// refused as the value of a member.
func All() []Input {
	var out []Input
	add := func(name, text string, r strictjson.Reason) {
		out = append(out, Input{name, text, depth(text, r), r})
	}
	for n, text := range goodNumbers {
		around(add, fmt.Sprintf("number %d %.24s", n, text), text, "")
	}
	for n, c := range badNumbers {
		around(add, fmt.Sprintf("spoilt number %d %.24q", n, c.text), c.text, c.reason)
	}
	for n, text := range goodStrings {
		around(add, fmt.Sprintf("string %d %.24q", n, text), `"`+text+`"`, "")
		add(fmt.Sprintf("key %d %.24q", n, text), `{"`+text+`":1}`, "")
	}
	for n, c := range badStrings {
		around(add, fmt.Sprintf("spoilt string %d %.24q", n, c.text), `"`+c.text+`"`, c.reason)
		add(fmt.Sprintf("spoilt key %d %.24q", n, c.text), `{"`+c.text+`":1}`, c.reason)
	}
	for _, text := range []string{"true", "false", "null"} {
		around(add, "word "+text, text, "")
		around(add, "capitals of "+text, strings.ToUpper(text), strictjson.Syntax)
		add("capital of "+text, "["+strings.ToUpper(text[:1])+text[1:]+"]", strictjson.Syntax)
		add("half of "+text, "["+text[:2]+"]", strictjson.Syntax)
		add("end of "+text, text[:2], strictjson.Incomplete)
		add("more than "+text, "["+text+"x]", strictjson.Syntax)
	}
	for n, text := range goodStructures {
		add(fmt.Sprintf("structure %d %.24q", n, text), text, "")
	}
	for n, c := range badStructures {
		add(fmt.Sprintf("spoilt structure %d %.24q", n, c.text), c.text, c.reason)
	}
	for _, n := range []int{strictjson.MaxDepth / 2, strictjson.MaxDepth, strictjson.MaxDepth + 1, 500, 20_000} {
		r := strictjson.Reason("")
		if n > strictjson.MaxDepth {
			r = strictjson.TooDeep
		}
		add(fmt.Sprintf("%d arrays", n), strings.Repeat("[", n)+"1"+strings.Repeat("]", n), r)
		add(fmt.Sprintf("%d objects", n), strings.Repeat(`{"a":`, n)+"1"+strings.Repeat("}", n), r)
		if r == "" {
			r = strictjson.Incomplete
		}
		add(fmt.Sprintf("%d arrays without an end", n), strings.Repeat("[", n), r)
		add(fmt.Sprintf("%d objects without an end", n), strings.Repeat(`{"":`, n), r)
	}
	return out
}

// around adds a value by itself, in an array, and as the value of a member.
func around(add func(name, text string, r strictjson.Reason), name, text string, r strictjson.Reason) {
	add(name, text, r)
	add(name+" in an array", "[0,"+text+",0]", open(r))
	add(name+" in an object", `{"a":`+text+`,"b":0}`, open(r))
}

// open is the reason when something follows: what ended too early is then a
// slip in the grammar, and what followed too.
func open(r strictjson.Reason) strictjson.Reason {
	if r == strictjson.Incomplete || r == strictjson.Trailing {
		return Unsure
	}
	return r
}

// Unsure is a reason of the grammar that depends on what stands around.
const Unsure strictjson.Reason = "unsure"

// depth is how deep an accepted text is nested.
func depth(text string, r strictjson.Reason) int {
	if r != "" {
		return 0
	}
	deepest, now, quoted := 0, 0, false
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case quoted && c == '\\':
			at++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '[' || c == '{'):
			now++
			deepest = max(deepest, now)
		case !quoted && (c == ']' || c == '}'):
			now--
		}
	}
	return deepest
}
