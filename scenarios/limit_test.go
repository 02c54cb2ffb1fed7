package scenarios

import (
	"strings"
	"testing"
)

// A scenario keeps to the limits of intake, with the place of what does not.
func TestLimitsOfScenarios(t *testing.T) {
	deep := strings.Repeat("a.", 64) + "a"
	nested := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	long := strings.Repeat("x", 1025)
	numbered := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("i" + strings.Repeat("x", 1000))
			b.WriteString(string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + ",")
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	const profiles = "profiles: {solo: }\n"
	for name, c := range map[string]struct{ text, want string }{
		"a path in set":           {profiles + "history: [{at: 1h, profile: solo, set: {" + deep + ": 1}}]\n", "limit path-levels exceeded"},
		"a path in remove":        {profiles + "history: [{at: 1h, profile: solo, remove: " + deep + "}]\n", "limit path-levels exceeded"},
		"a value at the limit":    {profiles + "history: [{at: 1h, profile: solo, set: {a: " + nested(64) + "}}]\n", ""},
		"a value in set":          {profiles + "history: [{at: 1h, profile: solo, set: {a: " + nested(65) + "}}]\n", "limit value-levels exceeded"},
		"an attribute":            {"profiles: {solo: {attributes: {a: " + nested(65) + "}}}\nhistory: []\n", "limit value-levels exceeded"},
		"an identity":             {"profiles: {solo: {identities: {crm: " + long + "}}}\nhistory: []\n", "limit id-bytes exceeded"},
		"a namespace":             {"profiles: {solo: }\nhistory: [{at: 1h, profile: solo, addIdentity: {" + long + ": x}}]\n", "limit id-bytes exceeded"},
		"a replacement":           {"profiles: {solo: }\nhistory: [{at: 1h, profile: solo, replaceIdentity: {crm: {from: a, to: " + long + "}}}]\n", "limit id-bytes exceeded"},
		"a profile at the start":  {"profiles: {solo: {identities: {crm: " + numbered(1600) + "}}}\nhistory: []\n", "limit profile-bytes exceeded"},
		"the changes of one step": {profiles + "history: [{at: 1h, profile: solo, addIdentity: {crm: " + numbered(1100) + "}}]\n", "limit update-bytes exceeded"},
	} {
		_, err := Parse("s.yaml", []byte(minimal+c.text))
		switch {
		case c.want == "" && err != nil && strings.Contains(err.Error(), "limit"):
			t.Errorf("%s: %v; want no limit exceeded", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "s.yaml:")):
			t.Errorf("%s: %.300v; want %q", name, err, c.want)
		}
	}
}
