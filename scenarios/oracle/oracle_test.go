package oracle_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

func played(t *testing.T, sc *scenarios.Scenario) []recording.Line {
	t.Helper()
	lines, err := simulate.Play(context.Background(), sc, memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func cases(t *testing.T) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d cases, %v", len(all), err)
	}
	return all
}

// parts are the dataflows of a case with their lines; the oracle knows one.
func parts(sc *scenarios.Scenario, lines []recording.Line) iter.Seq2[*scenarios.Scenario, []recording.Line] {
	return func(yield func(*scenarios.Scenario, []recording.Line) bool) {
		for _, part := range sc.Split() {
			own := lines
			if sc.Flows != nil {
				own = recording.Of(lines, recording.Part{Dataflow: part.Dataflow.Key, Destination: part.Destination.Key, Rest: true})
			}
			if !yield(part, own) {
				return
			}
		}
	}
}

// The library was written without the oracle: it must agree with every case.
func TestTheLibraryIsRight(t *testing.T) {
	looked := map[string]int{}
	for _, sc := range cases(t) {
		for part, lines := range parts(sc, played(t, sc)) {
			v := oracle.Recording(part, lines)
			for _, f := range v.Findings {
				t.Errorf("%s: %s %+v", sc.ID, part.Dataflow.Key, f)
			}
			for rule, n := range v.Looked {
				looked[rule] += n
			}
		}
	}
	for _, rule := range []string{"trig-enter", "trig-exit", "trig-overwrite", "no-requalify", "backfill-new-audience", "backfill-new-dest",
		"disabled-silent", "all-identities", "names-mapped", "ts-on", "unmapped-same-policy"} {
		if looked[rule] == 0 {
			t.Errorf("no case of the library has the oracle look at %s", rule)
		}
	}
}

// seen is what the endpoint of a recording saw, message by message.
func seen(lines []recording.Line) []oracle.Seen {
	var out []oracle.Seen
	into := map[string]string{} // of merged profiles, which the endpoint knows by their identities as well
	for _, l := range lines {
		if l.Update != nil && l.Update.Changes[0].Op == "merged" {
			into[l.Update.Profile] = l.Update.Changes[0].To
		}
		if l.Request == nil || l.Request.Method != "POST" || len(l.Request.Profiles) == 0 {
			continue
		}
		profiles := slices.DeleteFunc(slices.Clone(l.Request.Profiles), func(name string) bool { return slices.Contains(l.Request.Profiles, into[name]) })
		bodies := oracle.Split(l.Request.Body, len(profiles))
		for i, profile := range profiles {
			out = append(out, oracle.Seen{Profile: profile, At: l.Request.At, Body: bodies[i], ID: profile})
		}
	}
	return out
}

// hidden reports whether an export of the recording never reached the endpoint,
// or reached it without an identity to know its profile by.
func hidden(lines []recording.Line) bool {
	bodies := map[string]bool{}
	for _, l := range lines {
		if l.Request != nil && len(l.Request.Profiles) > 0 {
			bodies[l.Request.Body] = true
		}
	}
	exported, attempted := 0, map[string]bool{}
	for _, l := range lines {
		if l.Problem != nil && l.Problem.Level == "error" {
			return true // the history, or a step of it, did not happen
		}
		if l.Export != nil {
			exported++
		}
		if l.Attempt != nil && bodies[l.Attempt.Body] {
			for _, id := range l.Attempt.Exports {
				attempted[id] = true
			}
		}
	}
	return len(attempted) < exported
}

// The requests that the endpoint saw are enough to judge, with the times and
// without.
func TestTheLibraryAsTheEndpointSawIt(t *testing.T) {
	judged := 0
	for _, sc := range cases(t) {
		for part, lines := range parts(sc, played(t, sc)) {
			if hidden(lines) {
				continue
			}
			judged++
			exports := seen(lines)
			for _, f := range oracle.Judge(part, exports) {
				t.Errorf("%s: %s %+v", sc.ID, part.Dataflow.Key, f)
			}
			for i := range exports {
				exports[i].At = time.Time{}
			}
			for _, f := range oracle.Judge(part, exports) {
				t.Errorf("%s, times unknown: %s %+v", sc.ID, part.Dataflow.Key, f)
			}
		}
	}
	if judged < 50 {
		t.Errorf("%d cases were judged by what the endpoint saw; want most of the library", judged)
	}
}

