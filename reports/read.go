package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ReadError is why this version cannot read a file as a report.
type ReadError struct {
	What string // "line 3: …"
	Hint string // what to do about it
}

func (e *ReadError) Error() string { return e.What }

const makeOne = "give the report.json of httpdest run, judge, probe, load or plan: --out DIR or --report json=FILE writes it"

// ReadJSON reads a report.json of this version's schema or of the one before.
// Any other file, and a report of a newer version, is a *ReadError.
func ReadJSON(r io.Reader) (*Report, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	d := json.NewDecoder(bytes.NewReader(content))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, unreadable(content, err)
	}
	if e := foreign(raw); e != nil {
		return nil, e
	}
	var out Report
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, unreadable(content, err)
	}
	if rest := bytes.TrimSpace(content[d.InputOffset():]); len(rest) > 0 {
		return nil, &ReadError{fmt.Sprintf("line %d: more follows after the report", lineAt(content, d.InputOffset())+1), "give one report in a file"}
	}
	if err := out.valid(); err != nil {
		return nil, &ReadError{err.Error(), makeOne}
	}
	return &out, nil
}

// unreadable is the error for invalid JSON, with its line.
func unreadable(content []byte, err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return &ReadError{"the file is empty", makeOne}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &ReadError{"the report is cut off", "write it again"}
	case errors.As(err, &syntax):
		return &ReadError{fmt.Sprintf("line %d: not valid JSON: %v", lineAt(content, syntax.Offset), syntax), makeOne}
	case errors.As(err, &kind):
		return &ReadError{fmt.Sprintf("%s is a %s, and should not be", kind.Field, kind.Value), makeOne}
	}
	return &ReadError{err.Error(), makeOne}
}

// lineAt is the line of an offset, from 1.
func lineAt(content []byte, offset int64) int {
	return 1 + bytes.Count(content[:min(int64(len(content)), max(0, offset))], []byte("\n"))
}

// foreign is the error for a document that is not a report of this version: it
// names what the document is.
func foreign(raw json.RawMessage) error {
	var head struct {
		Schema string          `json:"schema"`
		Run    json.RawMessage `json:"run"`
		Log    json.RawMessage `json:"log"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return &ReadError{"it is JSON, but not a report", makeOne}
	}
	version, ours := strings.CutPrefix(head.Schema, "httpdest/report/v")
	n, err := strconv.Atoi(version)
	switch {
	case head.Schema == Schema, head.Schema == schemaBefore:
		return nil
	case ours && err == nil && n > 2:
		return &ReadError{fmt.Sprintf("it was written by a newer httpdest: its schema is %s, and this version reads %s", head.Schema, Schema), "use that version of httpdest, or a newer one"}
	case head.Run != nil:
		return &ReadError{"it is a recording, not a report", "httpdest judge makes a report of it"}
	case head.Log != nil:
		return &ReadError{"it is a HAR file, not a report", "httpdest judge makes a report of it"}
	case head.Schema == "":
		return &ReadError{"it has no schema, so it is not a report of httpdest", makeOne}
	}
	return &ReadError{fmt.Sprintf("its schema is %q, which is not that of an httpdest report", head.Schema), makeOne}
}

// valid finds values that a report cannot have.
func (r *Report) valid() error {
	known := func(v Verdict, of string) error {
		switch v {
		case Pass, Fail, Inconclusive, Skip, Unspecified:
			return nil
		}
		return fmt.Errorf("the verdict of %s is %q", of, v)
	}
	errs := []error{known(r.Verdict, "the report")}
	for _, rule := range r.Rules {
		errs = append(errs, known(rule.Verdict, "rule "+rule.ID))
	}
	for _, c := range r.Cases {
		errs = append(errs, known(c.Verdict, "case "+c.ID))
		for _, k := range c.Checks {
			errs = append(errs, known(k.Verdict, "a check of case "+c.ID))
		}
	}
	if r.Summary.Cases != len(r.Cases) {
		errs = append(errs, fmt.Errorf("the summary counts %d cases, and there are %d", r.Summary.Cases, len(r.Cases)))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
