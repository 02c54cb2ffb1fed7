package scenarios

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lintOf parses a scenario, which must be valid, and returns its warnings
// without their hints.
func lintOf(t *testing.T, content string) []string {
	t.Helper()
	s, err := Parse("case.yaml", []byte(content))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	var got []string
	for _, p := range Lint(s) {
		if p.Pos.Line < 1 || p.Pos.Column < 1 || p.Pos.File != "case.yaml" {
			t.Errorf("no position: %s", p)
		}
		if p.Hint == "" || strings.HasSuffix(p.Message, ".") {
			t.Errorf("no hint, or a full stop: %s", p)
		}
		got = append(got, fmt.Sprintf("%d: %s", p.Pos.Line, p.Message))
	}
	return got
}

// sound has no warning; each case of TestLint changes one of its lines.
var sound = []string{
	"title: sound",
	"rules: [trig-enter]",
	"audiences: {delorean: {}, scifi: {}}",
	"destination: {}",
	"dataflow: {audiences: [delorean], attributes: [person.name]}",
	"profiles: {doc: {audiences: [scifi]}, marty: {}}",
	"endpoint: {faults: [{profile: doc, requests: 1, status: 503}]}",
	"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, set: person.name, to: Doc}]",
	"expect: [{profile: marty, exports: none}]",
}

// changed is sound with other lines: each replaces the one of its key.
// A key that sound has not comes last.
func changed(lines string) string {
	out := slices.Clone(sound)
	for line := range strings.SplitSeq(lines, "\n") {
		key, _, _ := strings.Cut(line, ":")
		at := slices.IndexFunc(out, func(l string) bool { return strings.HasPrefix(l, key+":") })
		if at < 0 {
			at, out = len(out), append(out, "")
		}
		out[at] = line
	}
	return strings.Join(out, "\n")
}

