package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The catalogue has every rule of the collection of facts, in its order.
func TestRules(t *testing.T) {
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	if len(catalogue) != 146 {
		t.Errorf("%d rules, want 146: with a rule more, change the numbers in TestRules, in TestSidesOfRules and in docs/explanation/rules.md", len(catalogue))
	}
	for i, r := range catalogue {
		if want := fmt.Sprintf("R%d", i+1); r.Ref != want {
			t.Errorf("%s is %s, want %s: a new rule goes to the end, with the next number", r.ID, r.Ref, want)
		}
		for name, text := range map[string]string{"group": r.Group, "want": r.Want, "title": r.Title, "text": r.Text, "source": r.Source, "conflict": r.Conflict, "decision": r.Decision, "fix": r.Fix} {
			if strings.TrimSpace(text) != text || text == "" && name != "conflict" && name != "decision" {
				t.Errorf("%s: %s is %q", r.ID, name, text)
			}
		}
		if strings.HasSuffix(r.Title, ".") || strings.HasSuffix(r.Source, ".") || strings.HasSuffix(r.Want, ".") {
			t.Errorf("%s: title, want and source have no full stop", r.ID)
		}
		for _, sentence := range []string{r.Text, r.Fix, r.Conflict, r.Decision} {
			if sentence != "" && !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s: no full stop: %q", r.ID, sentence)
			}
		}
		// A default, and a choice between sources, have a decision.
		if (r.Level == "should" || r.Conflict != "") && r.Decision == "" {
			t.Errorf("%s is a default or a conflict without a decision", r.ID)
		}
		if found, ok := catalogue.Find(r.ID); !ok || found.Pos.Line == 0 {
			t.Errorf("Find(%q) = %v, %v", r.ID, found, ok)
		}
	}
	if _, ok := catalogue.Find("trig-entre"); ok {
		t.Error("found a rule that is none")
	}
}

// A clause has everything that a rule states, and a level that differs from the
// rule's, a source of its own or a reading: it would not be one otherwise.
func TestClauses(t *testing.T) {
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range catalogue {
		for i, c := range r.Clauses {
			if want := fmt.Sprintf("%s%c", r.Ref, 'a'+i); c.Ref != want || RuleOf(c.ID) != r.ID || len(c.Premise) == 0 {
				t.Errorf("%s is %s of %s with the premise %v", c.ID, c.Ref, r.ID, c.Premise)
			}
			for _, sentence := range []string{c.Text, c.Conflict, c.Decision} {
				if sentence != "" && !strings.HasSuffix(sentence, ".") {
					t.Errorf("%s: no full stop: %q", c.ID, sentence)
				}
			}
			if c.Level == r.Level && c.Source == r.Source && c.Reading == "" {
				t.Errorf("%s has the level and the source of its rule, and no reading", c.ID)
			}
			if (c.Level == "should" || c.Conflict != "") && c.Decision == "" {
				t.Errorf("%s is a default or a conflict without a decision", c.ID)
			}
			if found, ok := catalogue.Clause(c.ID); !ok || found.Ref != c.Ref {
				t.Errorf("Clause(%q) = %v, %v", c.ID, found, ok)
			}
		}
	}
	if c, ok := catalogue.Clause("trig-enter"); !ok || c.Ref != "R41" || c.Level != "must" {
		t.Errorf("a rule is not its own clause: %v, %v", c, ok)
	}
	if _, ok := catalogue.Clause("trig-enter/id-alone"); ok {
		t.Error("a clause of another rule was found")
	}
}

// A broken clause is named with its place.
func TestClausesAreStrict(t *testing.T) {
	const rule = `- {id: a, ref: R1, level: must, side: sender, group: g, premise: [data-call], needs: [body], want: w, title: t, text: t, source: s, fix: f, clauses: [`
	for text, want := range map[string]string{
		`{id: One, level: must, text: t, source: s}`:                                             `"One" is not an id`,
		`{id: one, level: may, text: t, source: s}`:                                              `level must be must or should`,
		`{id: one, level: must, source: s}`:                                                      `a clause has no text`,
		`{id: one, level: must, text: t, source: s}, {id: one, level: must, text: t, source: s}`: `a has two clauses one`,
		`{id: one, level: must, text: t, source: s, premise: [nothing]}`:                         `premise: the text "nothing" is not in the vocabulary`,
		`{id: one, level: must, text: t, source: s, default: true}`:                              `unknown key "default" in a clause`,
	} {
		if _, err := parseRules("rules.yaml", []byte(rule+text+"]}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want %s", text, err, want)
		}
	}
}

// Whom a rule binds follows from its place; those on mTLS and addresses bind both sides.
func TestSidesOfRules(t *testing.T) {
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, r := range catalogue {
		count[r.Side]++
		receives := r.Side == "receiver" || r.Side == "both"
		if n := i + 1; receives != (n >= 92 && n <= 111) || (r.Side == "both") != (n == 108 || n == 110) {
			t.Errorf("%s has side %s", r.Ref, r.Side)
		}
	}
	want := map[string]int{"configuration": 27, "sender": 86, "receiver": 18, "report": 13, "both": 2}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("rules of each side: change the numbers here if a rule was added (-want +got)\n%s", diff)
	}
}

// A broken catalogue names every place, like a broken scenario.
func TestRulesAreStrict(t *testing.T) {
	_, err := parseRules("rules.yaml", []byte(`
- {id: One Two, ref: X, level: may, side: sender, group: g, premise: [data-call], needs: [body], want: w, title: t, text: t, source: s, fix: f}
- {id: a, ref: R1, level: must, side: sender, group: g, premise: [data-call], needs: [body], want: w, title: t, text: t, source: s, fix: f}
- {id: a, ref: R1, level: must, side: sender, group: g, premise: [data-calls], needs: [], want: w, title: t, txet: t, source: s, fix: f}
- word
`))
	want := `rules.yaml:2:4: "One Two" is not an id
    hint: lower-case words joined by dashes
rules.yaml:2:17: "X" is not a reference
    hint: write R41
rules.yaml:2:32: level must be must or should, but is the text "may"
    hint: write must or should
rules.yaml:4:3: a rule has no text
    hint: every rule has one
rules.yaml:4:3: a is also in line 3
    hint: give each rule its own
rules.yaml:4:3: R1 is also in line 3
    hint: give each rule its own
rules.yaml:4:67: premise: the text "data-calls" is not in the vocabulary
    hint: did you mean "data-call"?
rules.yaml:4:87: needs is empty
    hint: name at least one word
rules.yaml:4:110: unknown key "txet" in a rule
    hint: did you mean "text"?
rules.yaml:5:3: a rule must be a mapping, but is the text "word"
    hint: write it as key: value`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
