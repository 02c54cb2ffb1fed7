package packaging

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// patterns collects every pattern of a JSON document.
func patterns(node any) (out []string) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if text, ok := value.(string); ok && key == "pattern" {
				out = append(out, text)
			}
			out = append(out, patterns(value)...)
		}
	case []any:
		for _, value := range n {
			out = append(out, patterns(value)...)
		}
	}
	return out
}

// Editors and validators in other languages read our schemas. A pattern means the
// same in Go, JavaScript and Python: no \p, which Python does not know, and no
// \w and \d, which mean more in Python.
func TestPatternsOfSchemasArePortable(t *testing.T) {
	var all []string
	for _, path := range []string{"scenarios/scenario.schema.json", "reports/report.schema.json", "mockendpoint/payload/export.schema.json", "mockendpoint/admin/openapi.json"} {
		var document any
		if err := json.Unmarshal([]byte(read(t, root+"/"+path)), &document); err != nil {
			t.Fatal(err)
		}
		for _, p := range patterns(document) {
			if _, err := regexp.Compile(p); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if m := regexp.MustCompile(`\\[pPwWdDbBAzZ]|\(\?[^:]`).FindString(p); m != "" {
				t.Errorf("%s: %s in %s means something else in other languages", path, m, p)
			}
			all = append(all, p)
		}
	}
	if len(all) < 30 {
		t.Fatalf("found %d patterns; there are more", len(all))
	}
	slices.Sort(all)
	content, err := json.Marshal(slices.Compact(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range [][]string{
		{"python3", "-c", "import json, re, sys\nfor p in json.load(sys.stdin): re.compile(p)"},
		{"node", "-e", `for (const p of JSON.parse(require("fs").readFileSync(0))) new RegExp(p, "u")`},
	} {
		if _, err := exec.LookPath(foreign[0]); err != nil {
			t.Logf("NOT CHECKED by %s, which is not installed", foreign[0])
			continue
		}
		c := exec.Command(foreign[0], foreign[1:]...)
		c.Stdin = strings.NewReader(string(content))
		if said, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", foreign[0], err, said)
		}
	}
}
