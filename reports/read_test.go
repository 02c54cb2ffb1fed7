package reports

import (
	"errors"
	"strings"
	"testing"
)

// Whatever is given instead of a report is called by its name.
func TestReadJSONSaysWhatItIsInstead(t *testing.T) {
	good := written(t, WriteJSON, mixedReport())
	for _, c := range []struct{ name, in, what, hint string }{
		{"nothing", "", "the file is empty", "report.json"},
		{"blank", " \n", "the file is empty", "report.json"},
		{"cut off", good[:len(good)-3], "the report is cut off", "again"},
		{"xml", "<testsuites/>", "line 1: not valid JSON", "report.json"},
		{"slip", "{\n\"schema\": \"httpdest/report/v1\",\n,}", "line 3: not valid JSON", "report.json"},
		{"list", "[]", "it is JSON, but not a report", "report.json"},
		{"other JSON", `{"name": "left-pad"}`, "it has no schema", "report.json"},
		{"other schema", `{"schema": "https://example.com"}`, `its schema is "https://example.com"`, "report.json"},
		{"recording", `{"run": {"schema": "httpdest/recording/v1"}}` + "\n" + `{"end": {}}`, "it is a recording", "judge"},
		{"HAR", `{"log": {"version": "1.2"}}`, "it is a HAR file", "judge"},
		{"newer", `{"schema": "httpdest/report/v3", "verdict": {}}`, "newer httpdest", "that version"},
		{"older", `{"schema": "httpdest/report/v0"}`, `its schema is "httpdest/report/v0"`, "report.json"},
		{"wrong kind of value", `{"schema": "httpdest/report/v1", "cases": 3}`, "cases is a number", "report.json"},
		{"verdict", `{"schema": "httpdest/report/v1", "verdict": "splendid"}`, `the verdict of the report is "splendid"`, "report.json"},
		{"verdict of a check", strings.Replace(good, `"verdict": "pass",`+"\n"+`          "title": "the status is 200"`, `"verdict": "ok",`+"\n"+`          "title": "the status is 200"`, 1), "a check of case trigger/enter", "report.json"},
		{"count", strings.Replace(good, `"cases": 7`, `"cases": 8`, 1), "the summary counts 8 cases, and there are 7", "report.json"},
		{"two", good + good, "more follows", "one report"},
	} {
		_, err := ReadJSON(strings.NewReader(c.in))
		var e *ReadError
		if !errors.As(err, &e) || !strings.Contains(e.What, c.what) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: %+v; want %q, and a hint with %q", c.name, err, c.what, c.hint)
		}
	}
	if _, err := ReadJSON(strings.NewReader("\ufeff" + good)); err != nil {
		t.Errorf("with a byte order mark, as some shells write it: %v", err)
	}
	if _, err := ReadJSON(strings.NewReader(strings.Replace(good, `"kind"`, `"later": {"x": 1}, "kind"`, 1))); err != nil {
		t.Errorf("with a key of a later version of the same schema: %v", err)
	}
	if _, err := ReadJSON(brokenReader{}); !errors.Is(err, errBroken) {
		t.Errorf("%v; want the reader's error", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }
