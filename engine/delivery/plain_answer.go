package delivery

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
)

// plainAnswer is an answer of the plainest form that lies in a buffer whole: its
// status, and how many bytes it has. ok is false for every other, which net/http
// reads: what it makes of an answer counts (FuzzBrief).
//
// Plain is HTTP/1.1, a status of an end, a Content-Length, and no header that
// says anything of the connection, of another form of the body, or of when to
// come again.
func plainAnswer(b []byte) (status, size int, ok bool) {
	line, rest, ok := cutLine(b)
	if !ok || len(line) < len("HTTP/1.1 200") || string(line[:9]) != "HTTP/1.1 " || len(line) > 12 && line[12] != ' ' || !visible(line) {
		return 0, 0, false
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || status < 200 || status > 599 || status == http.StatusNoContent || status == http.StatusNotModified {
		return 0, 0, false
	}
	length := -1
	for {
		if line, rest, ok = cutLine(rest); !ok {
			return 0, 0, false
		}
		if len(line) == 0 {
			break
		}
		at := bytes.IndexByte(line, ':')
		if at < 1 || !isName(line[:at]) || !visible(line[at+1:]) || tells(line[:at]) {
			return 0, 0, false
		}
		if !is(line[:at], "content-length") {
			continue
		}
		if length >= 0 {
			return 0, 0, false
		}
		if length, ok = digits(bytes.Trim(line[at+1:], " ")); !ok {
			return 0, 0, false
		}
	}
	size = len(b) - len(rest) + length
	return status, size, length >= 0 && size <= len(b)
}

// cutLine is a line without its end, which is a carriage return and a line feed.
func cutLine(b []byte) (line, rest []byte, ok bool) {
	at := bytes.IndexByte(b, '\n')
	if at < 1 || b[at-1] != '\r' {
		return nil, nil, false
	}
	return b[:at-1], b[at+1:], true
}

// visible reports whether there is nothing but visible ASCII and spaces.
func visible(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func isName(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// tells reports whether a header matters to net/http alone.
func tells(name []byte) bool {
	switch len(name) {
	case len("transfer-encoding"):
		return is(name, "transfer-encoding")
	case len("connection"): // and keep-alive
		return is(name, "connection") || is(name, "keep-alive")
	case len("retry-after"):
		return is(name, "retry-after")
	case len("trailer"): // and upgrade
		return is(name, "trailer") || is(name, "upgrade")
	}
	return false
}

func is(name []byte, lower string) bool {
	return len(name) == len(lower) && strings.EqualFold(string(name), lower)
}

// digits is a number of a few digits.
func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 6 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
