package reports

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"
)

// element is what a strict validator takes: the structure of the schema junit-10
// of Jenkins' xunit plugin, as far as our files use it.
type element struct{ required, optional, children []string }

var strictElements = map[string]element{
	"testsuites": {nil, []string{"name", "time", "tests", "failures", "errors"}, []string{"testsuite"}},
	"testsuite": {[]string{"name", "tests", "failures", "errors"},
		[]string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
		[]string{"testsuite", "properties", "testcase", "system-out", "system-err"}},
	"testcase": {[]string{"name"}, []string{"time", "classname", "group"}, []string{"skipped", "error", "failure", "system-out", "system-err"}},
	"skipped":  {nil, []string{"type", "message"}, nil},
	"error":    {nil, []string{"type", "message"}, nil},
	"failure":  {nil, []string{"type", "message"}, nil},
}

var (
	strictTime = regexp.MustCompile(`^[0-9]+\.[0-9]{3}$`)
	mixed      = []string{"skipped", "error", "failure"} // may hold text
)

// strictly lists what a strict validator says against a file.
func strictly(content string) (out []string) {
	var path []string
	for d := xml.NewDecoder(strings.NewReader(content)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			return append(out, err.Error())
		}
		switch e := token.(type) {
		case xml.StartElement:
			known, ok := strictElements[e.Name.Local]
			if !ok || len(path) > 0 && !slices.Contains(strictElements[path[len(path)-1]].children, e.Name.Local) || len(path) == 0 && e.Name.Local != "testsuites" {
				out = append(out, fmt.Sprintf("<%s> in %v", e.Name.Local, path))
			}
			out = append(out, known.attributes(e)...)
			path = append(path, e.Name.Local)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if text := strings.TrimSpace(string(e)); text != "" && !slices.Contains(mixed, path[len(path)-1]) {
				out = append(out, fmt.Sprintf("the text %q in %v", text, path))
			}
		}
	}
}

func (known element) attributes(e xml.StartElement) (out []string) {
	var names []string
	for _, a := range e.Attr {
		names = append(names, a.Name.Local)
		if !slices.Contains(slices.Concat(known.required, known.optional), a.Name.Local) {
			out = append(out, fmt.Sprintf("%s of <%s>", a.Name.Local, e.Name.Local))
		}
		if a.Name.Local == "time" && !strictTime.MatchString(a.Value) {
			out = append(out, fmt.Sprintf("time %q of <%s>", a.Value, e.Name.Local))
		}
	}
	for _, name := range known.required {
		if !slices.Contains(names, name) {
			out = append(out, fmt.Sprintf("<%s> without %s", e.Name.Local, name))
		}
	}
	return out
}

// A strict validator has nothing against the strict file, whatever the report
// holds, and has much against the ordinary one.
func TestJUnitStrictIsStrict(t *testing.T) {
	all := map[string]*Report{"mixed": mixedReport(), "empty": {Schema: Schema, Kind: "run", Verdict: Inconclusive}}
	for name, text := range hostileTexts {
		all["hostile "+name] = hostileReport(text)
	}
	for name, r := range all {
		if against := strictly(written(t, WriteJUnitStrict, r)); len(against) > 0 {
			t.Errorf("%s: a strict validator refuses %s", name, strings.Join(against, "; "))
		}
	}
	said := strings.Join(strictly(written(t, WriteJUnit, mixedReport())), "\n")
	for _, want := range []string{"skipped of <testsuites>", "file of <testcase>", "line of <testcase>", "<properties> in [testsuites testsuite testcase]", `time "0.012500" of <testcase>`} {
		if !strings.Contains(said, want) {
			t.Errorf("against the ordinary file the validator does not say %q: %s", want, said)
		}
	}
}

// The strict file has the same cases with the same results as the ordinary one,
// and names the place where a check failed.
func TestJUnitStrictHasTheSameCases(t *testing.T) {
	r := mixedReport()
	strict, err := junit.Ingest([]byte(written(t, WriteJUnitStrict, r)))
	if err != nil {
		t.Fatal(err)
	}
	ordinary, err := junit.Ingest([]byte(written(t, WriteJUnit, r)))
	if err != nil {
		t.Fatal(err)
	}
	brief := func(suites []junit.Suite) (out []string) {
		for _, s := range suites {
			for _, c := range s.Tests {
				out = append(out, fmt.Sprintf("%s/%s %s %v", s.Name, c.Name, c.Status, c.Error))
			}
		}
		return out
	}
	if !slices.Equal(brief(strict), brief(ordinary)) || len(brief(strict)) != len(r.Cases) {
		t.Errorf("strict:\n%s\nordinary:\n%s", strings.Join(brief(strict), "\n"), strings.Join(brief(ordinary), "\n"))
	}
	if text := written(t, WriteJUnitStrict, r); !strings.Contains(text, "scenarios/enter.yaml:12:7") {
		t.Error("the place of the failure is not in the file")
	}
}
