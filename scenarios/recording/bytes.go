package recording

import (
	"errors"
	"unicode/utf8"
)

// A body that is not UTF-8 is written as "bodyBase64" and has no "body": texts of
// JSON hold characters, and encoding/json replaces bytes that are not. Every
// other line is written as its type has it.
type (
	wireLine struct {
		Line
		Attempt *wireAttempt `json:"attempt,omitempty"`
		Request *wireRequest `json:"request,omitempty"`
	}
	wireAttempt struct {
		Attempt
		Body       *string `json:"body,omitempty"` // hides that of Attempt
		BodyBase64 *[]byte `json:"bodyBase64,omitempty"`
	}
	wireRequest struct {
		Request
		Body       *string `json:"body,omitempty"` // hides that of Request
		BodyBase64 *[]byte `json:"bodyBase64,omitempty"`
	}
)

// wire returns the value to encode for a line.
func wire(l Line) any {
	switch {
	case l.Attempt != nil && !utf8.ValidString(l.Attempt.Body):
		body := []byte(l.Attempt.Body)
		return wireLine{Attempt: &wireAttempt{Attempt: *l.Attempt, BodyBase64: &body}}
	case l.Request != nil && !utf8.ValidString(l.Request.Body):
		body := []byte(l.Request.Body)
		return wireLine{Request: &wireRequest{Request: *l.Request, BodyBase64: &body}}
	}
	return l
}

// line returns the line that was written.
func (w wireLine) line() (l Line, err error) {
	l = w.Line
	if w.Attempt != nil {
		l.Attempt = &w.Attempt.Attempt
		l.Attempt.Body, err = bodyOf(w.Attempt.Body, w.Attempt.BodyBase64)
	}
	if w.Request != nil && err == nil {
		l.Request = &w.Request.Request
		l.Request.Body, err = bodyOf(w.Request.Body, w.Request.BodyBase64)
	}
	return l, err
}

// bodyOf returns the body, in whichever way it was written.
func bodyOf(text *string, octets *[]byte) (string, error) {
	switch {
	case text != nil && octets != nil:
		return "", errors.New("body and bodyBase64 exclude each other")
	case octets != nil:
		return string(*octets), nil
	case text != nil:
		return *text, nil
	}
	return "", nil
}
