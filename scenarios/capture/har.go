package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// har reads log.entries one by one.
func (r *Reader) har(in io.Reader) func() (found, error) {
	h := &harReader{jsonFile: r.jsonFile(in, "export the HAR file again")}
	return h.next
}

// harReader is where in a HAR file reading has come to.
type harReader struct {
	jsonFile
	within bool // log.entries
	over   bool
}

func (h *harReader) next() (found, error) {
	if h.over {
		return found{}, io.EOF
	}
	if !h.within {
		if err := h.find(); err != nil {
			return found{}, err
		}
		h.within = true
	}
	if !h.decoder.More() {
		h.over = true
		return found{}, h.rest()
	}
	var raw json.RawMessage
	if err := h.decoder.Decode(&raw); err != nil {
		return found{}, h.broken(err)
	}
	line, column := h.lines.at(h.decoder.InputOffset() - int64(len(raw)))
	var e entry
	wrong := json.Unmarshal(raw, &e) // of another kind: the rest is read all the same
	f := e.found()
	f.Line = line
	switch {
	case wrong != nil:
		below, at := within(raw, wrong)
		if below == 0 {
			at += column - 1
		}
		f.err = h.problem(line+below, at, "this is not the form of HAR 1.2", "%s", reason(wrong))
	case f.err != nil:
		f.err = h.problem(line, column, "this is not the form of HAR 1.2", "%s", f.err)
	}
	return f, nil
}

// within is the line of an error below the first of a value, and its column.
func within(raw []byte, err error) (below, at int) {
	before := raw[:min(len(raw), max(0, column(err)))]
	return bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n') - 1
}

// find goes to the first entry.
func (h *harReader) find() error {
	for _, name := range []string{"log", "entries"} {
		if err := h.open('{', "an object"); err != nil {
			return err
		}
		if err := h.key(name); err != nil {
			return err
		}
	}
	return h.open('[', "a list")
}

func (h *harReader) open(want json.Delim, what string) error {
	t, err := h.decoder.Token()
	if err != nil {
		return h.broken(err)
	}
	if t != want {
		line, column := h.lines.at(h.decoder.InputOffset())
		return h.problem(line, column, `a HAR file is {"log": {"entries": […]}}`, "%s is missing", what)
	}
	return nil
}

// key skips to a key of the object.
func (h *harReader) key(name string) error {
	for h.decoder.More() {
		t, err := h.decoder.Token()
		if err != nil {
			return h.broken(err)
		}
		if t == name {
			return nil
		}
		var skipped json.RawMessage
		if err := h.decoder.Decode(&skipped); err != nil {
			return h.broken(err)
		}
	}
	line, column := h.lines.at(h.decoder.InputOffset())
	return h.problem(line, column, `a HAR file is {"log": {"entries": […]}}`, "no key %q", name)
}

// rest reads what follows the entries, so that a file that was cut off there
// is noticed: the decoder does not treat the end of the text as an error.
func (h *harReader) rest() error {
	for depth := 3; ; {
		t, err := h.decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && depth == 0:
			return io.EOF
		case err != nil:
			return h.broken(err)
		case t == json.Delim('{') || t == json.Delim('['):
			depth++
		case t == json.Delim('}') || t == json.Delim(']'):
			depth--
		}
	}
}

// lineCounter tells at which line an offset is, for offsets that only grow. It
// remembers the breaks that lie ahead and no others.
type lineCounter struct {
	in    io.Reader
	err   error
	read  int64
	ahead []int64 // offsets of line breaks
	line  int     // breaks behind
	last  int64   // offset after the last break behind
}

// Read implements io.Reader.
func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ahead = append(c.ahead, c.read+int64(i))
		}
	}
	c.read += int64(n)
	c.err = err
	return n, err
}

// at is the line and column of an offset, both from 1.
func (c *lineCounter) at(offset int64) (line, column int) {
	passed := 0
	for passed < len(c.ahead) && c.ahead[passed] < offset {
		c.last = c.ahead[passed] + 1
		passed++
	}
	c.ahead = c.ahead[passed:]
	c.line += passed
	return c.line + 1, int(max(0, offset-c.last)) + 1
}
