package scenarios

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The JSON Schema has the keys and the values of the list of readings, and names
// the rule that each decides.
func TestReadingsOfTheSchema(t *testing.T) {
	var schema struct {
		Definitions struct {
			Readings struct {
				Properties map[string]struct {
					Description string
					Enum        []string
				}
			}
		}
	}
	if err := json.Unmarshal(JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	properties := schema.Definitions.Readings.Properties
	if diff := cmp.Diff(slices.Sorted(slices.Values(readingKeys())), slices.Sorted(maps.Keys(properties))); diff != "" {
		t.Errorf("keys (-list +schema):\n%s", diff)
	}
	for _, r := range readings {
		p := properties[r.Key]
		want := r.words()
		if r.Most > 0 {
			want = nil
		}
		if diff := cmp.Diff(want, p.Enum); diff != "" {
			t.Errorf("%s (-list +schema):\n%s", r.Key, diff)
		}
		if !strings.Contains(p.Description, "("+r.Rule+")") {
			t.Errorf("%s: the description does not name %s: %s", r.Key, r.Rule, p.Description)
		}
	}
}

// Each reading is about a rule of the catalogue, and every default is a value
// that the format reads.
func TestReadingsAreAboutRules(t *testing.T) {
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readings {
		if _, known := rules.Find(r.Rule); !known {
			t.Errorf("%s is about the rule %q, which is not in the catalogue", r.Key, r.Rule)
		}
		for _, v := range r.Values {
			if key, value, err := ParseReading(r.Key + "=" + v.Word); err != nil || key != r.Key || value != v.Word {
				t.Errorf("ParseReading(%s=%s) = %s, %s, %v", r.Key, v.Word, key, value, err)
			}
		}
	}
}

func TestParseReadingRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":               `"" is not the key of a reading`,
		"exittime=exit":  `"exittime" is not the key of a reading`,
		"exitTime":       "exitTime must be qualification or exit",
		"exitTime=exits": "exitTime must be qualification or exit",
	} {
		_, _, err := ParseReading(text)
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), want) || problems[0].Hint == "" {
			t.Errorf("ParseReading(%q): %v; want %q with a hint", text, err, want)
		}
	}
}

// A reading chosen for a judgement overrides the scenario, and does not change
// the scenario.
func TestWithReadings(t *testing.T) {
	sc := &Scenario{Destination: Destination{Readings: Readings{ReadingExitTime: "qualification"}}}
	other := sc.WithReadings(Readings{ReadingExitTime: "exit"})
	if got := other.Destination.Readings.Of(ReadingExitTime); got != "exit" {
		t.Errorf("chosen: %s", got)
	}
	if got := sc.Destination.Readings.Of(ReadingExitTime); got != "qualification" {
		t.Errorf("the scenario itself now has %s", got)
	}
	if got := (Readings)(nil).Of(ReadingExitTime); got != "qualification" {
		t.Errorf("without a choice: %s", got)
	}
}
