package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonFile is a file of JSON that is read value by value.
type jsonFile struct {
	*Reader
	lines   *lineCounter
	decoder *json.Decoder
	again   string // what to do about a file that is broken
}

func (r *Reader) jsonFile(in io.Reader, again string) jsonFile {
	lines := &lineCounter{in: in}
	return jsonFile{Reader: r, lines: lines, decoder: json.NewDecoder(lines), again: again}
}

// broken is the problem of text that is not JSON, or that ends too soon.
func (f *jsonFile) broken(err error) error {
	offset := f.decoder.InputOffset()
	var syntax *json.SyntaxError
	what := reason(err)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		what, offset = "the file ends too soon", f.lines.read
	case f.lines.err != nil && !errors.Is(f.lines.err, io.EOF):
		return fmt.Errorf("%s: %w", f.name, f.lines.err)
	}
	line, column := f.lines.at(offset)
	return f.problem(line, column, f.again, "not JSON: %s", what)
}

// documents reads the exchanges of an export: those of a list, of a list under
// one of the keys of an object, or one value after the other.
type documents struct {
	jsonFile
	read  func(text []byte, line int) found
	began bool
	list  bool // the file is one list, read an element at a time
	queue []piece
}

// piece is a part of a file.
type piece struct {
	text []byte
	line int
}

// lists are the keys under which exports keep their requests.
var lists = []string{"data", "requests", "items", "events", "interactions"}

func (r *Reader) documents(in io.Reader, read func(text []byte, line int) found) func() (found, error) {
	d := &documents{jsonFile: r.jsonFile(in, "export the file again"), read: read}
	return d.next
}

func (d *documents) next() (found, error) {
	for {
		if len(d.queue) > 0 {
			p := d.queue[0]
			d.queue = d.queue[1:]
			f := d.read(p.text, p.line)
			f.Line = p.line
			return f, nil
		}
		if err := d.more(); err != nil {
			return found{}, err
		}
	}
}

// more reads the next value of the file.
func (d *documents) more() error {
	if !d.began {
		d.began = true
		first, err := d.firstByte()
		if err != nil {
			return err
		}
		if d.list = first == '['; d.list {
			if _, err := d.decoder.Token(); err != nil {
				return d.broken(err)
			}
		}
	}
	if d.list && !d.decoder.More() {
		d.list = false
		if _, err := d.decoder.Token(); err != nil {
			return d.broken(err)
		}
	}
	var raw json.RawMessage
	switch err := d.decoder.Decode(&raw); {
	case errors.Is(err, io.EOF) && !d.list:
		return io.EOF
	case err != nil:
		return d.broken(err)
	}
	line, _ := d.lines.at(d.decoder.InputOffset() - int64(len(raw)))
	d.queue = []piece{{raw, line}}
	if !d.list {
		d.queue = pieces(d.queue[0])
	}
	return nil
}

// firstByte is the first one that is not space; io.EOF in a file without any.
func (d *documents) firstByte() (byte, error) {
	var skipped []byte
	for one := make([]byte, 1); ; {
		n, err := d.lines.Read(one)
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return 0, io.EOF
			}
			return 0, fmt.Errorf("%s: %w", d.name, err)
		}
		skipped = append(skipped, one[:n]...)
		if n > 0 && !strings.ContainsRune(" \t\r\n", rune(one[0])) {
			// The decoder counts from the beginning of the file.
			d.decoder = json.NewDecoder(io.MultiReader(bytes.NewReader(skipped), d.lines))
			return one[0], nil
		}
	}
}

// pieces are the exchanges of a value.
func pieces(whole piece) []piece {
	text := bytes.TrimSpace(whole.text)
	if len(text) > 0 && text[0] == '[' {
		return elements(whole)
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil {
		return []piece{whole}
	}
	for _, key := range lists {
		if list := bytes.TrimSpace(top[key]); len(list) > 0 && list[0] == '[' {
			before := whole.text[:max(0, bytes.Index(whole.text, list))]
			return elements(piece{list, whole.line + bytes.Count(before, []byte("\n"))})
		}
	}
	return []piece{whole}
}

// elements are those of a list, each with its line.
func elements(list piece) []piece {
	var out []piece
	d := json.NewDecoder(bytes.NewReader(list.text))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			break // cannot be: the list was read before
		}
		before := list.text[:d.InputOffset()-int64(len(raw))]
		out = append(out, piece{raw, list.line + bytes.Count(before, []byte("\n"))})
	}
	return out
}
