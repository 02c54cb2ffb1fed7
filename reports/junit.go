package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// The elements of a JUnit file, in the order in which readers expect them.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitTotals
		Suites []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name string `xml:"name,attr"`
		junitTotals
		Cases []junitCase `xml:"testcase"`
	}
	junitTotals struct {
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Skipped  int     `xml:"skipped,attr"`
		Time     seconds `xml:"time,attr"`
	}
	junitCase struct {
		Name       string          `xml:"name,attr"`
		Classname  string          `xml:"classname,attr"`
		File       string          `xml:"file,attr,omitempty"`
		Line       int             `xml:"line,attr,omitempty"`
		Time       seconds         `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Failure    *junitProblem   `xml:"failure"`
		Error      *junitProblem   `xml:"error"`
		Skipped    *junitSkipped   `xml:"skipped"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",cdata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// seconds are written without an exponent, which not every reader takes.
type seconds float64

// MarshalText writes at most microseconds; a value that is not a time is left
// out.
func (s seconds) MarshalText() ([]byte, error) {
	if f := float64(s); math.IsNaN(f) || math.IsInf(f, 0) || f < 0 {
		s = 0
	}
	return strconv.AppendFloat(nil, float64(s), 'f', 6, 64), nil
}

// add counts one case.
func (t *junitTotals) add(c junitCase) {
	t.Tests++
	t.Time += c.Time
	switch {
	case c.Failure != nil:
		t.Failures++
	case c.Error != nil:
		t.Errors++
	case c.Skipped != nil:
		t.Skipped++
	}
}

// WriteJUnit writes junit.xml: one suite for each group of cases, in the order
// in which the groups appear. An inconclusive case is an error; a skipped and
// an unspecified one are skipped. There is no timestamp: the same report gives
// the same bytes.
func WriteJUnit(w io.Writer, r *Report) error { return writeXML(w, junitTree(r)) }

// writeXML writes an XML file with its header.
func writeXML(w io.Writer, root any) error {
	body, err := xml.MarshalIndent(root, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, body)
	return err
}

// junitTree are the cases of a report as elements.
func junitTree(r *Report) junitSuites {
	root := junitSuites{Name: xmlText("httpdest " + r.Kind)}
	refs := map[string]string{}
	for _, rule := range r.Rules {
		refs[rule.ID] = rule.Ref
	}
	suites := map[string]*junitSuite{}
	for _, c := range r.Cases {
		out := junitOf(c, refs)
		suite := suites[out.Classname]
		if suite == nil {
			suite = &junitSuite{Name: out.Classname}
			suites[out.Classname] = suite
			root.Suites = append(root.Suites, suite)
		}
		suite.Cases = append(suite.Cases, out)
		suite.add(out)
		root.add(out)
	}
	return root
}

func junitOf(c Case, refs map[string]string) junitCase {
	group, name := splitID(c.ID)
	out := junitCase{Name: xmlText(name), Classname: xmlText(group), File: xmlText(c.File), Line: c.Line, Time: milliseconds(c.DurationMs)}
	property := func(name, value string) {
		if value != "" {
			out.Properties = append(out.Properties, junitProperty{name, xmlText(value)})
		}
	}
	for _, id := range c.Rules {
		property("rule", id)
		property("ref", refs[id])
	}
	property("verdict", string(c.Verdict))
	property("file", c.File)
	if c.Line > 0 {
		property("line", strconv.Itoa(c.Line))
	}
	switch c.Verdict {
	case Pass:
	case Fail:
		out.Failure = junitProblemOf(c, Fail)
	case Skip, Unspecified:
		out.Skipped = &junitSkipped{xmlText(or(c.Reason, string(c.Verdict)))}
	default: // Inconclusive; a verdict nobody knows is not judged either.
		out.Error = junitProblemOf(c, Inconclusive)
	}
	return out
}

// milliseconds are never below nothing, so that sums of them are sums of what
// is written.
func milliseconds(ms float64) seconds {
	if math.IsNaN(ms) || math.IsInf(ms, 0) {
		return 0
	}
	return seconds(max(0, ms) / 1000)
}

// rootGroup is the group of cases that are in no folder. No folder of a case id
// has this name, so that x and scenarios/x stay two cases.
const rootGroup = "(root)"

// splitID is the group of a case and its name in it.
func splitID(id string) (group, name string) {
	i := strings.LastIndexByte(id, '/')
	if i <= 0 {
		return rootGroup, id[i+1:]
	}
	return id[:i], id[i+1:]
}

// junitProblemOf lists every check with the verdict of the case.
func junitProblemOf(c Case, v Verdict) *junitProblem {
	var titles, texts []string
	for _, k := range c.Checks {
		if k.Verdict != v {
			continue
		}
		titles = append(titles, k.Title)
		text := strings.Join(checkLines(k, true), "\n")
		if place := placeOf(c, k); place != "" {
			text = place + ": " + text
		}
		texts = append(texts, text)
	}
	message := or(c.Reason, c.Title, string(v))
	switch {
	case len(titles) == 0:
		texts = []string{message}
	case v == Fail || c.Reason == "":
		if message = or(titles[0], message); len(titles) > 1 {
			message += fmt.Sprintf(" (and %d more)", len(titles)-1)
		}
	}
	return &junitProblem{Message: xmlText(message), Type: string(v), Text: visible(strings.Join(texts, "\n\n"))}
}

// placeOf is file:line:column of a check, or of its case.
func placeOf(c Case, k Check) string {
	file, line, column := position(c, k)
	switch {
	case file == "":
		return ""
	case line <= 0:
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, line, max(1, column))
}

func position(c Case, k Check) (file string, line, column int) {
	if k.File == "" {
		return c.File, c.Line, 0
	}
	return k.File, k.Line, k.Column
}

// checkLines are the title of a check and its labelled values; one of several
// lines stands below its label.
func checkLines(k Check, full bool) []string {
	lines := []string{k.Title}
	field := func(label, value string) {
		value = strings.TrimRight(value, "\n")
		switch {
		case value == "":
		case strings.Contains(value, "\n"):
			lines = append(lines, label+":", "  "+strings.ReplaceAll(value, "\n", "\n  "))
		default:
			lines = append(lines, label+": "+value)
		}
	}
	field("expected", k.Expected)
	field("actual", k.Actual)
	field("response text", k.Said)
	field("class", k.class())
	field("fix", k.Fix)
	if x := k.Exchange; x != nil {
		field("exchange", x.gist())
		if full {
			field("request", x.request())
			field("answer", x.answer())
		}
	}
	for _, c := range k.Causes {
		field("likely", c.line())
		if !full {
			break // an annotation of a line of a file has room for one
		}
	}
	field("send it again", k.Reproduce)
	return lines
}

// or is the first text that is not empty.
func or(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
