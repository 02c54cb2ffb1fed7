package check

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// hidden is what hides a need from a capture.
var hidden = map[string]func(*capture.Exchange, *SenderOptions){
	"history": func(_ *capture.Exchange, o *SenderOptions) { o.Scenario = nil },
	"clock":   func(x *capture.Exchange, o *SenderOptions) { o.Began, x.Told.Time = time.Time{}, false },
	"method":  func(x *capture.Exchange, _ *SenderOptions) { x.Told.Method = false; x.Request.Method = "" },
	"target": func(x *capture.Exchange, _ *SenderOptions) {
		x.Told.Target, x.Told.Query, x.Request.Target = false, false, ""
	},
	"headers":     func(x *capture.Exchange, _ *SenderOptions) { x.Told.Headers = false; x.Request.Headers = nil },
	"credentials": func(x *capture.Exchange, _ *SenderOptions) { x.Told.Credentials = false; x.Request.Headers = nil },
	"body":        func(x *capture.Exchange, _ *SenderOptions) { x.Told.Body = false; x.Request.Body = "" },
	"time":        func(x *capture.Exchange, _ *SenderOptions) { x.Told.Time = false },
	"duration": func(x *capture.Exchange, _ *SenderOptions) {
		x.Told.Duration = false
		x.Request.AnsweredAt = x.Request.At
	},
	"status": func(x *capture.Exchange, _ *SenderOptions) { x.Told.Status = false; x.Request.Status = 0 },
}

// history is what the lines of the recording say that happened, as steps of a
// scenario.
func (p *editedRecording) history() (steps []scenarios.Step) {
	keys := map[string]string{}
	for _, a := range p.sc.Audiences {
		keys[a.ID] = a.Key
	}
	for _, l := range p.lines {
		switch {
		case l.Action != nil && l.Action.Action != "upload" && l.Action.Action != "expire": // those follow from the audience
			s := scenarios.Step{At: l.Action.At.Sub(began), Action: l.Action.Action, Names: l.Action.Names}
			for _, id := range l.Action.Audiences {
				s.Targets = append(s.Targets, keys[id])
			}
			steps = append(steps, s)
		case l.Update != nil && p.counts[l.Update.Profile] > 0:
			s := scenarios.Step{At: l.Update.At.Sub(began), Profiles: scenarios.NameRange{Prefix: l.Update.Profile}}
			for _, c := range l.Update.Changes {
				namespace, id, _ := strings.Cut(c.Identity, ":")
				if c.Audience != "id-vip" {
					s.Changes = append(s.Changes, scenarios.Change{Op: c.Op, Audience: keys[c.Audience], Identity: scenarios.Identity{Namespace: namespace, ID: id}})
				}
			}
			if len(s.Changes) > 0 {
				steps = append(steps, s)
			}
		}
	}
	return steps
}

// asCapture judges the recording as a capture without a need; "" tells
// everything.
func asCapture(t *testing.T, need string) (c reports.Case, requests int) {
	t.Helper()
	p := newTape(nil)
	p.sc.History = p.history()
	o := SenderOptions{File: "f.jsonl", Scenario: p.sc, Began: began}
	hide := hidden[need]
	if hide == nil {
		hide = func(*capture.Exchange, *SenderOptions) {}
	}
	hide(&capture.Exchange{}, &o)
	in, err := capture.NewReader(o.File, strings.NewReader(""), capture.Options{Format: capture.NDJSON})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Next(); err != io.EOF {
		t.Fatal(err)
	}
	sender := NewSender(catalogue(t), o)
	for i, l := range p.lines {
		if l.Request == nil {
			continue
		}
		x := capture.Exchange{Line: i + 1, Request: *l.Request, Told: capture.Told{Method: true, Target: true, Query: true, Headers: true,
			Credentials: true, Body: true, Time: true, Duration: true, Status: true}}
		hide(&x, &o)
		sender.Exchange(x)
		requests++
	}
	return sender.Judge(in), requests
}

// A rule whose need a capture does not meet is skipped because of that need,
// and never passes. The test removes parts from a capture that passes with all
// of them.
func TestNoRulePassesWithoutItsNeeds(t *testing.T) {
	whole, requests := asCapture(t, "")
	passed := rulesWith(whole, reports.Pass)
	if requests == 0 || len(passed) < 20 {
		t.Fatalf("%d requests, and only %v pass with everything told", requests, passed)
	}
	for _, need := range slices.Sorted(maps.Keys(hidden)) {
		t.Run(need, func(t *testing.T) {
			c, _ := asCapture(t, need)
			skipped := 0
			for _, k := range c.Checks {
				r, _ := catalogue(t).Find(k.Rule)
				if !slices.Contains(r.Needs, need) {
					continue
				}
				if k.Verdict == reports.Pass {
					t.Errorf("%s passes", k.Rule)
				}
				if k.Verdict == reports.Skip && slices.Contains(passed, k.Rule) {
					skipped++
				}
				if k.Verdict == reports.Skip && !strings.Contains(k.Title, need+": ") {
					t.Errorf("%s is skipped because %q", k.Rule, k.Title)
				}
			}
			if skipped == 0 && need != "clock" { // the recording's backfills are not judged from its requests alone
				t.Error("takes no pass away")
			}
		})
	}
}

// The same holds for every rule and each of its needs, whatever looked at it.
func TestPassesAreWithheld(t *testing.T) {
	for _, r := range catalogue(t) {
		if r.Side != "sender" && r.Side != "both" {
			continue
		}
		for _, missing := range r.Needs {
			s := NewSender(catalogue(t), SenderOptions{Scenario: &scenarios.Scenario{}})
			s.requests, s.clocked, s.recorded = 2, true, true
			for _, need := range scenarios.Needs() {
				s.told[need.Word] = 1
			}
			note := func() reports.Check {
				return s.withhold([]reports.Check{{Rule: r.ID, Verdict: reports.Pass}})[0]
			}
			if c := note(); c.Verdict != reports.Pass {
				t.Errorf("%s with all of its needs: %s, %s", r.ID, c.Verdict, c.Title)
			}
			delete(s.told, missing)
			s.clocked, s.recorded = missing != "clock", missing != "certificate"
			if missing == "history" {
				s.Scenario = nil
			}
			if c := note(); c.Verdict != reports.Skip || !strings.HasPrefix(c.Title, "needs "+missing+": ") {
				t.Errorf("%s without %s: %s, %q", r.ID, missing, c.Verdict, c.Title)
			}
		}
	}
}

// A rule whose needs are met, and that the planned history does not exercise,
// says what the history lacks.
func TestUnexercisedRulesSaySo(t *testing.T) {
	c, _ := asCapture(t, "")
	for rule, want := range map[string]string{
		"unmap-silent": "the history does not exercise it: the history unmaps no audience",
		"cert-api":     "needs platform: the answers of the platform's own services",
		"no-redirect":  "not judged from a capture",
	} {
		i := slices.IndexFunc(c.Checks, func(k reports.Check) bool { return k.Rule == rule })
		if i < 0 || c.Checks[i].Verdict != reports.Skip || c.Checks[i].Title != want {
			t.Errorf("%s: %+v; want %q", rule, c.Checks[max(i, 0)], want)
		}
	}
}