// slips are changed lines, each with its one warning, at its line; the similar
// lines next to them have no warning.
var slips = []struct{ lines, want string }{
	{`destination: {batchEncoding: profiles}`, "4: batchEncoding changes nothing while a request carries one profile"},
	{`destination: {batchEncoding: profiles, maxProfilesPerRequest: 2}`, ""},
	{`destination: {headers: "X-A:1,authorization:Digest x"}`, ""},
	{"title: nothing is wrong", ""},

	// names that nothing uses
	{"audiences: {delorean: {}, scifi: {}, fans: {}}", "3: nothing uses the audience fans"},
	{"audiences: {delorean: {}, scifi: {}, fans: {}}\nprofiles: {doc: {audiences: [scifi]}, marty: {generate: {audiences: {fans: 5%}}}}", ""},
	{"profiles: {doc: {audiences: [scifi]}, marty: {}, \"biff-{1..3}\": {}}",
		"6: the history changes nothing of biff-{1..3}, no expectation names it, and it is in no mapped audience"},
	{"profiles: {doc: {audiences: [scifi]}, marty: {}, \"biff-{1..3}\": {audiences: [delorean]}}", ""},
	{"profiles: {doc: {audiences: [scifi]}, marty: {}, \"biff-{1..3}\": {generate: {audiences: {delorean: 0.5}}}}", ""},

	// faults that never act
	{"endpoint: {faults: [{profile: marty, status: 503}]}", "7: the fault fault-1 never acts: no step and no expectation has an export of marty"},
	{"endpoint: {tls: plain, faults: [{id: no, on: decision, status: 400}]}", "7: the fault no never acts: no mTLS decision is made"},
	{"endpoint: {faults: [{on: decision, status: 400}]}", ""},

	// exports that cannot come
	{"expect: [{profile: marty}]", "9: no export of marty: no step changes it, and there is no backfill"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, because: backfill}]", "9: because backfill, but the history neither activates nor maps"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, because: identity}]", "9: because identity, but no step changes an identity of doc"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, because: [audience, attribute]}]", ""},
	{"dataflow: {audiences: [delorean]}\nexpect: [{profile: marty, exports: none}, {profile: doc, because: attribute}]", "9: because attribute, but no attribute is mapped"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, at: 3h30m}]", "9: at 3h30m no step changes doc"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, at: 2h}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 1h, map: scifi}]\nexpect: [{profile: marty, exports: none}, {profile: doc, at: 2h}]", ""},

	// outcomes that cannot come
	{"expect: [{profile: marty, exports: none}, {profile: doc, outcomes: [503, 503, 503, 503]}]", "9: 4 outcomes, but the retry policy has 3 attempts"},
	{"destination: {retry: {delays: []}}\nexpect: [{profile: marty, exports: none}, {profile: doc, outcomes: [503, 200]}]", "9: 2 outcomes, but the retry policy has 1 attempt"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, outcomes: [503, 200, 200]}]", "9: outcome 2 is 200, after which nothing is sent again"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, outcomes: [500, 401]}]", "9: no fault answers doc with 500"},
	{"endpoint: {require: {query: {source: aep}}}\nexpect: [{profile: marty, exports: none}, {profile: doc, outcomes: [400, 422]}]", "9: no fault answers doc with 422"},
	{"endpoint: {faults: [{status: 500}]}\nexpect: [{profile: marty, exports: none}, {profile: doc, outcomes: [500, timeout, 200]}]", ""},

	// contents that cannot come
	{"expect: [{profile: marty, exports: none}, {profile: doc, audiences: {scifi: {name: Fans}}}]", "9: scifi has no name: the destination sends none"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, audiences: {scifi: {timestamps: true}}}]", "9: scifi has no timestamps: the destination sends none"},

	// mTLS that cannot come
	{"expect: [{profile: marty, exports: none}, {profile: doc, certificate: presented}]", "9: no certificate is presented: with tls: tls the endpoint does not request one"},
	{"endpoint: {tls: mtls-optional}\ndestination: {mtls: never}\nexpect: [{profile: marty, exports: none}, {profile: doc, certificate: presented}]",
		"9: no certificate is presented: the destination never does"},
	{"endpoint: {tls: mtls-only}\nexpect: [{profile: marty, exports: none}, {profile: doc, certificate: presented}]", ""},
	{"endpoint: {tls: plain}\nexpect: [{profile: marty, exports: none}, {decision: undecided}]", "9: no mTLS decision is made: tls: plain has no certificates"},
	{"destination: {clientCertificate: none}\nexpect: [{profile: marty, exports: none}, {decision: undecided}]", "9: no mTLS decision is made: there is no certificate to present"},
	{"destination: {mtls: always}\nexpect: [{profile: marty, exports: none}, {decision: undecided}]", "9: no mTLS decision is made: mtls: always needs no decision"},
	{"expect: [{profile: marty, exports: none}, {decision: undecided}]", ""},
	{"expect: [{profile: marty, exports: none}, {handshakes: refused}]", "9: no handshake is refused: the endpoint has tls: tls"},
	{"endpoint: {tls: mtls-optional}\nexpect: [{profile: marty, exports: none}, {handshakes: refused}]", "9: no handshake is refused: the endpoint has tls: mtls-optional"},
	{"endpoint: {tls: mtls-optional}\ndestination: {clientCertificate: untrusted}\nexpect: [{profile: marty, exports: none}, {handshakes: refused}]", ""},
	{"endpoint: {faults: [{at: handshake, connections: 1, reset: true}]}\nexpect: [{profile: marty, exports: none}, {handshakes: refused}]", ""},
	{"dataflow: {audiences: [delorean], attributes: [person.name], exclude: {profile: marty}}", "5: nothing of marty is excluded: no step changes it, and there is no backfill"},
	{"dataflow: {audiences: [delorean], attributes: [person.name], exclude: {profile: doc}}\nexpect: [{profile: marty, exports: none}, {profile: doc, outcomes: 503}]",
		"9: doc is excluded, so nothing of it is sent"},
	{"dataflow: {audiences: [delorean], attributes: [person.name], exclude: {profile: doc}}\nexpect: [{profile: marty, exports: none}, {profile: doc}]", ""},
	{"expect: [{profile: marty, exports: none}, {alert: activation-skipped-rate-exceeded}]", "9: the alert activation-skipped-rate-exceeded never fires: the destination is not subscribed to it"},
	{"expect: [{profile: marty, exports: none}, {alert: activation-skipped-rate-exceeded, fires: never}]", ""},
	{"destination: {alerts: activation-skipped-rate-exceeded}\nexpect: [{profile: marty, exports: none}, {alert: activation-skipped-rate-exceeded}]", ""},

	// changes that change nothing
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: marty, exit: scifi}]", "8: exit: marty is never in scifi before 2h"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, exit: scifi}, {at: 3h, profile: doc, exit: scifi}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, qualify: delorean}]", "8: qualify: doc is in delorean at 2h already"},
	{"rules: [trig-enter, no-requalify]\nhistory: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, qualify: delorean}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 1h, profile: doc, exit: delorean}]", "8: doc qualifies for delorean and exits from it at the same time, 1h"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, remove: person.name}]", "8: remove: doc never has person.name before 2h"},
	{"history: [{at: 1h, profile: doc, qualify: delorean, set: person.name, to: Doc}, {at: 2h, profile: doc, remove: person}, {at: 3h, profile: doc, remove: person}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, removeIdentity: {crm: A1}}]", "8: removeIdentity: doc never has the identity crm A1 before 2h"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, replaceIdentity: {crm: {from: A1, to: A2}}}]",
		"8: replaceIdentity: doc never has the identity crm A1 before 2h"},
	{"history: [{at: 1h, profile: doc, qualify: delorean, set: person, to: Doc}, {at: 2h, profile: doc, set: person.name, to: Doc}]",
		"8: set: person of doc is the value Doc, which an object replaces"},
	{"profiles: {doc: {audiences: [scifi]}, \"marty-{1..9}\": {audiences: [scifi]}}\nexpect: [{profiles: \"marty-{1..9}\", exports: none}]\n" +
		"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 1h, profiles: \"marty-{3..4}\", qualify: delorean}, {at: 2h, profiles: \"marty-{1..9}\", exit: delorean}]", ""},
	{"profiles: {doc: {audiences: [scifi]}, marty: {}, \"m-{1..9}\": {generate: {audiences: {delorean: 30%}}}}\n" +
		"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profiles: \"m-{1..9}\", exit: delorean}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, profile: doc, exit: scifi, every: 1h, times: 3}]", ""},

	// actions that change nothing
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, unmap: scifi}]", "8: unmap at 2h: scifi is not mapped"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, unmap: delorean}, {at: 3h, unmap: delorean}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, map: scifi}, {at: 3h, unmap: scifi}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, enable: true}]", "8: enable at 2h: the dataflow was never disabled"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, disable: true}, {at: 3h, disable: true}]", ""},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, delete: true}, {at: 3h, disable: true}]", "8: disable at 3h: no dataflow is active"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, rename: {scifi: scifi}}]", "8: rename at 2h: scifi has this name already"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, triggers: {attributeChanges: true}}]", "8: triggers at 2h: the step changes no trigger"},
	{"history: [{at: 1h, profile: doc, qualify: delorean}, {at: 2h, triggers: {attributeChanges: false}}]", ""},
	{"until: 30m", "1: until: 30m changes nothing: the history goes on until 2h"},
	{"until: 3h", ""},
	{"endpoint: {faults: [{from: 9h, status: 503}]}", "7: the fault fault-1 begins at 9h, when the history is over"},

	// names that nothing has
	{"dataflow: {audiences: [delorean], attributes: [persn.name]}", "5: no profile has persn.name, and no step sets it: it is never exported"},
	{"dataflow: {audiences: [delorean], attributes: [person]}", ""},
	{"dataflow: {audiences: [delorean], attributes: [persn.name]}\nhistory: [{at: 1h, profile: doc, qualify: delorean}]", ""}, // no attribute matters here
	{"dataflow: {audiences: [delorean], attributes: [loyalty]}\nexpect: [{profile: marty, exports: none}, {profile: doc, absent: [loyalty]}]", ""},
	{"dataflow: {audiences: [delorean], attributes: [person.name, person]}", "5: person.name is within person, which is mapped too"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, absent: [persn.name]}]", "9: absent: no profile has persn.name, so this line cannot fail"},
	{"expect: [{profile: marty, exports: none}, {profile: doc, absent: [identityMap.crm]}]", "9: absent: no profile has an identity in crm, so this line cannot fail"},
	{"audiences: {delorean: {}, scifi: {mergePolicy: nosuch}}", "3: the audience scifi has the merge policy nosuch, which is declared nowhere"},

	// rules that are about nothing here
	{"rules: [trig-enter, trig-exit]", "2: nothing exercises the rule trig-exit: no step has a profile exit"},
	{"rules: [trig-enter, trig-exit]\nexpect: [{profile: marty, exports: none, rule: trig-exit}]", "2: nothing exercises the rule trig-exit: no step has a profile exit"},
}

