package intake

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

func audiences(key string) (profile.AudienceRef, bool) {
	return profile.AudienceRef{Namespace: "ups", ID: "id-of-" + key}, key == "delorean" || key == "scifi"
}

func TestParse(t *testing.T) {
	ref := func(key string) profile.AudienceRef { r, _ := audiences(key); return r }
	line := `{"set": {"person": {"age": 65, "height": 1.80, "tags": ["a", 1e3]}, "b.c": true}, "profile": "doc", "exit": ["scifi"], "qualify": "delorean",
		"remove": "x.y", "addIdentity": {"email": ["a@b", "c@d"], "crm": "1"}, "removeIdentity": {"phone": "2"}, "replaceIdentity": {"crm": {"from": "1", "to": "3"}}}`
	identity := func(namespace, id string) profile.Identity { return profile.Identity{Namespace: namespace, ID: id} }
	want := profile.Update{Profile: "doc", Changes: []profile.Change{
		{Op: profile.Qualify, Audience: ref("delorean")},
		{Op: profile.Exit, Audience: ref("scifi")},
		{Op: profile.Set, Path: "b.c", Value: true},
		{Op: profile.Set, Path: "person", Value: map[string]any{"age": json.Number("65"), "height": json.Number("1.80"), "tags": []any{"a", json.Number("1e3")}}},
		{Op: profile.Remove, Path: "x.y"},
		{Op: profile.AddIdentity, Identity: identity("crm", "1")},
		{Op: profile.AddIdentity, Identity: identity("email", "a@b")},
		{Op: profile.AddIdentity, Identity: identity("email", "c@d")},
		{Op: profile.RemoveIdentity, Identity: identity("phone", "2")},
		{Op: profile.ReplaceIdentity, Identity: identity("crm", "1"), To: "3"},
	}}
	got, err := Parse([]byte(line), audiences)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Parse = %v (-want +got):\n%s", err, diff)
	}
}

func TestMistakes(t *testing.T) {
	for line, want := range map[string]string{
		``:                                       "no JSON value",
		`[]`:                                     "a JSON object",
		`{"profile": "doc"`:                      "ends too early, column 18",
		`{"profile": "doc"} {}`:                  "something follows",
		`{"qualify": "delorean"}`:                "names no profile",
		`{"profile": "", "qualify": "delorean"}`: "names no profile",
		`{"profile": null, "qualify": "delorean"}`:                             "names no profile",
		`{"profile": "doc"}`:                                                   "changes nothing",
		`{"profile": "doc", "qualfy": "delorean"}`:                             `unknown key "qualfy"`,
		`{"profile": "doc", "profile": "marty"}`:                               "duplicate key",
		`{"profile": "doc", "qualify": "marty"}`:                               `no audience "marty"`,
		`{"profile": "doc", "qualify": []}`:                                    "must be a text or a list",
		`{"profile": "doc", "exit": [null]}`:                                   "must be a text or a list",
		`{"profile": "doc", "set": ["a"]}`:                                     "must be an object of paths",
		`{"profile": "doc", "set": {"a..b": 1}}`:                               "not a dotted path",
		`{"profile": "doc", "set": {"a": null}}`:                               "null",
		`{"profile": "doc", "set": {"a": {"b": [null]}}}`:                      "null",
		`{"profile": "doc", "set": {"a": 1, "\u0061": 2}}`:                     `duplicate key "a", column 36 (byte 35)`,
		`{"profile": "\ud800", "qualify": "delorean"}`:                         "surrogate pair, column 14",
		"{\"profile\": \"M\xfcller\", \"qualify\": \"delorean\"}":              "not UTF-8, column 15",
		"{\"profile\": \"doc\",\u00a0\"qualify\": \"delorean\"}":               "white space that JSON does not have, column 19",
		"\ufeff{\"profile\": \"doc\", \"qualify\": \"delorean\"}":              "byte order mark",
		`{"profile": "doc", "remove": ""}`:                                     "not a dotted path",
		`{"profile": "doc", "addIdentity": "x"}`:                               "must be an object of namespaces",
		`{"profile": "doc", "addIdentity": {"email": ""}}`:                     "an empty namespace or id",
		`{"profile": "doc", "replaceIdentity": {"c": "x"}}`:                    "from and to",
		`{"profile": "doc", "replaceIdentity": {"c": {"from": "1", "to": 2}}}`: "must be text",
	} {
		_, err := Parse([]byte(line), audiences)
		var m *Mistake
		if !errors.As(err, &m) || !strings.Contains(m.Message, want) || m.Hint == "" {
			t.Errorf("Parse(%.80s) = %v; want a mistake with %q and a hint", line, err, want)
		}
	}
}

