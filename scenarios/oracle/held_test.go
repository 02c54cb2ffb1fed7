package oracle_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// answered adds what a receiver did with each message of a recording, the nth counted from
// 1: a forward for each time it got it.
func answered(lines []recording.Line, answers func(n int, r *recording.Request) []recording.Forward) []recording.Line {
	out, n := slices.Clone(lines), 0
	for i, l := range out {
		if l.Request == nil || l.Request.Method != "POST" || l.Request.TokenRequest != nil {
			continue
		}
		n++
		r := *l.Request
		r.Receiver = answers(n, &r)
		out[i].Request = &r
	}
	return out
}

func by(r *recording.Request, status int) recording.Forward {
	return recording.Forward{At: r.At, EndedAt: r.AnsweredAt.Add(time.Nanosecond), Status: status}
}

func always(_ int, r *recording.Request) []recording.Forward {
	return []recording.Forward{by(r, 200)}
}

// The histories of the library, stored by a right receiver, leave nothing to find.
func TestARightReceiverHoldsWhatTheLibraryLeadsTo(t *testing.T) {
	judged, open, cases := 0, map[string]int{}, cases(t)
	for _, sc := range cases {
		if sc.Flows != nil || sc.Refuses() {
			continue
		}
		if !slices.ContainsFunc(sc.Audiences, func(a scenarios.Audience) bool { return a.Upload != nil }) {
			sc = sc.Marked(7)
		}
		lines := answered(played(t, sc), always)
		if found := oracle.Recording(sc, lines).Findings; len(found) > 0 {
			t.Errorf("%s: with marked identities the oracle finds %+v", sc.ID, found)
		}
		k := (&keeper{takes: right}).stored(t, lines)
		for _, h := range oracle.HeldAfter(sc, lines) {
			if h.Open != "" {
				open[strings.SplitN(h.Open, ":", 2)[0]]++
				continue
			}
			judged++
			for _, id := range h.ECIDs {
				for _, d := range h.Differences(value(k.profiles[id]), nil) {
					if !d.Open {
						t.Errorf("%s: %s: %+v", sc.ID, h.Profile, d)
					}
				}
			}
		}
	}
	if judged < 500 {
		t.Errorf("%d profiles were judged in %d cases; open: %v", judged, len(cases), open)
	}
	t.Logf("%d profiles, open: %v", judged, open)
}

// value is a state, or nothing at all.
func value(state map[string]any) any {
	if state == nil {
		return nil
	}
	return state
}

// visits is a history in which everything that a receiver stores changes.
const visits = `
title: everything changes
rules: [trig-enter]
audiences: {vip: {name: VIP}, news: {}}
destination: {mtls: never}
dataflow: {audiences: [vip, news], attributes: [city, tags]}
profiles: {doc: {attributes: {city: Rome, tags: [a, b]}, identities: {crm: c-1}}}
endpoint: {tls: plain}
history:
  - {at: 1h, profile: doc, qualify: vip}
  - {at: 2h, profile: doc, qualify: news}
  - {at: 3h, profile: doc, set: city, to: Bern}
  - {at: 4h, profile: doc, exit: vip}
  - {at: 5h, profile: doc, addIdentity: {crm: c-2}}
  - {at: 6h, profile: doc, qualify: vip}
  - {at: 7h, profile: doc, exit: news}
expect: []
others: allowed
`

