package forward

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// ReadBody reads the body of an answer to its end. length is that of
// Content-Length, -1 without one. Its errors are returned by Send.
type ReadBody func(body io.Reader, length int64) ([]byte, error)

// Answer is the receiver's answer.
type Answer struct {
	Status int
	Phrase string // of the status line
	Fields []byte // header lines that go on to the sender, in their order and spelling, each with its line end
	Length bool   // the length of the body is in Fields
	Body   []byte

	keep bool // the connection can be used again
}

// Bounds of the head of an answer, as clients have them.
const (
	maxHead    = 1 << 20
	maxInterim = 100
)

var (
	errMalformed = errors.New("the answer is not HTTP")
	errHead      = fmt.Errorf("the head of the answer is larger than %d bytes", maxHead)
)

// cutOffError is an answer that ended before it was complete.
type cutOffError struct{ error }

// readAnswer reads one answer. Interim answers (1xx) are left out.
func readAnswer(in *bufio.Reader, method string, read ReadBody) (Answer, error) {
	for range maxInterim {
		head, err := readHead(in)
		if err != nil {
			return Answer{}, err
		}
		// The parser knows what is HTTP, and how long the body is; the bytes are ours.
		parsed, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: method})
		if err != nil || parsed.StatusCode < 100 || parsed.StatusCode == http.StatusSwitchingProtocols {
			return Answer{}, errMalformed
		}
		if parsed.StatusCode < 200 {
			continue
		}
		a := Answer{Status: parsed.StatusCode, keep: !parsed.Close}
		_, a.Phrase, _ = strings.Cut(parsed.Status, " ")
		a.Fields, a.Length = fieldsOf(head)
		err = a.readBody(in, parsed, method, read)
		return a, err
	}
	return Answer{}, errMalformed
}

// fieldsOf are the header lines that go on to the sender.
func fieldsOf(head []byte) (fields []byte, length bool) {
	goesOn := passed(head)
	for line := range journal.Lines(head) {
		if !goesOn(line.Name) {
			continue
		}
		if bytes.EqualFold(line.Name, []byte("Content-Length")) {
			if length {
				continue // the same once more: the parser refuses another
			}
			length = true
		}
		fields = appendLine(fields, line)
	}
	return fields, length
}

// readHead reads up to the empty line.
func readHead(in *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := in.ReadSlice('\n')
		if head = append(head, line...); len(head) > maxHead {
			return nil, errHead
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(head) > 0:
			return nil, cutOffError{io.ErrUnexpectedEOF}
		case err != nil:
			return nil, err
		}
		before := head[:len(head)-len(line)]
		if len(bytes.TrimRight(line, "\r\n")) == 0 && (len(before) == 0 || before[len(before)-1] == '\n') {
			return head, nil
		}
	}
}

// readBody reads the body, by its framing (RFC 9112 section 6.3).
func (a *Answer) readBody(in *bufio.Reader, parsed *http.Response, method string, read ReadBody) (err error) {
	switch chunked := len(parsed.TransferEncoding) > 0; {
	case method == http.MethodHead || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified:
		return nil
	case chunked:
		if a.Body, err = read(httputil.NewChunkedReader(in), -1); err == nil {
			err = skipTrailers(in)
		}
		a.Length = false
	case parsed.ContentLength >= 0:
		body := &io.LimitedReader{R: in, N: parsed.ContentLength}
		if a.Body, err = read(body, parsed.ContentLength); err == nil && body.N > 0 {
			err = io.ErrUnexpectedEOF
		}
	default:
		a.keep = false
		a.Body, err = read(in, -1)
	}
	if err != nil && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrFull) {
		err = cutOffError{err}
	}
	return err
}

// skipTrailers reads what follows the last chunk.
func skipTrailers(in *bufio.Reader) error {
	for left := maxHead; left > 0; {
		line, err := in.ReadSlice('\n')
		if left -= len(line); err != nil {
			return err
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return nil
		}
	}
	return errHead
}
