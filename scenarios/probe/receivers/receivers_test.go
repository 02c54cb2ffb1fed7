package receivers

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// A rule that no wrong receiver breaks, the probe may have forgotten.
func TestEveryRuleIsBroken(t *testing.T) {
	all, err := Wrong()
	check(t, err)
	if len(all) < 80 {
		t.Errorf("%d wrong receivers; there must be at least 80", len(all))
	}
	rules, err := scenarios.Rules()
	check(t, err)
	bound := 0
	for _, rule := range rules {
		if !strings.HasPrefix(rule.ID, "rcv-") {
			continue
		}
		bound++
		if !slices.ContainsFunc(all, func(r Receiver) bool { return slices.Equal(r.Fails, []string{rule.ID}) }) {
			t.Errorf("no wrong receiver breaks %s %s and nothing else", rule.Ref, rule.ID)
		}
	}
	classes := map[string]bool{}
	for _, r := range all {
		classes[r.Class] = true
	}
	for _, c := range Classes {
		if !classes[c] {
			t.Errorf("no wrong receiver has the class %s", c)
		}
	}
	if bound != 20 {
		t.Errorf("%d rules begin with rcv-; R92 to R111 are 20", bound)
	}
}

func TestDescriptionsAreStrict(t *testing.T) {
	rules, err := scenarios.Rules()
	check(t, err)
	const fits = "patches: [{file: main.go, old: maxInFlight = 128, new: maxInFlight = 4}]"
	if _, err := read([]byte("title: t\nfails: [rcv-2s]\nclass: late\n"+fits), rules, false); err != nil {
		t.Errorf("a description that is fine: %v", err)
	}
	for _, c := range []struct{ why, content string }{
		{"unknown key", "title: t\nfails: [rcv-2s]\nclass: late\nrule: rcv-2s\n" + fits},
		{"no title", "fails: [rcv-2s]\nclass: late\n" + fits},
		{"no rules", "title: t\n" + fits},
		{"no class", "title: t\nfails: [rcv-2s]\n" + fits},
		{"unknown class", "title: t\nfails: [rcv-2s]\nclass: slow\n" + fits},
		{"unknown flaw", "title: t\nfails: [rcv-2s]\nclass: late\nflaw: sleeps\n" + fits},
		{"unknown rule", "title: t\nfails: [rcv-3s]\nclass: late\n" + fits},
		{"rule of the sender", "title: t\nfails: [next-unaffected]\nclass: late\n" + fits},
		{"rule twice", "title: t\nfails: [rcv-2s, rcv-2s]\nclass: late\n" + fits},
		{"unknown plan", "title: t\nfails: [rcv-2s]\nclass: late\nplan: http\n" + fits},
		{"nothing changed", "title: t\nfails: [rcv-2s]\nclass: late\n"},
		{"patch without effect", "title: t\nfails: [rcv-2s]\nclass: late\npatches: [{file: main.go, old: maxInFlight = 128, new: maxInFlight = 128}]"},
		{"old text missing", "title: t\nfails: [rcv-2s]\nclass: late\npatches: [{file: main.go, old: maxInFlight = 129, new: maxInFlight = 4}]"},
		{"old text twice", "title: t\nfails: [rcv-2s]\nclass: late\npatches: [{file: main.go, old: maxInFlight, new: most}]"},
		{"old text gone by the patch before", "title: t\nfails: [rcv-2s]\nclass: late\npatches: [{file: main.go, old: maxInFlight = 128, new: maxInFlight = 4}, {file: main.go, old: maxInFlight = 128, new: maxInFlight = 5}]"},
		{"unknown file", "title: t\nfails: [rcv-2s]\nclass: late\npatches: [{file: server.go, old: a, new: b}]"},
	} {
		if _, err := read([]byte(c.content), rules, false); err == nil {
			t.Errorf("%s: read without an error:\n%s", c.why, c.content)
		}
	}
}
