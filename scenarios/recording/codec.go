package recording

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Write writes lines as JSON lines. The same lines give the same bytes.
func Write(w io.Writer, lines []Line) error {
	buffered := bufio.NewWriter(w)
	for i, l := range lines {
		if err := WriteLine(buffered, l); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return buffered.Flush()
}

// WriteLine writes one line, whole, in one call of w: what was recorded so far
// is there even if the process ends without a word.
func WriteLine(w io.Writer, l Line) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(wire(l)); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}

// ErrCutOff is the error of a recording without its last line: the run, or the
// copy, was cut off.
var ErrCutOff = errors.New("the recording is cut off: its end line is missing")

// maxLine bounds a line of a recording: ten profiles of any plausible size,
// escaped twice.
const maxLine = 64 << 20

// Read reads a recording. An error names the line: what is not JSON, is of an
// unknown type, or is not of this version's schema.
func Read(r io.Reader) ([]Line, error) {
	var lines []Line
	for reader := NewReader(r); ; {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
}

// Reader reads a recording line by line, so that one that was cut off can be
// read as far as it goes.
type Reader struct {
	scanner *bufio.Scanner
	n       int // lines read
	ended   bool
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	return &Reader{scanner: s}
}

// Line is the number of the line that Next returned last.
func (r *Reader) Line() int { return r.n }

// Next returns the next line; io.EOF after the end line, ErrCutOff without one.
// Any other error names the line, and nothing can be read after it.
func (r *Reader) Next() (Line, error) {
	if r.ended {
		return Line{}, io.EOF
	}
	if !r.scanner.Scan() {
		return Line{}, cmp.Or(r.scanner.Err(), ErrCutOff)
	}
	r.n++
	line, err := parse(r.scanner.Bytes())
	if err == nil {
		err = inPlace(line, r.n)
	}
	if r.n == 1 && err != nil {
		err = cmp.Or(foreign(r.scanner.Bytes()), err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) && !r.scanner.Scan() {
		err = ErrCutOff // in the middle of its last line
	}
	if err != nil {
		return Line{}, fmt.Errorf("line %d: %w", r.n, err)
	}
	if line.End != nil {
		r.ended = true
		if r.scanner.Scan() {
			return Line{}, fmt.Errorf("line %d: something follows the end line", r.n+1)
		}
		return line, r.scanner.Err()
	}
	return line, nil
}

func parse(text []byte) (Line, error) {
	var w wireLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(&w); {
	case errors.Is(err, io.EOF):
		return Line{}, errors.New("an empty line")
	case err != nil:
		return Line{}, err
	}
	line, err := w.line()
	if err != nil {
		return line, err
	}
	// Decoder.More takes a surplus bracket for the end of the value.
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return line, errors.New("something follows the JSON value")
	}
	if n := line.fields(); n != 1 {
		return line, fmt.Errorf("%d types on one line; want one", n)
	}
	return line, nil
}

// fields counts the fields that are set.
func (l Line) fields() int {
	n := 0
	for _, set := range []bool{l.Run != nil, l.Problem != nil, l.Update != nil, l.Action != nil, l.Export != nil, l.Decision != nil,
		l.Token != nil, l.Attempt != nil, l.Request != nil, l.Handshake != nil, l.Drop != nil, l.FlowRun != nil, l.Totals != nil,
		l.Alert != nil, l.Lookup != nil, l.End != nil} {
		if set {
			n++
		}
	}
	return n
}

// foreign is the error of a first line of another schema, which may have types
// and fields that this version does not know.
func foreign(text []byte) error {
	var first struct {
		Run struct {
			Schema string `json:"schema"`
		} `json:"run"`
	}
	if json.Unmarshal(text, &first) != nil || first.Run.Schema == "" || first.Run.Schema == Schema {
		return nil
	}
	return fmt.Errorf("schema %q; this version reads %s", first.Run.Schema, Schema)
}

// inPlace checks that the run line is the first, and of this schema.
func inPlace(l Line, n int) error {
	switch {
	case n == 1 && l.Run == nil:
		return errors.New("a recording begins with its run line")
	case n > 1 && l.Run != nil:
		return errors.New("a second run line")
	case l.Run != nil && l.Run.Schema != Schema:
		return fmt.Errorf("schema %q; this version reads %s", l.Run.Schema, Schema)
	}
	return nil
}
