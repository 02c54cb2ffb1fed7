package reports

import (
	"strings"
	"testing"
)

// A report of the version before is still read, and compared with a note, since
// a rule's pass meant less then.
func TestSchemaBefore(t *testing.T) {
	read := func(schema string) *Report {
		t.Helper()
		r, err := ReadJSON(strings.NewReader(`{"schema":"` + schema + `","kind":"run","verdict":"pass","summary":{"cases":0}}`))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before, now := read("httpdest/report/v1"), read(Schema)
	c, err := Compare(before, now, 0)
	if err != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "a rule passes in version 2 only where it was exercised") {
		t.Errorf("notes %v, %v; want one about the schemas", c.Notes, err)
	}
	if c, err := Compare(now, now, 0); err != nil || len(c.Notes) > 0 {
		t.Errorf("notes %v, %v of two reports of one version; want none", c.Notes, err)
	}
}
