package mockendpoint_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// ofConnection are the fields that the two hops of a proxy have apart.
var ofConnection = []string{"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
	"proxy-connection"}

// endToEnd is a head without the fields of one connection.
func endToEnd(head string) string {
	var b strings.Builder
	for line := range strings.Lines(head) {
		name, _, field := strings.Cut(line, ":")
		if field && b.Len() > 0 && has(ofConnection, strings.ToLower(name)) {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

func has(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

var (
	fieldName   = rapid.StringMatching("[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,12}")
	fieldValue  = rapid.StringMatching("([!-~\u00e4](([ \t!-~\u00e4]){0,20}[!-~\u00e4])?)?")
	fieldSpaces = rapid.SampledFrom([]string{"", " ", " ", " ", "  ", "\t"})
	someTarget  = rapid.StringMatching(`([A-Za-z0-9._~!$&'()*+,;=:@/-]|%2F|%25){0,20}(\?([A-Za-z0-9=&+;/?-]|%20){0,20})?`)
	someBody    = rapid.StringN(0, 40, 400)
)

// reserved are fields that this test writes itself, or that net/http acts upon.
var reserved = append([]string{"host", "content-length", "expect", "proxy-authorization", "proxy-authenticate"},
	ofConnection...)

// fields are header lines in any order and spelling, some of them twice.
func fields(t *rapid.T, label string) string {
	var b strings.Builder
	for range rapid.IntRange(0, 6).Draw(t, label+" fields") {
		name := fieldName.Draw(t, "name")
		if has(reserved, strings.ToLower(name)) {
			continue
		}
		for range rapid.IntRange(1, 2).Draw(t, "times") {
			before, value, after := fieldSpaces.Draw(t, "before"), fieldValue.Draw(t, "value"), fieldSpaces.Draw(t, "after")
			fmt.Fprintf(&b, "%s:%s%s%s\r\n", name, before, value, after)
		}
	}
	return b.String()
}

// request draws a request of any method, target, fields and framing.
func request(t *rapid.T) (method, head, wire, body string) {
	method = rapid.SampledFrom(strings.Fields("GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND post")).Draw(t, "method")
	target := "/" + someTarget.Draw(t, "target")
	body = someBody.Draw(t, "body")
	framing, rest := length(t, body), body
	switch rapid.IntRange(0, 2).Draw(t, "framing") {
	case 0:
		framing, rest, body = "", "", ""
	case 1:
		framing, rest = "Transfer-Encoding: chunked\r\n", chunks(body)
	}
	hop := rapid.SampledFrom([]string{"", "Connection: x-Hop\r\nX-Hop: 1\r\n", "TE: trailers\r\n"}).Draw(t, "hop")
	head = fmt.Sprintf("%s %s HTTP/1.1\r\n%sHost: receiver.test\r\n%s%s%s\r\n", method, target, fields(t, "first"), framing,
		fields(t, "last"), hop)
	return method, head, head + rest, body
}

// length is the field with the length of a body, in one of its spellings.
func length(t *rapid.T, body string) string {
	name := rapid.SampledFrom([]string{"Content-Length", "content-length", "content-LENGTH"}).Draw(t, "spelling")
	return fmt.Sprintf("%s: %d\r\n", name, len(body))
}

// answerTo draws an answer.
func answerTo(t *rapid.T, method string) (head, wire, body string, hangUp bool) {
	status := rapid.SampledFrom([]int{200, 201, 204, 301, 304, 307, 400, 418, 429, 500, 599, 999}).Draw(t, "status")
	phrase := rapid.StringMatching(`[A-Za-z ]{0,10}`).Draw(t, "phrase")
	body = someBody.Draw(t, "answered")
	framing, rest := length(t, body), body
	bodiless := method == "HEAD" || status == 204 || status == 304
	switch rapid.IntRange(0, 3).Draw(t, "framing") {
	case 0:
		framing, rest = "Transfer-Encoding: chunked\r\n", chunks(body)
	case 1:
		framing, hangUp = "", !bodiless
	case 2: // announced: otherwise the next request may be lost in the close
		framing, hangUp = framing+"Connection: close\r\n", true
	}
	if bodiless {
		rest, body = "", ""
	}
	if status == 204 {
		framing, hangUp = "", false
	}
	head = fmt.Sprintf("HTTP/1.1 %d %s\r\n%s%s%s\r\n", status, phrase, fields(t, "first"), framing, fields(t, "last"))
	return head, head + rest, body, hangUp
}

// Without a fault a proxy changes nothing but the fields of a connection: neither
// in the request nor in the answer, neither a byte of the body nor the order or
// the spelling of a field.
func TestProxyPassesBytes(t *testing.T) {
	var answer atomic.Pointer[func() ([]byte, bool)]
	r := newWireReceiver(t, func(int, seen) ([]byte, bool) { return (*answer.Load())() })
	address, _ := proxied(t, r.url(), nil)
	sent := 0
	rapid.Check(t, func(t *rapid.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		for range rapid.IntRange(1, 3).Draw(t, "requests") {
			method, head, wire, body := request(t)
			wantHead, answered, wantBody, hangUp := answerTo(t, method)
			answer.Store(new(func() ([]byte, bool) { return []byte(answered), hangUp }))
			if _, err := conn.Write([]byte(wire)); err != nil {
				t.Fatal(err)
			}
			gotHead, gotBody, err := readMessage(in, method)
			if err != nil {
				t.Fatalf("no answer: %v after %q", err, gotHead)
			}
			all := r.all()
			got := all[len(all)-1]
			if sent++; len(all) != sent {
				t.Fatalf("the receiver has %d requests of %d", len(all), sent)
			}
			want := endToEnd(strings.ReplaceAll(head, "X-Hop: 1\r\n", ""))
			if endToEnd(got.head) != want || got.body != body {
				t.Fatalf("the receiver got\n%q\n%q\nfor\n%q\n%q", endToEnd(got.head), got.body, want, body)
			}
			if want := endToEnd(wantHead); endToEnd(gotHead) != want || gotBody != wantBody {
				t.Fatalf("the sender got\n%q\n%q\nfor\n%q\n%q", endToEnd(gotHead), gotBody, want, wantBody)
			}
		}
	})
}