const story = `
title: What the tests break
rules: [trig-enter]
audiences:
  mapped: {name: The mapped one}
  second: {mergePolicy: other}
  friend: {}
  stranger: {mergePolicy: other}
  later: {}
destination: {includeSegmentNames: true, includeSegmentTimestamps: true}
dataflow: {audiences: [mapped], attributes: [person.name, email]}
profiles:
  doc:
    audiences: [friend, stranger]
    attributes: {person: {name: {first: Emmett}, age: 65}, email: doc@example.com}
    identities: {Email_LC_SHA256: " Doc@Example.com", loyalty: L1}
  marty: {audiences: [later]}
  griff: {audiences: [later]}
endpoint: {tls: plain}
history:
  - {at: 1h, qualify: mapped, profile: doc}
  - {at: 2h, qualify: mapped, profile: doc}
  - {at: 3h, set: person.name.first, to: Emmett, profile: doc}
  - {at: 4h, set: person.age, to: 66, profile: doc}
  - {at: 5h, addIdentity: {phone: "+1555"}, profile: doc}
  - {at: 6h, map: later}
  - {at: 8h, exit: mapped, profile: doc}
  - {at: 9h, set: email, to: e@example.com, profile: doc}
expect: []
others: allowed
`

// broken is a story with one thing wrong in its recording.
type broken struct {
	name    string
	breakIt func(b *breaker)
	rules   []string // that findings name
	blind   bool     // the endpoint cannot see it
}

// breaker changes a recording.
type breaker struct{ lines []recording.Line }

// body changes the body of an export at both ends.
func (b *breaker) body(id string, change func(map[string]any)) {
	for i, l := range b.lines {
		if l.Attempt == nil || l.Attempt.Message != id {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(l.Attempt.Body), &object); err != nil {
			panic(err)
		}
		change(object)
		out, err := json.Marshal(object)
		if err != nil {
			panic(err)
		}
		a, r := *l.Attempt, *b.lines[i-1].Request
		a.Body, r.Body = string(out), string(out)
		b.lines[i].Attempt, b.lines[i-1].Request = &a, &r
	}
}

// entry changes one membership of a body; the audience is named by its key.
func (b *breaker) entry(id, audience string, change func(entries map[string]any, key string)) {
	b.body(id, func(object map[string]any) {
		change(object["segmentMembership"].(map[string]any)["ups"].(map[string]any), scenarios.AudienceID(1, audience))
	})
}

// field replaces a field of a membership; nil takes it away.
func field(name string, value any) func(map[string]any, string) {
	return func(entries map[string]any, key string) {
		if value == nil {
			delete(entries[key].(map[string]any), name)
			return
		}
		entries[key].(map[string]any)[name] = value
	}
}

func without(entries map[string]any, key string) { delete(entries, key) }

// drop takes an export and all its lines out.
func (b *breaker) drop(id string) {
	b.lines = slices.DeleteFunc(b.lines, func(l recording.Line) bool {
		return l.Export != nil && l.Export.ID == id || l.Attempt != nil && l.Attempt.Message == id ||
			l.Request != nil && slices.Equal(l.Request.Profiles, []string{id[:strings.Index(id, "#")]}) && b.requestOf(id) == l.Request
	})
}

func (b *breaker) requestOf(id string) *recording.Request {
	for i, l := range b.lines {
		if l.Attempt != nil && l.Attempt.Message == id {
			return b.lines[i-1].Request
		}
	}
	return nil
}

