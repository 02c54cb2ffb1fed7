package scenarios

import (
	"fmt"
	"strings"
	"testing"
)

// The catalogue has the rules this version exercises, no more and no fewer.
func TestRules(t *testing.T) {
	var want []string
	for _, span := range [][2]int{{23, 24}, {33, 35}, {39, 52}, {57, 77}, {81, 91}, {108, 108}, {112, 117}} {
		for n := span[0]; n <= span[1]; n++ {
			want = append(want, fmt.Sprintf("R%d", n))
		}
	}
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range catalogue {
		got = append(got, r.Ref)
		for name, text := range map[string]string{"title": r.Title, "text": r.Text, "fix": r.Fix} {
			if strings.TrimSpace(text) != text || text == "" {
				t.Errorf("%s: %s is %q", r.ID, name, text)
			}
		}
		if strings.HasSuffix(r.Title, ".") || !strings.HasSuffix(r.Text, ".") || !strings.HasSuffix(r.Fix, ".") {
			t.Errorf("%s: a title has no full stop, text and fix have one", r.ID)
		}
		// A default of ours must say what was decided.
		if r.Level == "should" && r.Decision == "" {
			t.Errorf("%s is a default without a decision", r.ID)
		}
		if side := r.Side; (side == "both") != (r.Ref == "R108") || side != "both" && side != "sender" {
			t.Errorf("%s has side %s", r.ID, side)
		}
		if found, ok := catalogue.Find(r.ID); !ok || found.Pos.Line == 0 {
			t.Errorf("Find(%q) = %v, %v", r.ID, found, ok)
		}
	}
	if g, w := strings.Join(got, " "), strings.Join(want, " "); g != w {
		t.Errorf("refs are\n%s\nwant\n%s", g, w)
	}
	if _, ok := catalogue.Find("trig-entre"); ok {
		t.Error("found a rule that is none")
	}
}

// A broken catalogue names every place, like a broken scenario.
func TestRulesAreStrict(t *testing.T) {
	_, err := parseRules("rules.yaml", []byte(`
- {id: One Two, ref: X, level: may, side: sender, title: t, text: t, source: s, fix: f}
- {id: a, ref: R1, level: must, side: sender, title: t, text: t, source: s, fix: f}
- {id: a, ref: R1, level: must, side: sender, title: t, txet: t, source: s, fix: f}
- word
`))
	want := `rules.yaml:2:4: "One Two" is no id
    hint: lower-case words joined by dashes
rules.yaml:2:17: "X" is no reference
    hint: write R41
rules.yaml:2:32: level must be must or should, but is the text "may"
    hint: write must or should
rules.yaml:4:3: a rule has no text
    hint: every rule has one
rules.yaml:4:3: a is also in line 3
    hint: give each rule its own
rules.yaml:4:3: R1 is also in line 3
    hint: give each rule its own
rules.yaml:4:57: unknown key "txet" in a rule
    hint: did you mean "text"?
rules.yaml:5:3: a rule must be a mapping, but is the text "word"
    hint: write it as key: value`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
