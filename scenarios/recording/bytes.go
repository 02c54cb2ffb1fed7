package recording

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// A body, a target or a header that is not UTF-8 is written in base64, under its name
// with "Base64" behind it instead of the name: texts of JSON hold characters, and
// encoding/json replaces bytes that are not. Every other line is written as its type
// has it.
type (
	wireLine struct {
		Line
		Attempt *wireAttempt `json:"attempt,omitempty"`
		Request *wireRequest `json:"request,omitempty"`
	}
	wireAttempt struct {
		Attempt
		Headers    []wireHeader `json:"headers"`        // hides those of Attempt
		Body       *string      `json:"body,omitempty"` // likewise
		BodyBase64 *[]byte      `json:"bodyBase64,omitempty"`
	}
	wireRequest struct {
		Request
		Target       *string      `json:"target,omitempty"` // hides that of Request
		TargetBase64 *[]byte      `json:"targetBase64,omitempty"`
		Headers      []wireHeader `json:"headers"`        // likewise
		Body         *string      `json:"body,omitempty"` // likewise
		BodyBase64   *[]byte      `json:"bodyBase64,omitempty"`
	}
	wireHeader struct {
		Name        *string `json:"name,omitempty"`
		NameBase64  *[]byte `json:"nameBase64,omitempty"`
		Value       *string `json:"value,omitempty"`
		ValueBase64 *[]byte `json:"valueBase64,omitempty"`
	}
)

// wire returns the value to encode for a line.
func wire(l Line) any {
	switch {
	case l.Attempt != nil && !(utf8.ValidString(l.Attempt.Body) && areTexts(l.Attempt.Headers)):
		w := &wireAttempt{Attempt: *l.Attempt, Headers: wireHeaders(l.Attempt.Headers)}
		w.Body, w.BodyBase64 = textOrBytes(l.Attempt.Body)
		return wireLine{Line: l.around(), Attempt: w}
	case l.Request != nil && !(utf8.ValidString(l.Request.Body) && utf8.ValidString(l.Request.Target) && areTexts(l.Request.Headers)):
		w := &wireRequest{Request: *l.Request, Headers: wireHeaders(l.Request.Headers)}
		w.Target, w.TargetBase64 = textOrBytes(l.Request.Target)
		w.Body, w.BodyBase64 = textOrBytes(l.Request.Body)
		return wireLine{Line: l.around(), Request: w}
	}
	return l
}

// around is the line without what happened.
func (l Line) around() Line { return Line{Dataflow: l.Dataflow, Destination: l.Destination} }

// areTexts reports whether headers are UTF-8.
func areTexts(headers []Header) bool {
	return !slices.ContainsFunc(headers, func(h Header) bool { return !utf8.ValidString(h.Name) || !utf8.ValidString(h.Value) })
}

// textOrBytes is a text, or its bytes where it is not UTF-8.
func textOrBytes(s string) (text *string, octets *[]byte) {
	if utf8.ValidString(s) {
		return &s, nil
	}
	b := []byte(s)
	return nil, &b
}

func wireHeaders(headers []Header) []wireHeader {
	if headers == nil {
		return nil
	}
	out := make([]wireHeader, len(headers))
	for i, h := range headers {
		out[i].Name, out[i].NameBase64 = textOrBytes(h.Name)
		out[i].Value, out[i].ValueBase64 = textOrBytes(h.Value)
	}
	return out
}

// line returns the line that was written.
func (w wireLine) line() (l Line, err error) {
	l = w.Line
	if a := w.Attempt; a != nil {
		l.Attempt = &a.Attempt
		if l.Attempt.Body, err = read("body", a.Body, a.BodyBase64); err == nil {
			l.Attempt.Headers, err = headersOf(a.Headers)
		}
	}
	if r := w.Request; r != nil && err == nil {
		l.Request = &r.Request
		if l.Request.Body, err = read("body", r.Body, r.BodyBase64); err == nil {
			l.Request.Target, err = read("target", r.Target, r.TargetBase64)
		}
		if err == nil {
			l.Request.Headers, err = headersOf(r.Headers)
		}
	}
	return l, err
}

func headersOf(headers []wireHeader) (out []Header, err error) {
	if headers != nil {
		out = make([]Header, 0, len(headers))
	}
	for _, h := range headers {
		var one Header
		if one.Name, err = read("name", h.Name, h.NameBase64); err == nil {
			one.Value, err = read("value", h.Value, h.ValueBase64)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// read returns a text, in whichever way it was written.
func read(name string, text *string, octets *[]byte) (string, error) {
	switch {
	case text != nil && octets != nil:
		return "", fmt.Errorf("%s and %sBase64 exclude each other", name, name)
	case octets != nil:
		return string(*octets), nil
	case text != nil:
		return *text, nil
	}
	return "", nil
}
