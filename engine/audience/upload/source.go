package upload

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Errors that end the reading of a file early.
var (
	errTooLarge = errors.New("the file has 1 GB or more")
	errTooLong  = errors.New("a row of more than 1 MiB")
)

const tooLargeHint = "split it: an upload is smaller than 1 GB"

// CheckSize refuses a file that is too large before it is read.
func CheckSize(bytes int64) error {
	if bytes < MaxSize {
		return nil
	}
	return Refused{Problems: []Problem{{Message: errTooLarge.Error(), Hint: tooLargeHint}}}
}

// byteOrderMark is what may stand before the header, and nowhere else.
var byteOrderMark = []byte("\uFEFF")

const (
	bufferSize = 64 << 10
	utf8Mark   = 3 // bytes of it
)

// source is a file as it is read. encoding/csv keeps the row it is in, however
// long; source ends a row that has no end.
type source struct {
	from   io.Reader
	read   int64 // bytes so far
	rowEnd int64 // where the last complete row ended
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.read-s.rowEnd > MaxRecord+bufferSize {
		return 0, errTooLong
	}
	n, err := s.from.Read(p)
	s.read += int64(n)
	if s.read >= MaxSize {
		return n, errTooLarge
	}
	return n, err
}

// start looks at the first bytes: a byte-order mark is passed over, and another
// encoding is told by its own.
func start(r *bufio.Reader) (skipped int64, utf16 bool) {
	head, _ := r.Peek(utf8Mark) // a shorter file is judged as it is read
	switch {
	case bytes.Equal(head, byteOrderMark):
		_, _ = r.Discard(utf8Mark) // it is in the buffer
		return utf8Mark, false
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return 0, true
	}
	return 0, false
}
