package upload

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Check reads a file and returns the result of an import. The error is Refused,
// or the reason why the file could not be read.
func Check(r io.Reader, s Spec) (Summary, error) { return Read(r, s, nil) }

// Read calls take for every row of a file, in its order. The error is Refused
// with every problem, what take returned, or what kept the file from being
// read. Rows before a problem have been taken: Check comes first.
func Read(r io.Reader, s Spec, take func(Member) error) (Summary, error) {
	f := newReader(r, s)
	for _, p := range s.Problems() {
		f.refused.add(p)
	}
	if err := f.read(take); err != nil {
		return f.summary, err
	}
	f.summary.Bytes = f.source.read
	if len(f.refused.Problems) > 0 {
		return f.summary, f.refused
	}
	return f.summary, nil
}

// reader is one pass over a file.
type reader struct {
	spec     Spec
	source   *source
	buffer   *bufio.Reader
	csv      *csv.Reader
	last     int // the line in which the last row ended
	identity int // index of the column, -1 without it
	payload  []Attribute
	summary  Summary
	refused  Refused
}

func newReader(r io.Reader, s Spec) *reader {
	f := &reader{spec: s, source: &source{from: r}, identity: -1}
	// csv reads through this very buffer: it is large enough to be taken as it is.
	f.buffer = bufio.NewReaderSize(f.source, bufferSize)
	f.csv = csv.NewReader(f.buffer)
	f.csv.ReuseRecord = true
	return f
}

// read goes through the rows. Problems are collected; the error is any other.
func (f *reader) read(take func(Member) error) error {
	skipped, utf16 := start(f.buffer)
	if utf16 {
		f.problem(1, 1, "save it as UTF-8", "the file is UTF-16 text")
		return nil
	}
	for {
		record, err := f.csv.Read()
		var broken *csv.ParseError
		if err != nil && !errors.As(err, &broken) {
			return f.end(err)
		}
		f.source.rowEnd = skipped + f.csv.InputOffset()
		if broken != nil {
			f.broken(broken, len(record))
			f.last = broken.Line
		} else {
			line, _ := f.csv.FieldPos(len(record) - 1)
			f.last = line + strings.Count(record[len(record)-1], "\n")
		}
		switch {
		case f.summary.Columns == nil && broken != nil:
			return nil // without a header nothing is known of the rows
		case f.summary.Columns == nil:
			f.header(record)
			continue
		}
		f.summary.Rows++
		if broken != nil {
			continue
		}
		if m, ok := f.member(record); ok && take != nil {
			if err := take(m); err != nil {
				return err
			}
		}
	}
}

// end is the end of the file, or of what can be read of it.
func (f *reader) end(err error) error {
	const nobody = "an import needs a header with the names of the columns, and a row for each member"
	switch {
	case errors.Is(err, io.EOF) && f.summary.Columns == nil:
		f.problem(1, 1, nobody, "the file is empty")
	case errors.Is(err, io.EOF) && f.summary.Rows == 0:
		f.problem(f.last, 1, nobody, "no row follows the header")
	case errors.Is(err, io.EOF):
	case errors.Is(err, errTooLarge):
		f.problem(f.last+1, 1, tooLargeHint, "%s", errTooLarge)
	case errors.Is(err, errTooLong):
		f.problem(f.last+1, 1, "look for a quote that is not closed, and for line ends that are missing", "%s begins here", errTooLong)
	default:
		return fmt.Errorf("after %d rows: %w", f.summary.Rows, err)
	}
	return nil
}

// broken notes a row that is not CSV, or has another number of fields.
func (f *reader) broken(e *csv.ParseError, got int) {
	const quotes = "put quotes around the whole field, and write a quote within it twice"
	began := ""
	if e.StartLine != e.Line {
		began = fmt.Sprintf("; the row begins in line %d", e.StartLine)
	}
	switch {
	case errors.Is(e.Err, csv.ErrFieldCount):
		f.problem(e.StartLine, 1, "give every row a field for each column, empty ones too",
			"the row has %s, the header %s", fields(got), fields(len(f.summary.Columns)))
	case errors.Is(e.Err, csv.ErrBareQuote):
		f.problem(e.Line, e.Column, quotes, "broken quoting: a quote within a field that does not begin with one%s", began)
	default:
		f.problem(e.Line, e.Column, quotes, "broken quoting: a quote is not closed, or something follows the closing one%s", began)
	}
}

// fields is a number of them.
func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}

func (f *reader) problem(line, column int, hint, format string, args ...any) {
	f.refused.add(Problem{Line: line, Column: max(column, 1), Message: fmt.Sprintf(format, args...), Hint: hint})
}