func scenarioOf(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Parse("held.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// differences are those of the only profile.
func differences(t *testing.T, sc *scenarios.Scenario, lines []recording.Line, state any) []oracle.Difference {
	t.Helper()
	all := oracle.HeldAfter(sc, lines)
	if len(all) != 1 || all[0].Open != "" || len(all[0].ECIDs) != 1 {
		t.Fatalf("%+v; want one profile with an ECID", all)
	}
	return all[0].Differences(state, nil)
}

func clauses(all []oracle.Difference) []string {
	out := []string{}
	for _, d := range all {
		text := d.Clause
		if d.Open {
			text += " open"
		}
		out = append(out, text)
	}
	return out
}

// Each wrong receiver is found by the rule that it breaks.
func TestAWrongReceiverHoldsSomethingElse(t *testing.T) {
	sc := scenarioOf(t, visits)
	lines := answered(played(t, sc), func(n int, r *recording.Request) []recording.Forward {
		if n == 3 { // a copy came as well
			return []recording.Forward{by(r, 200), by(r, 200)}
		}
		return []recording.Forward{by(r, 200)}
	})
	n := 0
	for _, tt := range []struct {
		name  string
		takes func(k *keeper, stored, sent map[string]any)
		want  []string
	}{
		{"a right one", right, []string{}},
		{"ignores exits", func(_ *keeper, stored, sent map[string]any) {
			replace(stored, sent)
			entries(stored, sent, func(old, now map[string]any) bool { return now["status"] != "exited" })
		}, []string{"rcv-exited"}},
		{"ignores who comes back", func(_ *keeper, stored, sent map[string]any) {
			replace(stored, sent)
			entries(stored, sent, func(old, now map[string]any) bool { return old["status"] != "exited" })
		}, []string{"rcv-2xx"}},
		{"keeps the first time", func(_ *keeper, stored, sent map[string]any) {
			replace(stored, sent)
			entries(stored, sent, func(old, now map[string]any) bool {
				if old != nil {
					old["status"] = now["status"]
				}
				return old == nil
			})
		}, []string{"rcv-order"}},
		{"keeps the first attributes", func(k *keeper, stored, sent map[string]any) {
			city := stored["city"]
			right(k, stored, sent)
			if city != nil {
				stored["city"] = city
			}
		}, []string{"rcv-2xx"}},
		{"appends to lists", func(k *keeper, stored, sent map[string]any) {
			tags := list(stored, "tags")
			right(k, stored, sent)
			stored["tags"] = append(slices.Clone(tags), list(sent, "tags")...)
		}, []string{"rcv-idempotent"}},
		{"appends identities", func(k *keeper, stored, sent map[string]any) {
			before := list(stored, "identityMap", "crm")
			right(k, stored, sent)
			stored["identityMap"] = map[string]any{"ecid": list(sent, "identityMap", "ecid"), "crm": append(slices.Clone(before), list(sent, "identityMap", "crm")...)}
		}, []string{"rcv-idempotent", "rcv-idempotent"}},
		{"keeps the first identities", func(k *keeper, stored, sent map[string]any) {
			before := stored["identityMap"].(map[string]any)
			right(k, stored, sent)
			if len(before) > 0 {
				stored["identityMap"] = before
			}
		}, []string{"rcv-2xx"}},
		{"loses the last", func(k *keeper, stored, sent map[string]any) {
			if n++; n < 8 {
				right(k, stored, sent)
			}
		}, []string{"rcv-exited"}},
		{"shows memberships alone", func(k *keeper, stored, sent map[string]any) {
			right(k, stored, sent)
			replace(stored, map[string]any{})
		}, []string{"", ""}},
		{"holds nothing", func(k *keeper, stored, _ map[string]any) {
			maps.DeleteFunc(stored, func(string, any) bool { return true })
		}, []string{"", "", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := (&keeper{takes: tt.takes}).stored(t, lines)
			for _, state := range k.profiles {
				got := differences(t, sc, lines, state)
				if diff := cmp.Diff(tt.want, clauses(got)); diff != "" {
					t.Errorf("%s\n%+v", diff, got)
				}
			}
		})
	}
	if got := oracle.HeldAfter(sc, lines)[0].Differences(nil, []string{"attributes", "identityMap", "segmentMembership"}); len(got) != 1 {
		t.Errorf("a profile that is not there, with everything ignored: %v", got)
	}
	if got := clauses(differences(t, sc, lines, nil)); !slices.Equal(got, []string{"rcv-2xx"}) {
		t.Errorf("a profile that is not there: %v", got)
	}
}

// The answers to messages determine which states are allowed.
func TestWhatMayBeHeldDependsOnAnswers(t *testing.T) {
	sc := scenarioOf(t, `
title: two messages
rules: [trig-enter]
audiences: {vip: {}}
destination: {mtls: never, retry: {delays: [], statuses: []}}
dataflow: {audiences: [vip], attributes: [city]}
profiles: {doc: {attributes: {city: Rome}}}
endpoint: {tls: plain}
history:
  - {at: 1h, profile: doc, qualify: vip}
  - {at: 2h, profile: doc, set: city, to: Bern}
  - {at: 3h, profile: doc, exit: vip}
expect: []
others: allowed
`)
	lines := played(t, sc)
	state := func(status, city string) any {
		id := sc.Audiences[0].ID
		at := sc.Start.Add(time.Hour).Format(time.RFC3339)
		text, err := json.Marshal(map[string]any{"city": city, "identityMap": map[string]any{"ecid": []any{map[string]any{"id": scenarios.ECID(sc.Seed, "doc")}}},
			"segmentMembership": map[string]any{"ups": map[string]any{id: map[string]any{"status": status, "lastQualificationTime": at}}}})
		if err != nil {
			t.Fatal(err)
		}
		value, err := strictjson.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	forwards := func(statuses ...int) []recording.Line {
		return answered(lines, func(n int, r *recording.Request) []recording.Forward {
			switch status := statuses[n-1]; status {
			case -1:
				return nil // it never got there
			default:
				return []recording.Forward{by(r, status)}
			}
		})
	}
	for _, tt := range []struct {
		name    string
		answers []int
		status  string
		city    string
		want    []string
	}{
		{"all stored", []int{200, 204, 200}, "exited", "Bern", []string{}},
		{"a refused last message", []int{200, 500, -1}, "realized", "Rome", []string{}},
		{"a refused last message that is stored", []int{200, 500, -1}, "realized", "Bern", []string{}},
		{"an old attribute", []int{200, 204, 200}, "exited", "Rome", []string{"rcv-2xx"}},
		{"the exit never came", []int{200, 200, -1}, "realized", "Bern", []string{}},
		{"an exit that never came", []int{200, 200, -1}, "exited", "Bern", []string{"rcv-2xx"}},
		{"a refused exit may be stored", []int{200, 200, 500}, "exited", "Bern", []string{}},
		{"a refused exit need not be stored", []int{200, 200, 500}, "realized", "Bern", []string{}},
		{"an exit without an answer", []int{200, 200, 0}, "realized", "Bern", []string{}},
		{"a refused message that another followed", []int{200, 500, 200}, "exited", "Rome", []string{"rcv-2xx"}},
		{"a lost message that another followed", []int{0, 200, 200}, "exited", "Rome", []string{}},
		{"a value that no message had", []int{0, 200, 200}, "exited", "Oslo", []string{"rcv-2xx"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := differences(t, sc, forwards(tt.answers...), state(tt.status, tt.city))
			if diff := cmp.Diff(tt.want, clauses(got)); diff != "" {
				t.Errorf("%s\n%+v", diff, got)
			}
		})
	}
	// A copy of the first message arrives last: it may overwrite the attribute, and need not.
	late := answered(lines, func(n int, r *recording.Request) []recording.Forward {
		all := []recording.Forward{by(r, 200)}
		if n == 1 {
			at := r.At.Add(4 * time.Hour)
			all = append(all, recording.Forward{At: at, EndedAt: at.Add(time.Nanosecond), Status: 200})
		}
		return all
	})
	for city, want := range map[string][]string{"Bern": {}, "Rome": {}, "Oslo": {"rcv-2xx"}} {
		if got := clauses(differences(t, sc, late, state("exited", city))); !slices.Equal(got, want) {
			t.Errorf("after a late copy, %s: %v; want %v", city, got, want)
		}
	}
	if all := oracle.HeldAfter(sc, forwards(-1, -1, -1)); len(all) != 0 {
		t.Errorf("%+v; want nothing of a receiver that got nothing", all)
	}
	if got := differences(t, sc, forwards(0, -1, 500), nil); len(got) != 0 {
		t.Errorf("%+v; want nothing of a profile that need not be stored", got)
	}
}

// A receiver need not know an audience that is not mapped, and of entries at one time it
// cannot tell which is the newer. An identity of somebody else is wrong.
func TestWhatMayBeHeldOfOpenEntries(t *testing.T) {
	sc := scenarioOf(t, `
title: open entries
rules: [trig-enter]
audiences: {vip: {}, other: {}}
destination: {mtls: never}
dataflow: {audiences: [vip], attributes: []}
profiles:
  doc: {identities: {crm: c-1}, audiences: [other]}
  ann: {identities: {crm: c-2}}
endpoint: {tls: plain}
history:
  - {at: 1h, profile: ann, qualify: vip}
  - {at: 1h, profile: doc, qualify: vip}
  - {at: 3600100ms, profile: doc, exit: vip}
  - {at: 3600200ms, profile: doc, qualify: vip}
expect: []
others: allowed
`)
	lines := answered(played(t, sc), always)
	held := oracle.HeldAfter(sc, lines)
	if len(held) != 2 || held[1].Profile != "doc" {
		t.Fatalf("%+v", held)
	}
	vip, other := sc.Audiences[0].ID, sc.Audiences[1].ID
	if sc.Audiences[0].Key != "vip" {
		vip, other = other, vip
	}
	at := sc.Start.Add(time.Hour).Format(time.RFC3339)
	state := func(status, unmapped string, crm ...string) any {
		entry := map[string]any{vip: map[string]any{"status": status, "lastQualificationTime": at}}
		if unmapped != "" {
			entry[other] = map[string]any{"status": unmapped}
		}
		ids := []any{}
		for _, id := range crm {
			ids = append(ids, map[string]any{"id": id})
		}
		return map[string]any{"segmentMembership": map[string]any{"ups": entry},
			"identityMap": map[string]any{"ecid": []any{map[string]any{"id": held[1].ECIDs[0]}}, "crm": ids}}
	}
	for _, tt := range []struct {
		name  string
		state any
		want  []string
	}{
		{"as it is", state("realized", "realized", "c-1"), []string{}},
		{"an exit at the same time", state("exited", "realized", "c-1"), []string{}},
		{"an audience that is not mapped", state("realized", "", "c-1"), []string{}},
		{"a wrong status of it", state("realized", "exited", "c-1"), []string{"rcv-2xx"}},
		{"an identity of another profile", state("realized", "realized", "c-1", "c-2"), []string{"rcv-ids"}},
		{"an identity of the receiver's own", state("realized", "realized", "c-1", "c-3"), []string{}},
		{"a mapped audience is missing", map[string]any{"segmentMembership": map[string]any{},
			"identityMap": map[string]any{"ecid": []any{map[string]any{"id": held[1].ECIDs[0]}}, "crm": []any{map[string]any{"id": "c-1"}}}}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := held[1].Differences(tt.state, nil)
			if diff := cmp.Diff(tt.want, clauses(got)); diff != "" {
				t.Errorf("%s\n%+v", diff, got)
			}
			if ignored := held[1].Differences(tt.state, []string{"segmentMembership", "identityMap.crm"}); len(ignored) > 0 {
				t.Errorf("ignored, and found: %+v", ignored)
			}
		})
	}
}

// Two profiles that a receiver cannot tell apart are open. One without an ECID
// cannot be asked for.
func TestWhatNoPageSays(t *testing.T) {
	sc := scenarioOf(t, `
title: nobody knows
rules: [trig-enter]
audiences: {vip: {}}
destination: {mtls: never}
dataflow: {audiences: [vip], attributes: []}
profiles:
  a: {identities: {crm: c-1}}
  b: {}
  c: {identities: none}
  d: {}
  e: {}
endpoint: {tls: plain}
history:
  - {at: 1h, profile: a, qualify: vip}
  - {at: 1h, profile: b, qualify: vip}
  - {at: 1h, profile: c, qualify: vip}
  - {at: 1h, profile: d, qualify: vip}
  - {at: 1h, profile: e, qualify: vip}
  - {at: 2h, profile: a, removeIdentity: {crm: c-1}}
  - {at: 3h, profile: b, addIdentity: {crm: c-1}}
  - {at: 2h, forget: e}
expect: []
others: allowed
`)
	got := map[string]bool{}
	for _, h := range oracle.HeldAfter(sc, answered(played(t, sc), always)) {
		got[h.Profile] = h.Open != ""
		if (len(h.ECIDs) == 0) != (h.Profile == "c") {
			t.Errorf("%s is asked for by %v", h.Profile, h.ECIDs)
		}
	}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": true, "c": false, "d": false, "e": true}, got); diff != "" {
		t.Error(diff)
	}
}

// A number may be kept as a double, and not as another number.
func TestNumbersMayBeRounded(t *testing.T) {
	sc := scenarioOf(t, `
title: numbers
rules: [trig-enter]
audiences: {vip: {}}
destination: {mtls: never}
dataflow: {audiences: [vip], attributes: [n]}
profiles: {doc: {attributes: {n: [9007199254740993, 1.5, {a: 9007199254740993}]}}}
endpoint: {tls: plain}
history: [{at: 1h, profile: doc, qualify: vip}]
expect: []
others: allowed
`)
	lines := answered(played(t, sc), always)
	k := (&keeper{takes: right}).stored(t, lines)
	for _, state := range k.profiles {
		for n, want := range map[string][]string{`[9007199254740993, 15e-1, {"a": 9007199254740993}]`: {},
			`[9007199254740992, 1.5, {"a": 9007199254740992}]`: {"rcv-schema open"}, `[9007199254740994, 1.5, {"a": 9007199254740993}]`: {"rcv-2xx"},
			`["9007199254740993", 1.5, {"a": 9007199254740993}]`: {"rcv-2xx"}, `[9007199254740992]`: {"rcv-2xx"}} {
			state["n"], _ = strictjson.Decode([]byte(n))
			if diff := cmp.Diff(want, clauses(differences(t, sc, lines, state))); diff != "" {
				t.Errorf("%s: %s", n, diff)
			}
		}
	}
}
