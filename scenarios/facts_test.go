package scenarios

import (
	"slices"
	"strings"
	"testing"
)

// No word of the vocabularies is without a rule, and every fact has its texts
// and one way to decide it.
func TestVocabularyHasNoOrphan(t *testing.T) {
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	used, needed := map[string]bool{}, map[string]bool{}
	for _, r := range catalogue {
		for _, word := range r.Premise {
			used[word] = true
		}
		for _, word := range r.Needs {
			needed[word] = true
		}
	}
	for _, p := range premises {
		if !used[p.Word] {
			t.Errorf("no rule has the premise %s", p.Word)
		}
		if (p.configured == nil) == (p.likely == nil) {
			t.Errorf("%s is decided by the configuration or by what happens, and not by both", p.Word)
		}
		if !reasonForm.MatchString(p.Word) || slices.Contains([]string{p.Happens, p.Missing, p.Add}, "") {
			t.Errorf("%s has no text, or is not a word", p.Word)
		}
	}
	for _, n := range needs {
		if !needed[n.Word] || n.Means == "" {
			t.Errorf("no rule needs %s, or it has no meaning", n.Word)
		}
	}
	words := factWords()
	if slices.Sort(words); len(slices.Compact(words)) != len(premises) {
		t.Error("a fact is there twice")
	}
}

// Lint can miss every fact that a scenario's rules ask for: in a scenario with
// nothing in it, or in one that has what the others lack.
func TestEveryFactCanBeMissing(t *testing.T) {
	var missed []string
	for _, text := range []string{
		"title: nothing\nrules: [trig-enter]\nexpect: []\n",
		"title: other\nrules: [trig-enter]\nexpect: []\nendpoint: {tls: plain}\naudiences: {a: {}}\nprofiles: {doc: {}}\n" +
			"destination: {auth: {type: bearer, token: x}, includeSegmentNames: true, includeSegmentTimestamps: true, maxProfilesPerRequest: 2}\n" +
			"dataflow: {audiences: [a], triggers: {identityChanges: false}}\n",
	} {
		s, err := Parse("case.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		l := newLinter(s)
		for _, p := range premises {
			if !l.holds(p) {
				missed = append(missed, p.Word)
			}
		}
	}
	for _, p := range premises {
		if !slices.Contains(missed, p.Word) {
			t.Errorf("%s is never missing", p.Word)
		}
	}
}

// A rule of receivers cannot be exercised by a run, so that a scenario that
// cites one is wrong.
func TestReceiverRulesAreNotCited(t *testing.T) {
	_, err := Parse("case.yaml", []byte("title: t\nrules: [trig-enter, rcv-2s, rcv-mtls-only]\nexpect: []\n"))
	want := "case.yaml:2:21: rules: rcv-2s is a rule of receivers, and a run has only the mock\n    hint: remove it: `httpdest probe` checks receivers"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// Facts about the configuration are decided by it alone.
func TestConfigured(t *testing.T) {
	s, err := Parse("case.yaml", []byte("title: t\nrules: [trig-enter]\nexpect: []\ndestination: {headers: \"X-A:1\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string][2]bool{"custom-headers": {true, true}, "query-parameters": {false, true}, "audience-entered": {false, false}} {
		if holds, ok := s.Configured(word); holds != want[0] || ok != want[1] {
			t.Errorf("%s: %v, %v", word, holds, ok)
		}
	}
	for _, f := range Facts() {
		if found, ok := FindFact(f.Word); !ok || found != f || strings.HasSuffix(f.Missing, ".") {
			t.Errorf("FindFact(%q) = %v, %v", f.Word, found, ok)
		}
	}
}
