package strictjson

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Members are the keys and values of an object, in its order, as they are written;
// any other value yields nothing. The object is an acceptable document, or a
// part of one: nothing is checked again, which makes this several times as fast as
// decoding what is around the few values that are wanted.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for rest := inside(object, '{'); len(rest) > 0; {
			n := length(rest)
			key := rest[:n]
			rest = rest[n+1+bytes.IndexByte(rest[n:], ':'):]
			rest = rest[space(rest):]
			n = length(rest)
			if !yield(key, rest[:n]) {
				return
			}
			rest = next(rest[n:])
		}
	}
}

// Elements are the values of an array, in its order, as they are written;
// any other value yields nothing. As for Members, the array is acceptable.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		for rest := inside(array, '['); len(rest) > 0; {
			n := length(rest)
			if !yield(rest[:n]) {
				return
			}
			rest = next(rest[n:])
		}
	}
}

// Text is what a string says, with its escapes resolved; ok is false for any other
// value. As for Members, the value is acceptable.
func Text(value []byte) (text string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	plain, err := jsontext.AppendUnquote(nil, value)
	return string(plain), err == nil
}

// inside is what follows an opening bracket, from the first value on; nothing where
// the value begins with another byte, or is empty.
func inside(value []byte, bracket byte) []byte {
	value = value[space(value):]
	if len(value) == 0 || value[0] != bracket {
		return nil
	}
	return next(value)
}

// next is what follows a bracket or a comma, from the next value on; nothing where
// the object or the array ends.
func next(rest []byte) []byte {
	rest = rest[space(rest):]
	if len(rest) == 0 || rest[0] == '}' || rest[0] == ']' {
		return nil
	}
	rest = rest[1+space(rest[1:]):]
	if rest[0] == '}' || rest[0] == ']' {
		return nil
	}
	return rest
}

func space(s []byte) int {
	n := 0
	for n < len(s) && (s[n] == ' ' || s[n] == '\n' || s[n] == '\t' || s[n] == '\r') {
		n++
	}
	return n
}

// length is that of the value at the beginning of s.
func length(s []byte) int {
	switch s[0] {
	case '"':
		return quoted(s)
	case '{', '[':
		depth := 0
		for at := 0; ; at++ {
			switch s[at] {
			case '"':
				at += quoted(s[at:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return at + 1
				}
			}
		}
	}
	if end := bytes.IndexAny(s, ",}] \n\t\r"); end >= 0 {
		return end
	}
	return len(s)
}

// quoted is the length of the string at the beginning of s.
func quoted(s []byte) int {
	for at := 1; ; {
		at += bytes.IndexByte(s[at:], '"') + 1
		escapes := 0
		for s[at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
	}
}
