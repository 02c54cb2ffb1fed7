package upload

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
)

// header reads the names of the columns. Their problems do not keep the rows
// from being checked.
func (f *reader) header(record []string) {
	f.summary.Columns = slices.Clone(record)
	for i, name := range f.summary.Columns {
		at := func(hint, format string, args ...any) {
			line, column := f.csv.FieldPos(i)
			f.problem(line, column, hint, format, args...)
		}
		if f.text(i, name) {
			f.columnName(name, slices.Index(f.summary.Columns, name) < i, at)
		}
		if i == MaxColumns {
			at("leave out what is not needed", "the header has %s; at most %d are allowed", fields(len(record)), MaxColumns)
		}
		if name == f.spec.Identity && f.identity < 0 {
			f.identity = i
		} else {
			f.summary.Payload = append(f.summary.Payload, name)
		}
	}
	if f.identity < 0 && f.spec.Identity != "" {
		hint := "choose one of " + strings.Join(f.summary.Columns[:min(len(record), MaxColumns)], ", ")
		if len(record) == 1 {
			hint = "the only column is " + record[0] + "; separate columns by commas"
		}
		f.problem(1, 1, hint, "the header has no column %q, which should be the identity", f.spec.Identity)
	}
}

// columnName judges the name of a column (R134).
func (f *reader) columnName(name string, again bool, at func(hint, format string, args ...any)) {
	dash := func(r rune) bool { return unicode.Is(unicode.Dash, r) }
	switch {
	case name == "":
		at("name it, or leave the column out", "a column without a name")
	case again:
		at("name each column differently", "duplicate column %q", name)
	case strings.ContainsFunc(name, unicode.IsSpace):
		at("write it without, as in firstName or first_name", "the column %q has a space in its name", name)
	case strings.ContainsFunc(name, dash):
		at("write it without, as in firstName or first_name", "the column %q has a dash in its name", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		at("remove it", "the column %q has a control character in its name", name)
	}
}

// member reads a row; ok is false after a problem.
func (f *reader) member(record []string) (m Member, ok bool) {
	ok = true
	for i, value := range record {
		ok = f.text(i, value) && ok
	}
	if f.identity < 0 || !ok {
		return Member{}, false
	}
	line, column := f.csv.FieldPos(f.identity)
	id := record[f.identity]
	switch {
	case strings.TrimSpace(id) == "":
		f.problem(line, column, "give the identity, or leave the row out", "the identity is empty")
		return Member{}, false
	case strings.ContainsFunc(id, unicode.IsControl):
		f.problem(line, column, "remove it", "the identity has a control character or a line break")
		return Member{}, false
	}
	var exceeded *limits.Exceeded
	if errors.As(limits.ID(id), &exceeded) {
		f.problem(line, column, exceeded.Hint, "the identity: %s", exceeded)
		return Member{}, false
	}
	f.payload = f.payload[:0]
	for i, value := range record {
		if i != f.identity {
			f.payload = append(f.payload, Attribute{f.summary.Columns[i], value})
		}
	}
	identity := profile.Identity{Namespace: f.spec.Namespace, ID: id}.Canonical()
	return Member{Row: f.summary.Rows, Line: line, Identity: identity, Payload: f.payload}, true
}

// text reports whether a field is UTF-8 without a byte-order mark, and notes
// what it is otherwise.
func (f *reader) text(i int, value string) bool {
	line, column := f.csv.FieldPos(i)
	switch {
	case !utf8.ValidString(value):
		f.problem(line, column, "save the file as UTF-8", "the field is not UTF-8 text")
	case strings.Contains(value, string(byteOrderMark)):
		f.problem(line, column, "keep it at the very start of the file, or leave it out; joined files have one in the middle",
			"a byte-order mark in the middle of the file")
	default:
		return true
	}
	return false
}
