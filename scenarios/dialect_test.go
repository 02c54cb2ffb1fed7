package scenarios

import (
	"strings"
	"testing"
)

const anyCase = `title: T
rules: [trig-enter]
audiences: {delorean: {}}
dataflow: {audiences: [delorean], attributes: [person.name.firstName]}
profiles: {doc: {attributes: {person: {name: {firstName: NAME}}}}}
history: [{at: 1h, profile: doc, qualify: delorean}]
expect: [{profile: doc, because: audience}]
`

// A file may name its version of YAML. Versions that are not read are refused as
// that, and places stay those of the file.
func TestVersionsOfYAML(t *testing.T) {
	wrong := strings.Replace(anyCase, "because: audience", "because: nothing", 1)
	for _, c := range []struct{ head, body, says string }{
		{"%YAML 1.2\n---\n", anyCase, ""},
		{"%YAML 1.1\n---\n", anyCase, ""},
		{"# a comment\n\n%TAG ! tag:example.com,2000:\n%YAML  1.2  # the newest\r\n---\n", anyCase, ""},
		{"%YAML 1.2\n---\n", wrong, "x.yaml:9:34: "},
		{"%YAML 1.3\n---\n", anyCase, "x.yaml:1:1: YAML 1.3 is not read"},
		{"# a comment\n%YAML 2.0\n---\n", anyCase, "x.yaml:2:1: YAML 2.0 is not read"},
		{"", strings.Replace(anyCase, "NAME", `"%YAML 1.2"`, 1), ""},
		{"", anyCase + "# %YAML 1.3\n", ""},
	} {
		_, err := Parse("x.yaml", []byte(c.head+c.body))
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%q: %v", c.head, err)
		case c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), c.says)):
			t.Errorf("%q: %v; want %q", c.head, err, c.says)
		}
	}
	s, err := Parse("x.yaml", []byte(strings.Replace(anyCase, "NAME", "\"a\\n%YAML 1.2\\n---\"", 1)))
	if err != nil || s == nil {
		t.Errorf("a text that looks like a directive: %v", err)
	}
}

// Two escapes that are one character in JSON are refused by that reason, with
// the text to write instead, wherever they stand.
func TestSurrogatePairsInYAML(t *testing.T) {
	for name, want := range map[string]string{
		`"\ud83d\ude00"`:         `x.yaml:5:59: not YAML: \ud83d\ude00 is a surrogate pair, and YAML has no surrogate pairs|write 😀 or \U0001F600`,
		`"é\u00e9 \uD83D\uDE00"`: `x.yaml:5:67: not YAML: \uD83D\uDE00 is a surrogate pair, and YAML has no surrogate pairs|write 😀 or \U0001F600`,
		`"\ud83d"`:               `x.yaml:5:59: not YAML: \ud83d is half of a surrogate pair, not a character|eight digits`,
		`"\ude00\ud83d\ude00"`:   `x.yaml:5:59: not YAML: \ude00 is half of a surrogate pair, not a character|eight digits`,
	} {
		_, err := Parse("x.yaml", []byte(strings.Replace(anyCase, "NAME", name, 1)))
		says, hint, _ := strings.Cut(want, "|")
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
	for _, name := range []string{`"\U0001F600"`, `'\ud83d\ude00'`, `"\u00e9"`, `"😀"`} {
		if _, err := Parse("x.yaml", []byte(strings.Replace(anyCase, "NAME", name, 1))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
