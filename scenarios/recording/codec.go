package recording

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Write writes lines as JSON lines. The same lines give the same bytes.
func Write(w io.Writer, lines []Line) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for i, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return buffered.Flush()
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
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	var lines []Line
	for n := 1; scanner.Scan(); n++ {
		line, err := parse(scanner.Bytes())
		if err == nil {
			err = inPlace(line, n)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		lines = append(lines, line)
		if line.End != nil {
			if scanner.Scan() {
				return nil, fmt.Errorf("line %d: something follows the end line", n+1)
			}
			return lines, scanner.Err()
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	return nil, ErrCutOff
}

func parse(text []byte) (Line, error) {
	var line Line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&line); err != nil {
		return line, err
	}
	if d.More() {
		return line, errors.New("more than one JSON value")
	}
	if n := line.fields(); n != 1 {
		return line, fmt.Errorf("%d types on one line; want one", n)
	}
	return line, nil
}

// fields counts the fields that are set.
func (l Line) fields() int {
	n := 0
	for _, set := range []bool{l.Run != nil, l.Update != nil, l.Action != nil, l.Export != nil, l.Decision != nil,
		l.Attempt != nil, l.Request != nil, l.Handshake != nil, l.Drop != nil, l.End != nil} {
		if set {
			n++
		}
	}
	return n
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