// again exports once more what id carried, after the nth update from 1.
func (b *breaker) again(id string, after int, because string) {
	var copies []recording.Line
	var at time.Time
	place, updates := 0, 0
	for i, l := range b.lines {
		if l.Update != nil {
			if updates++; updates == after {
				place, at = i+1, l.Update.At
			}
		}
	}
	for i, l := range b.lines {
		if l.Attempt != nil && l.Attempt.Message == id {
			r, a := *b.lines[i-1].Request, *l.Attempt
			r.At, a.At = at, at
			a.Message, a.Exports = id+"x", []string{id + "x"}
			copies = append(copies, recording.Line{Export: &recording.Export{ID: id + "x", At: at, Profile: r.Profiles[0], Because: []string{because}}},
				recording.Line{Request: &r}, recording.Line{Attempt: &a})
		}
	}
	b.lines = slices.Insert(b.lines, place, copies...)
}

var breakages = []broken{
	{"a leaked attribute", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) { o["person"].(map[string]any)["age"] = 65 })
	}, []string{"only-mapped-attributes"}, false},
	{"a missing attribute", func(b *breaker) { b.body("doc#1", func(o map[string]any) { delete(o, "email") }) }, []string{"all-mapped-attributes"}, false},
	{"an old value", func(b *breaker) { b.body("doc#2", func(o map[string]any) { o["email"] = "x" }) }, []string{"all-mapped-attributes"}, false},
	{"a null", func(b *breaker) { b.body("marty#1", func(o map[string]any) { o["email"] = nil }) }, []string{"absent-attributes"}, false},
	{"a path as a key", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) { delete(o, "person"); o["person.name.first"] = "Emmett" })
	}, []string{"nested-attributes", "only-mapped-attributes"}, false},
	{"a missing audience", func(b *breaker) { b.entry("doc#1", "mapped", without) }, []string{"changed-audience-present"}, false},
	{"a missing companion", func(b *breaker) { b.entry("doc#1", "friend", without) }, []string{"unmapped-same-policy"}, false},
	{"a companion of another policy", func(b *breaker) {
		b.entry("doc#1", "friend", func(entries map[string]any, key string) { entries[scenarios.AudienceID(1, "stranger")] = entries[key] })
	}, []string{"unmapped-other-policy"}, false},
	{"a companion it is not in", func(b *breaker) {
		b.entry("doc#1", "friend", func(entries map[string]any, key string) { entries[scenarios.AudienceID(1, "later")] = entries[key] })
	}, []string{"unmapped-same-policy"}, false},
	{"an unknown audience", func(b *breaker) {
		b.entry("doc#1", "friend", func(entries map[string]any, key string) { entries["zzz"] = entries[key] })
	}, []string{"namespace-key"}, false},
	{"a wrong status", func(b *breaker) { b.entry("doc#4", "mapped", field("status", "realized")) }, []string{"changed-audience-present"}, false},
	{"an unknown status", func(b *breaker) { b.entry("doc#4", "mapped", field("status", "exiting")) }, []string{"status-values"}, false},
	{"another time", func(b *breaker) { b.entry("doc#4", "mapped", field("lastQualificationTime", "2026-01-15T17:00:00Z")) }, []string{"lqt-value/exited"}, true},
	{"a time with an offset", func(b *breaker) {
		b.entry("doc#4", "mapped", field("lastQualificationTime", "2026-01-15T10:00:00+00:00"))
	}, []string{"lqt-format"}, false},
	{"no time", func(b *breaker) { b.entry("doc#1", "mapped", field("lastQualificationTime", nil)) }, []string{"membership-shape"}, false},
	{"no name", func(b *breaker) { b.entry("doc#1", "mapped", field("name", nil)) }, []string{"names-mapped"}, false},
	{"a name too many", func(b *breaker) { b.entry("doc#1", "friend", field("name", "friend")) }, []string{"names-unmapped"}, false},
	{"no timestamp", func(b *breaker) { b.entry("doc#1", "mapped", field("mappingCreatedAt", nil)) }, []string{"ts-on"}, false},
	{"a timestamp in seconds", func(b *breaker) { b.entry("doc#1", "mapped", field("createdAt", 1765875600)) }, []string{"ts-on"}, false},
	{"a timestamp too many", func(b *breaker) { b.entry("doc#1", "friend", field("createdAt", 1765875600000)) }, []string{"ts-unmapped"}, false},
	{"more in an entry", func(b *breaker) { b.entry("doc#1", "mapped", field("version", "1")) }, []string{"membership-shape/more-members"}, false},
	{"an identity missing", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) { delete(o["identityMap"].(map[string]any), "loyalty") })
	}, []string{"all-identities"}, false},
	{"an identity too many", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) {
			o["identityMap"].(map[string]any)["phone"] = []any{map[string]any{"id": "+1555"}}
		})
	}, []string{"all-identities"}, false},
	{"an address in the clear", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) {
			o["identityMap"].(map[string]any)["email_lc_sha256"] = []any{map[string]any{"id": "doc@example.com"}}
		})
	}, []string{"hash"}, false},
	{"a namespace in upper case", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) {
			all := o["identityMap"].(map[string]any)
			all["ECID"] = all["ecid"]
			delete(all, "ecid")
		})
	}, []string{"lowercase-identity-ns"}, false},
	{"no identityMap", func(b *breaker) { b.body("doc#1", func(o map[string]any) { delete(o, "identityMap") }) }, []string{"valid-json/both-maps"}, false},
	{"an envelope", func(b *breaker) {
		b.body("doc#1", func(o map[string]any) {
			inner := map[string]any{}
			for key, value := range o {
				inner[key] = value
				delete(o, key)
			}
			o["profile"] = inner
		})
	}, []string{"all-mapped-attributes", "nested-attributes/whole-objects", "only-mapped-attributes", "valid-json/both-maps"}, false},
	{"no export of an entry", func(b *breaker) { b.drop("doc#1") }, []string{"trig-enter"}, false},
	{"no export of an overwrite", func(b *breaker) { b.drop("doc#2") }, []string{"trig-overwrite"}, true},
	{"no export of an identity", func(b *breaker) { b.drop("doc#3") }, []string{"trig-identity-add"}, false},
	{"no export of an exit", func(b *breaker) { b.drop("doc#4") }, []string{"trig-exit"}, false},
	{"no backfill", func(b *breaker) { b.drop("griff#1") }, []string{"backfill-new-audience"}, false},
	{"an export of who stayed", func(b *breaker) { b.again("doc#1", 2, "audience") }, []string{"no-requalify"}, true},
	{"an export of what is not mapped", func(b *breaker) { b.again("doc#2", 4, "attribute") }, []string{"trig-attr-unmapped"}, true},
	{"an export of a stranger", func(b *breaker) { b.again("doc#4", 7, "attribute") }, []string{"trig-member-only"}, true},
	{"an export out of nothing", func(b *breaker) { b.again("griff#1", 2, "audience") }, []string{"incremental"}, true},
	{"backfilled twice", func(b *breaker) { b.again("griff#1", 6, "backfill") }, []string{"backfill-once"}, true},
	{"the wrong reason", func(b *breaker) {
		for i, l := range b.lines {
			if l.Export != nil && l.Export.ID == "doc#1" {
				x := *l.Export
				x.Because = []string{"attribute"}
				b.lines[i].Export = &x
			}
		}
	}, []string{"trig-enter"}, true},
	{"a reason too many", func(b *breaker) {
		for i, l := range b.lines {
			if l.Export != nil && l.Export.ID == "doc#1" {
				x := *l.Export
				x.Because = []string{"attribute", "audience"}
				b.lines[i].Export = &x
			}
		}
	}, []string{"trig-attr-unmapped"}, true},
	{"a late backfill", func(b *breaker) {
		for i, l := range b.lines {
			if l.Export != nil && l.Export.ID == "griff#1" {
				x := *l.Export
				x.At = x.At.Add(2 * time.Hour)
				b.lines[i].Export = &x
			}
		}
	}, []string{"backfill-hour"}, true},
}

