package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
)

// The elements of a strict JUnit file: what the XML schema of Jenkins' xunit
// plugin allows, and nothing else. A test case has no file, line or properties
// there, and the root has no count of skipped cases.
type (
	strictSuites struct {
		XMLName  xml.Name       `xml:"testsuites"`
		Name     string         `xml:"name,attr"`
		Tests    int            `xml:"tests,attr"`
		Failures int            `xml:"failures,attr"`
		Errors   int            `xml:"errors,attr"`
		Time     strictSeconds  `xml:"time,attr"`
		Suites   []*strictSuite `xml:"testsuite"`
	}
	strictSuite struct {
		Name     string        `xml:"name,attr"`
		Tests    int           `xml:"tests,attr"`
		Failures int           `xml:"failures,attr"`
		Errors   int           `xml:"errors,attr"`
		Skipped  int           `xml:"skipped,attr"`
		Time     strictSeconds `xml:"time,attr"`
		Cases    []strictCase  `xml:"testcase"`
	}
	strictCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Time      strictSeconds `xml:"time,attr"`
		Failure   *junitProblem `xml:"failure"`
		Error     *junitProblem `xml:"error"`
		Skipped   *junitSkipped `xml:"skipped"`
	}
)

// strictSeconds are whole milliseconds: three decimals are the most that every
// reader takes.
type strictSeconds int64

// MarshalText writes seconds with three decimals.
func (s strictSeconds) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%03d", s/1000, s%1000), nil
}

// WriteJUnitStrict writes a JUnit file that validators of Jenkins' xunit plugin
// accept. The place of a failure is in its text; the rules of a case are in
// WriteJUnit's file alone.
func WriteJUnitStrict(w io.Writer, r *Report) error {
	root := junitTree(r)
	out := strictSuites{Name: root.Name, Tests: root.Tests, Failures: root.Failures, Errors: root.Errors}
	for _, s := range root.Suites {
		suite := &strictSuite{Name: s.Name, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Skipped: s.Skipped}
		for _, c := range s.Cases {
			took := strictSeconds(math.Round(float64(c.Time) * 1000))
			suite.Cases = append(suite.Cases, strictCase{c.Name, c.Classname, took, c.Failure, c.Error, c.Skipped})
			suite.Time += took
		}
		out.Suites = append(out.Suites, suite)
		out.Time += suite.Time
	}
	return writeXML(w, out)
}
