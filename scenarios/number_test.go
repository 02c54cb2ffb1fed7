package scenarios

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// withValue is a scenario in which one attribute has a value.
func withValue(value string) []byte {
	return []byte("title: t\nrules: [valid-json]\naudiences: {a: {}}\ndataflow: {audiences: [a], attributes: [v]}\nprofiles: {doc: {attributes: {v: " + value +
		"}}}\nhistory: [{at: 1h, profile: doc, qualify: a}]\nexpect: [{profile: doc}]\n")
}

// A value is a number exactly when it has the spelling of one in JSON and no
// quotes; then it keeps that spelling. YAML's other numbers are refused.
func TestNumbersKeepTheirSpelling(t *testing.T) {
	for _, number := range []string{"0", "-0", "-0.0", "1.10", "1e400", "-1e400", "1e-400", "1E+2", "9007199254740993", "123456789012345678901234567890",
		"0.123456789012345678901", "1e999999999999999999999", "12345678901234567"} {
		for form, want := range map[string]any{number: json.Number(number), `"` + number + `"`: number, `'` + number + `'`: number, "!!str " + number: number} {
			s, err := Parse("a.yaml", withValue(form))
			if err != nil || s.Profiles[0].Attributes["v"] != want {
				t.Errorf("%s: %v; want %#v", form, err, want)
			}
		}
	}
	for _, other := range []string{"007", "0x1f", "1_000", ".5", "+1", "1.", ".nan", ".inf", "-.inf", "0o7", "0b1"} {
		if _, err := Parse("a.yaml", withValue(other)); err == nil || !strings.Contains(err.Error(), "JSON has no number") {
			t.Errorf("%s: %v; want it refused", other, err)
		}
	}
}

// A number that YAML takes for text is not text: an identity must be quoted.
func TestLargeNumbersAreNotText(t *testing.T) {
	for _, number := range []string{"1e300", "1e400", "123456789012345678901234567890"} {
		content := strings.Replace(string(withValue("x")), "{attributes:", "{identities: {crm: "+number+"}, attributes:", 1)
		if _, err := Parse("a.yaml", []byte(content)); err == nil || !strings.Contains(err.Error(), "quote it") {
			t.Errorf("%s: %v; want a hint to quote it", number, err)
		}
	}
}

// YAML is more than JSON. Every JSON value that strictjson accepts is read with
// the value it has there, unless it holds a null, which no profile has, or an
// escape that YAML does not have; and whatever is read is acceptable JSON.
func TestValuesAreStrictJSON(t *testing.T) {
	taken := 0
	for _, i := range strictjsontest.All() {
		s, err := Parse("a.yaml", withValue(i.Text))
		if err != nil {
			reason := err.Error()
			known := strings.Contains(reason, "empty value") || strings.Contains(reason, "empty attribute") || strings.Contains(reason, "surrogate pairs") ||
				strings.Contains(reason, "levels deep") || strings.Contains(reason, "value-levels") || strings.Contains(reason, "control character") || strings.Contains(reason, "not YAML") || strings.Contains(reason, "<< merges")
			if i.Accepted(4) && !known {
				t.Errorf("%s: %.60q: %v", i.Name, i.Text, err)
			}
			continue
		}
		taken++
		value := s.Profiles[0].Attributes["v"]
		text, err := json.Marshal(value)
		if err != nil || !strictjson.Valid(text) {
			t.Errorf("%s: %.60q became %.60q, %v", i.Name, i.Text, text, err)
		}
		if !i.Accepted(4) {
			continue
		}
		if want, err := strictjson.Decode([]byte(i.Text)); err != nil || fmt.Sprintf("%#v", want) != fmt.Sprintf("%#v", value) {
			t.Errorf("%s: %.60q is %#v, %v", i.Name, i.Text, value, err)
		}
	}
	if taken < 100 {
		t.Errorf("%d inputs were read; there are more", taken)
	}
}