func TestLint(t *testing.T) {
	for _, c := range slips {
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if diff := cmp.Diff(want, lintOf(t, changed(c.lines))); diff != "" {
			t.Errorf("%s\n-want +got\n%s", c.lines, diff)
		}
	}
}

// Without a history nothing happens, so no fault does.
func TestLintWithoutHistory(t *testing.T) {
	got := lintOf(t, "title: empty\nrules: [max-3]\nendpoint: {faults: [{status: 503}]}\nexpect: []\n")
	if diff := cmp.Diff([]string{"3: the fault fault-1 never acts: the history exports nothing"}, got); diff != "" {
		t.Error(diff)
	}
}

// Scenarios that come with httpdest, and those of `scenario new`, must have no
// warnings: people copy them.
func TestLintLibrary(t *testing.T) {
	all, err := FindFS(os.DirFS("library"), "library")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d scenarios: %v", len(all), err)
	}
	starter, err := Parse("starter.yaml", Starter())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append(all, starter) {
		for _, p := range Lint(s) {
			t.Error(p)
		}
	}
}

// The starter teaches at a glance, and an editor finds the schema next to it.
func TestStarter(t *testing.T) {
	text := string(Starter())
	if first, _, _ := strings.Cut(text, "\n"); first != "# yaml-language-server: $schema=scenario.schema.json" {
		t.Errorf("first line %q", first)
	}
	if lines := strings.Count(text, "\n"); lines >= 60 {
		t.Errorf("%d lines", lines)
	}
	if err := validator(t).Validate(plainYAML(t, Starter())); err != nil {
		t.Errorf("against its schema: %v", err)
	}
}