// An error never repeats a value: it may be personal.
func TestMistakesKeepValuesToThemselves(t *testing.T) {
	for _, line := range []string{
		`{"profile": "doc", "set": {"a": "s3cret", "b": null}}`,
		`{"profile": "doc", "addIdentity": {"email": ["s3cret", 5]}}`,
		`{"profile": "doc", "replaceIdentity": {"email": {"from": "s3cret"}}}`,
	} {
		if _, err := Parse([]byte(line), audiences); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Parse(%s) = %v; want an error without the value", line, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"profile": "doc", "qualify": "delorean", "set": {"a.b": [1, {"c": 0.5}]}}`))
	f.Add([]byte(`{"profile": "doc", "replaceIdentity": {"crm": {"from": "1", "to": "2"}}}`))
	f.Add([]byte(`{"profile": "doc", "remove": ["a", "b"]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		u, err := Parse(line, audiences)
		var m *Mistake
		switch {
		case err != nil && !errors.As(err, &m):
			t.Fatalf("the error %v is no mistake", err)
		case err == nil && (u.Profile == "" || len(u.Changes) == 0):
			t.Fatalf("Parse = %+v without an error", u)
		}
	})
}

// Every operation keeps to the table of limits; what is at the limit is accepted.
func TestLimits(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("a.", n-1) + "a" }
	long := func(n int) string { return strings.Repeat("x", n) }
	list := func(n int, item string) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	nested := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	object := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct{ change, limit string }{
		{`"set": {"` + deep(64) + `": 1}`, ""},
		{`"set": {"` + deep(65) + `": 1}`, "path-levels"},
		{`"set": {"` + deep(1000) + `": 1}`, "path-levels"},
		{`"set": {"` + deep(20_000) + `": 1}`, "path-bytes"},
		{`"set": {"` + long(4097) + `": 1}`, "path-bytes"},
		{`"remove": "` + deep(65) + `"`, "path-levels"},
		{`"remove": ["a", "` + deep(65) + `"]`, "path-levels"},
		{`"set": {"a": ` + nested(64) + `}`, ""},
		{`"set": {"a": ` + nested(65) + `}`, "value-levels"},
		{`"set": {"a": ` + object(65) + `}`, "value-levels"},
		{`"set": {"a": ` + nested(9_000) + `}`, "value-levels"},
		{`"set": {"a": {"b": [` + object(63) + `]}}`, "value-levels"},
		{`"addIdentity": {"crm": "` + long(1024) + `"}`, ""},
		{`"addIdentity": {"crm": "` + long(1025) + `"}`, "id-bytes"},
		{`"addIdentity": {"` + long(1025) + `": "x"}`, "id-bytes"},
		{`"removeIdentity": {"crm": ["a", "` + long(1025) + `"]}`, "id-bytes"},
		{`"replaceIdentity": {"crm": {"from": "` + long(1025) + `", "to": "x"}}`, "id-bytes"},
		{`"replaceIdentity": {"crm": {"from": "x", "to": "` + long(1025) + `"}}`, "id-bytes"},
		{`"profile": "` + long(1025) + `", "qualify": "delorean"`, "id-bytes"},
		{`"remove": ` + list(100_000, `"a"`), ""},
		{`"remove": ` + list(100_001, `"a"`), "update-changes"},
		{`"addIdentity": {"crm": ` + list(100_001, `"a"`) + `}`, "update-changes"},
		{`"qualify": ` + list(90_001, `"scifi"`), ""},
		{`"set": {"a": "` + long(1<<20) + `"}`, "update-bytes"},
	} {
		line := `{"profile": "doc", ` + c.change + `}`
		if strings.HasPrefix(c.change, `"profile"`) {
			line = `{` + c.change + `}`
		}
		_, err := Parse([]byte(line), audiences)
		var exceeded *limits.Exceeded
		var m *Mistake
		switch {
		case c.limit == "" && err != nil:
			t.Errorf("Parse(%.60s) = %v; want no error", line, err)
		case c.limit != "" && (!errors.As(err, &exceeded) || exceeded.Name != c.limit || !errors.As(err, &m) || m.Hint == ""):
			t.Errorf("Parse(%.60s) = %v; want the limit %s, with a hint", line, err, c.limit)
		}
	}
}

// An update is refused as not being acceptable JSON exactly where strictjson
// refuses the document, whatever its value is.
func TestStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, line := range []string{i.Text, `{"profile": "doc", "set": {"v": ` + i.Text + `}}`, `{"profile": "doc", "qualify": ` + i.Text + `}`} {
			_, err := Parse([]byte(line), audiences)
			var m *Mistake
			var strict *strictjson.Error
			if refused := errors.As(err, &strict); refused == strictjson.Valid([]byte(line)) {
				t.Errorf("%s: Parse(%.80q) = %v", i.Name, line, err)
			} else if refused && (!errors.As(err, &m) || !strings.Contains(m.Message, "column ") || m.Hint == "") {
				t.Errorf("%s: Parse(%.80q) = %v; want the place and a hint", i.Name, line, err)
			}
		}
	}
}

// Whatever number is accepted keeps its spelling.
func TestNumbersKeepTheirSpelling(t *testing.T) {
	for _, number := range []string{"1.10", "1e400", "1e-400", "-0", "9007199254740993", "123456789012345678901234567890", "0.123456789012345678901", "1E+2", "-0.0"} {
		u, err := Parse([]byte(`{"profile": "doc", "set": {"a": `+number+`, "b": {"c": [`+number+`]}}}`), audiences)
		n := json.Number(number)
		want := []profile.Change{{Op: profile.Set, Path: "a", Value: n}, {Op: profile.Set, Path: "b", Value: map[string]any{"c": []any{n}}}}
		if diff := cmp.Diff(want, u.Changes); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", number, err, diff)
		}
	}
}
