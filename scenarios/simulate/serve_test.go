package simulate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/intake"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// A case that is moved to another time passes as before: everything that has a
// date moves along, expected dates as well.
func TestCasesPassAtAnotherTime(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range libraryCases(t) {
		moved := sc.Starting(sc.Start.Add(100 * 24 * time.Hour))
		lines, err := Play(context.Background(), moved, memory.New(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if c := check.Judge(moved, rules, lines); c.Verdict != reports.Pass {
			t.Errorf("%s, moved by 100 days: %s %s", sc.ID, c.Verdict, c.Reason)
			failures(t, c)
		}
	}
}

// The list of the cases that serve cannot play within a minute is kept, with the
// reasons: it changes only where somebody sees it.
func TestCasesThatServeCannotPlay(t *testing.T) {
	o := Options{Through: Serve, Longest: time.Minute, NewStore: func() (store.Store, error) { return memory.New(), nil }}
	var lines []string
	all := libraryCases(t)
	for _, sc := range all {
		var why cannot
		switch err := o.measure(t.Context(), sc).err; {
		case errors.As(err, &why):
			lines = append(lines, sc.ID+": "+string(why))
		case err != nil:
			t.Fatal(err)
		}
	}
	keptList(t, "not-served.txt", lines)
	t.Logf("%d of %d cases cannot be played", len(lines), len(all))
}

// The recording of both sides has what the endpoint saw before what the sender
// made of it, on the sender's sockets and in the order of each.
func TestBothSidesAreMerged(t *testing.T) {
	at := func(ms int) time.Time {
		return time.Date(2026, 1, 15, 9, 0, 0, ms*int(time.Millisecond), time.UTC)
	}
	attempt := func(message string, socket, from, to int, local string) recording.Line {
		return recording.Line{Attempt: &recording.Attempt{Message: message, Socket: socket, At: at(from), EndedAt: at(to), Local: local}}
	}
	sender := []recording.Line{
		{Update: &recording.Update{At: at(1), Profile: "doc"}},
		attempt("later", 7, 30, 40, "127.0.0.1:1111"), // taken up before the one before it
		attempt("first", 7, 10, 20, "127.0.0.1:1111"),
		attempt("other", 3, 15, 50, "127.0.0.1:2222"),
	}
	var saw sightings
	only := &site{part: &scenarios.Scenario{}}
	for _, r := range []journal.Request{
		{Remote: "127.0.0.1:2222", Number: 1, Answered: at(49), Target: "/other"},
		{Remote: "127.0.0.1:1111", Number: 1, Answered: at(19), Target: "/first"},
		{Remote: "127.0.0.1:1111", Number: 2, Answered: at(39), Target: "/later"},
		{Remote: "127.0.0.1:3333", Number: 1, Answered: at(60), Target: "/token"},
	} {
		saw.request(r, only, carrier{})
	}
	saw.handshake(journal.Handshake{Remote: "127.0.0.1:4444", Ended: at(5)}, only, carrier{})
	var got []string
	for _, l := range merged(sender, journalled(saw, &recorder{}, newOrdinals(sender))) {
		switch {
		case l.Update != nil:
			got = append(got, "update")
		case l.Attempt != nil:
			got = append(got, "attempt "+l.Attempt.Message)
			if l.Attempt.Local != "" {
				t.Errorf("%s has the address %s", l.Attempt.Message, l.Attempt.Local)
			}
		case l.Request != nil:
			got = append(got, l.Request.Target, map[int]string{7: "on 7", 3: "on 3", 8: "on 8"}[l.Request.Socket])
		case l.Handshake != nil:
			got = append(got, "handshake", map[int]string{9: "on 9"}[l.Handshake.Socket])
		}
	}
	want := []string{"update", "handshake", "on 9", "/first", "on 7", "attempt first", "/later", "on 7", "attempt later", "/other", "on 3", "attempt other", "/token", "on 8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

// An update is sent in the words of the intake, unless their order would make
// another update of it.
func TestUpdatesForTheIntake(t *testing.T) {
	refs := map[string]profile.AudienceRef{"a": {Namespace: "ups", ID: "1"}, "b": {Namespace: "ups", ID: "2"}}
	set := func(path profile.Path) profile.Change {
		return profile.Change{Op: profile.Set, Path: path, Value: "x"}
	}
	remove := func(path profile.Path) profile.Change { return profile.Change{Op: profile.Remove, Path: path} }
	add := profile.Change{Op: profile.AddIdentity, Identity: profile.Identity{Namespace: "crm", ID: "1"}}
	drop := profile.Change{Op: profile.RemoveIdentity, Identity: profile.Identity{Namespace: "crm", ID: "2"}}
	for _, c := range []struct {
		changes []profile.Change
		want    string
	}{
		{[]profile.Change{{Op: profile.Exit, Audience: refs["a"]}, {Op: profile.Qualify, Audience: refs["b"]}, set("p.q"), remove("r"), add}, ""},
		{[]profile.Change{remove("r"), set("p.q")}, ""},
		{[]profile.Change{remove("p"), set("p.q")}, "applies set before remove"},
		{[]profile.Change{set("p.q"), remove("p")}, ""},
		{[]profile.Change{drop, add}, "applies add-identity before remove-identity"},
		{[]profile.Change{{Op: profile.Exit, Audience: refs["a"]}, {Op: profile.Qualify, Audience: refs["a"]}}, "applies qualify before exit"},
		{[]profile.Change{{Op: profile.ReplaceIdentity, Identity: add.Identity, To: "2"}, {Op: profile.ReplaceIdentity, Identity: profile.Identity{Namespace: "crm", ID: "9"}, To: "3"}}, "a second replace-identity"},
	} {
		why := unsayable(profile.Update{Profile: "doc", Changes: c.changes})
		if (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%v: %q; want %q", c.changes, why, c.want)
		}
		if why != "" {
			continue
		}
		line, err := updateLine(profile.Update{Profile: "doc", Changes: c.changes}, keysOf(refs))
		if err != nil {
			t.Fatal(err)
		}
		read, err := intake.Parse(line, func(key string) (profile.AudienceRef, bool) { ref, known := refs[key]; return ref, known })
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, change := range c.changes {
			if !slices.ContainsFunc(read.Changes, func(o profile.Change) bool { return cmp.Equal(o, change) }) {
				t.Errorf("%s has no %v", line, change)
			}
		}
	}
}

// A case starts at its own part of a second, and not where an hour would end
// before the case does.
func TestStartOfAServedCase(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 250e6, time.UTC)
	for _, c := range []struct{ now, want string }{
		{"2026-11-30T10:20:30.9Z", "2026-11-30T10:20:31.25Z"},
		{"2026-11-30T10:59:30.9Z", "2026-11-30T11:00:01.25Z"},
		{"2026-11-30T10:58:00Z", "2026-11-30T10:58:01.25Z"},
	} {
		now, err := time.Parse(time.RFC3339Nano, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := startAfter(now, at, time.Minute).Format(time.RFC3339Nano); got != c.want {
			t.Errorf("after %s: %s; want %s", c.now, got, c.want)
		}
	}
}

// Events planned too close to the one that decides about them are left to
// virtual time.
func TestTooClose(t *testing.T) {
	const head = `
title: t
rules: [max-3]
audiences: {a: {}}
dataflow: {audiences: [a], attributes: [x]}
profiles: {doc: {}, marty: {}}
expect: []
others: allowed
`
	for _, c := range []struct{ rest, want string }{
		{"endpoint: {faults: [{latency: 1s}]}\nhistory: [{at: 1s, profile: doc, qualify: a}]", ""},
		{"endpoint: {faults: [{latency: 1900ms}]}\nhistory: [{at: 1s, profile: doc, qualify: a}]", "too close to 2s"},
		{"endpoint: {faults: [{on: decision, requests: 1, status: 400, latency: 1s}, {on: decision, requests: 2, latency: 1s}]}\nhistory: [{at: 1s, profile: doc, qualify: a}]", "too close to 2s"},
		{"endpoint: {faults: [{from: 10s, status: 503}]}\nhistory: [{at: 9900ms, profile: doc, qualify: a}]", "too close before 10s"},
		{"endpoint: {faults: [{from: 10s, status: 503}]}\nhistory: [{at: 10s, profile: doc, qualify: a}]", ""},
		{"endpoint: {faults: [{rate: 1, burst: 1}]}\nhistory: [{at: 1s, profile: doc, qualify: a}, {at: 1s, profile: marty, qualify: a}]", "which comes first"},
		{"endpoint: {faults: [{rate: 1, burst: 1}]}\nhistory: [{at: 1s, profile: doc, qualify: a}, {at: 2s, profile: marty, qualify: a}]", ""},
	} {
		sc, err := scenarios.Parse("t.yaml", []byte(head+c.rest))
		if err != nil {
			t.Fatal(err)
		}
		if why := TooClose(sc); (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %q; want %q", c.rest, why, c.want)
		}
	}
}