func rulesOf(findings []oracle.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Clause)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A recording with one thing wrong is found wrong by the rule that says so, and
// by no other; and, where an endpoint can see it, by what it saw.
func TestEveryBreakageIsFound(t *testing.T) {
	sc, err := scenarios.Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	right := played(t, sc)
	if v := oracle.Recording(sc, right); len(v.Findings) > 0 {
		t.Fatalf("the story is not right before it is broken: %+v", v.Findings)
	}
	for _, tt := range breakages {
		t.Run(tt.name, func(t *testing.T) {
			b := &breaker{slices.Clone(right)}
			tt.breakIt(b)
			if diff := cmp.Diff(tt.rules, rulesOf(oracle.Recording(sc, b.lines).Findings)); diff != "" {
				t.Errorf("rules found broken in the recording (-want +got):\n%s", diff)
			}
			if tt.blind {
				return
			}
			if diff := cmp.Diff(tt.rules, rulesOf(oracle.Judge(sc, seen(b.lines)))); diff != "" {
				t.Errorf("rules found broken in what the endpoint saw (-want +got):\n%s", diff)
			}
		})
	}
}

// A foreign sender repeats what it sends, and nothing is wrong with that; one
// that backfills twice says so in another body or at another time.
func TestSurplusOfAForeignSender(t *testing.T) {
	sc, err := scenarios.Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	exports := seen(played(t, sc))
	var twice []oracle.Seen
	for _, s := range exports {
		twice = append(twice, s, s)
	}
	if got := oracle.Judge(sc, twice); len(got) > 0 {
		t.Errorf("every message repeated: %+v", got)
	}
	spaced := slices.Clone(exports)
	for _, s := range exports {
		if s.Profile == "griff" {
			s.Body = " " + s.Body
			spaced = append(spaced, s)
		}
	}
	if diff := cmp.Diff([]string{"backfill-once"}, rulesOf(oracle.Judge(sc, spaced))); diff != "" {
		t.Errorf("backfilled twice (-want +got):\n%s", diff)
	}
	if got := oracle.Judge(sc, exports[:0]); len(got) < 6 {
		t.Errorf("a sender that sends nothing: %+v", got)
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		body string
		n    int
		want []string
	}{
		{`{"a":1}`, 1, []string{`{"a":1}`}},
		{` [{"a":1}, {"b":2}]`, 2, []string{`{"a":1}`, `{"b":2}`}},
		{`{"profiles":[{"a":1},{"b":2}]}`, 2, []string{`{"a":1}`, `{"b":2}`}},
		{`[{"a":1}]`, 1, []string{`{"a":1}`}},
		{`{"profiles":[{"a":1}]}`, 1, []string{`{"a":1}`}},
		{`{"identityMap":{},"profiles":[1]}`, 1, []string{`{"identityMap":{},"profiles":[1]}`}},
		{`{`, 2, []string{`{`}},
	} {
		if diff := cmp.Diff(tt.want, oracle.Split(tt.body, tt.n)); diff != "" {
			t.Errorf("Split(%q, %d) (-want +got):\n%s", tt.body, tt.n, diff)
		}
	}
}

// The possible exports of the story, as a reader would list them.
func TestPossible(t *testing.T) {
	sc, err := scenarios.Parse("story.yaml", []byte(story))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle.New(sc, oracle.Planned(sc))
	list := func(profile string) []string {
		var out []string
		for _, x := range o.Possible(profile) {
			out = append(out, fmt.Sprintf("%s %s %s %v", x.From.Sub(sc.Start), x.Obligation, x.Clause, x.Because))
		}
		return out
	}
	want := []string{
		"1h0m0s must trig-enter [audience]",
		"2h0m0s must not no-requalify []",
		"3h0m0s must trig-overwrite [attribute]",
		"4h0m0s must not trig-attr-unmapped []",
		"5h0m0s must trig-identity-add [identity]",
		"8h0m0s must trig-exit [audience]",
		"9h0m0s must not trig-member-only []",
	}
	if diff := cmp.Diff(want, list("doc")); diff != "" {
		t.Errorf("Possible(doc) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"6h0m0s may backfill-new-audience [backfill]"}, list("griff")); diff != "" {
		t.Errorf("Possible(griff) (-want +got):\n%s", diff)
	}
}
