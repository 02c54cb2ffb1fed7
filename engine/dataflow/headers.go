package dataflow

import (
	"fmt"
	"strings"
)

// Header is one custom header. Name keeps the case it was configured with.
type Header struct{ Name, Value string }

// ParseHeaders reads the documented single-line form h1:v1,h2:v2 (R6, A62). A
// value ends at the next comma, since the form has no escape; the first colon
// separates. Order and duplicates are kept; the empty string has no headers.
// All problems are returned.
func ParseHeaders(line string) ([]Header, []Problem) {
	var headers []Header
	var problems []Problem
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	for i, part := range strings.Split(line, ",") {
		name, value, colon := strings.Cut(part, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		at := fmt.Sprintf("header %d", i+1)
		switch {
		case !colon:
			problems = append(problems, Problem{Path: "destination.headers", Level: Error, Message: at + " has no colon",
				Hint: "write header1:value1,header2:value2; a value cannot contain a comma"})
		case !isToken(name):
			problems = append(problems, Problem{Path: "destination.headers", Level: Error, Message: at + " has a name that HTTP does not allow",
				Hint: "a header name has letters, digits and any of !#$%&'*+-.^_`|~"})
		case reserved[strings.ToLower(name)]:
			problems = append(problems, Problem{Path: "destination.headers", Level: Error, Message: fmt.Sprintf("%s sets %s, which the destination itself decides", at, name),
				Hint: "leave it out"})
		case strings.ContainsFunc(value, IsControl):
			problems = append(problems, Problem{Path: "destination.headers", Level: Error, Message: at + " has a value with a control character", Hint: "remove it"})
		default:
			headers = append(headers, Header{name, value})
		}
	}
	return headers, problems
}

// reserved headers belong to the message or the connection (A63); the body is
// always application/json (R33).
var reserved = map[string]bool{
	"host": true, "content-length": true, "transfer-encoding": true, "connection": true,
	"content-type": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "upgrade": true,
}

func isToken(name string) bool {
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return name != ""
}

// IsControl reports whether a character cannot stand in the value of a header.
func IsControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// ParseQuery returns the query parameters as they are appended to the
// endpoint: as configured, without a leading question mark (A64).
func ParseQuery(line string) string {
	return strings.TrimPrefix(strings.TrimSpace(line), "?")
}
