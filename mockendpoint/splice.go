package mockendpoint

import (
	"bytes"
	"fmt"
	"io"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// splice puts the head of a receiver's answer in the place of the one that
// net/http writes, which sorts the headers and spells them its own way. net/http
// decides on the fields of the connection: Connection, Transfer-Encoding and,
// where a fault changed the body, Content-Length.
type splice struct {
	expected bool
	status   int
	phrase   string
	fields   []byte // of the receiver
	written  []byte // by net/http, up to the end of its head
}

// expect has the next head replaced.
func (s *splice) expect(status int, phrase string, fields []byte) {
	*s = splice{expected: true, status: status, phrase: phrase, fields: fields}
}

func (s *splice) waits() bool { return s.expected }

// write takes in what net/http writes, and writes to w from the end of the head
// on.
func (s *splice) write(w io.Writer, p []byte) (int, error) {
	s.written = append(s.written, p...)
	end := bytes.Index(s.written, []byte("\r\n\r\n"))
	if end < 0 {
		return len(p), nil
	}
	out := s.head(s.written[:end+4])
	out = append(out, s.written[end+4:]...)
	*s = splice{}
	if _, err := w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// head joins the receiver's head with that of net/http.
func (s *splice) head(own []byte) []byte {
	version, _, _ := bytes.Cut(own, []byte(" "))
	out := fmt.Appendf(make([]byte, 0, len(own)+len(s.fields)+64), "%s %d %s\r\n", version, s.status, s.phrase)
	ours := map[string]string{} // by canonical name: net/http writes no other
	for line := range journal.Lines(own) {
		ours[string(bytes.ToLower(line.Name))] = string(line.Value)
	}
	theirs := append([]byte("\r\n"), s.fields...) // as after a status line
	for line := range journal.Lines(theirs) {
		name := string(bytes.ToLower(line.Name))
		value, replaced := ours[name]
		if name == "content-length" {
			_, chunked := ours["transfer-encoding"]
			if replaced && value == string(line.Value) {
				delete(ours, name)
				replaced = false
			}
			replaced = replaced || chunked
		}
		if !replaced {
			out = append(out, line.Raw...)
		}
	}
	for line := range journal.Lines(own) {
		if _, left := ours[string(bytes.ToLower(line.Name))]; left {
			out = append(out, line.Raw...)
		}
	}
	return append(out, "\r\n"...)
}
