package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// nearlyRight are recordings that miss a rule by as little as can be: a check
// with the limit a little off, or that looks at the first of several, passes
// them. Other rules may fail with it.
var nearlyRight = []broken{
	{"timeout-2s", "a nanosecond after 2 s", nil, func(p *editedRecording) {
		p.attempt("doc#1", 3).EndedAt = p.attempt("doc#1", 3).At.Add(2*time.Second + 1)
		p.drop("doc#1").At = p.attempt("doc#1", 3).EndedAt
	}},
	{"query-every-call", "a parameter whose name ends like it", nil, request(func(r *recording.Request) { r.Target = "/in?xsource=aep" })},
	{"retry-same", "another header of the third attempt, at the sender alone", nil, func(p *editedRecording) {
		a := p.attempt("marty#1", 3)
		a.Headers = append(slices.Clone(a.Headers), recording.Header{Name: "X-Retry", Value: "2"})
	}},
	{"retry-same", "another body of the same length", nil, func(p *editedRecording) {
		a := p.attempt("marty#1", 3)
		a.Body = strings.Replace(a.Body, `"firstName":"marty"`, `"firstName":"marvy"`, 1)
	}},
	{"secrets-redacted", "a secret in a header of the sender", nil, func(p *editedRecording) {
		a := p.attempt("griff#1", 1)
		a.Headers = append(slices.Clone(a.Headers), recording.Header{Name: "X-Debug", Value: "token=s3cret"})
	}},
	{"batch-max-10", "a profile more arrives than was sent", inTwos, func(p *editedRecording) {
		r := p.request("biff#1", 1)
		one := p.request("strickland#1", 1).Body
		r.Body = strings.TrimSuffix(r.Body, "]") + "," + strings.TrimPrefix(one, "[")
	}},
	{inOrder, "the third of a profile while the second is under way", nil, func(p *editedRecording) {
		a := p.attempt("marty#2", 1)
		a.EndedAt = a.EndedAt.Add(2 * time.Second)
		p.delay("marty#3", -3*time.Hour+time.Second)
	}},
	{"backfill-hour", "a nanosecond after the hour", nil, func(p *editedRecording) { p.delay("griff#1", 30*time.Minute+1) }},
	{"next-unaffected", "a nanosecond late", nil, func(p *editedRecording) { p.shift("doc#1", 1, 1) }},
}

func TestNearMisses(t *testing.T) {
	rules := catalogue(t)
	for _, b := range nearlyRight {
		t.Run(b.rule+"/"+strings.ReplaceAll(b.how, " ", "-"), func(t *testing.T) {
			p := newTape(b.variant)
			b.breaks(p)
			if c := judgeOnce(p.sc, rules, p.lines); !slices.Contains(verdictsOf(c, reports.Fail), b.rule) {
				t.Errorf("%s does not fail, but %v", b.rule, verdictsOf(c, reports.Fail))
			}
		})
	}
}

// A correct value at the limit passes.
func TestRightUpToTheLimits(t *testing.T) {
	rules := catalogue(t)
	for _, tt := range []struct {
		name   string
		change func(*editedRecording)
	}{
		{"an answer after exactly 2 s", func(p *editedRecording) {
			p.attempt("doc#1", 3).EndedAt = p.attempt("doc#1", 3).At.Add(2 * time.Second)
			p.drop("doc#1").At = p.attempt("doc#1", 3).EndedAt
		}},
		{"a backfill after exactly an hour", func(p *editedRecording) { p.delay("griff#1", 30*time.Minute) }},
		{"a backfill after 80 minutes with half an hour of pause", func(p *editedRecording) {
			i := slices.IndexFunc(p.lines, func(l recording.Line) bool { return l.Export != nil && l.Export.ID == "griff#1" })
			pause := []recording.Line{{Action: &recording.Action{At: began.Add(190 * time.Minute), Action: "disable"}},
				{Action: &recording.Action{At: began.Add(220 * time.Minute), Action: "enable"}}}
			p.lines = slices.Insert(p.lines, i, pause...)
			p.delay("griff#1", 50*time.Minute)
		}},
		{"304 is a failure like any other", func(p *editedRecording) {
			p.attempt("marty#1", 1).Outcome, p.request("marty#1", 1).Status = "304", 304
		}},
		{"created and updated at the same time", func(p *editedRecording) {
			p.content("griff#1", func(o map[string]any) {
				entry := dig(o, "segmentMembership", "CustomerAudienceUpload", "id-fans")
				entry["mappingUpdatedAt"] = entry["mappingCreatedAt"]
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape(nil)
			tt.change(p)
			if c := judgeOnce(p.sc, rules, p.lines); len(verdictsOf(c, reports.Fail)) > 0 {
				t.Errorf("%v fail: %+v", verdictsOf(c, reports.Fail), c.Checks)
			}
		})
	}
}

// A line about a range is held against every profile of it.
func TestEveryProfileOfARange(t *testing.T) {
	rules := catalogue(t)
	row := scenarios.NameRange{Prefix: "row-", First: 1, Last: 3, Numbered: true}
	for n := int64(0); n <= 3; n++ {
		p := newTape(func(s *scenarios.Scenario) {
			s.Profiles = append(s.Profiles, scenarios.ProfileGroup{Names: row})
			s.Expect = []scenarios.Expectation{{Profiles: row, Because: []string{"audience"}, Outcomes: []string{"200"}, Pos: s.Pos}}
		})
		end := p.lines[len(p.lines)-1]
		p.lines = p.lines[:len(p.lines)-1]
		at := 6*time.Hour + 40*time.Minute
		for i := int64(1); i <= 3; i++ {
			p.update(at, row.At(i-1), recording.Change{Op: "qualify", Audience: "id-delorean"})
			if i == n {
				p.export(at, row.At(i-1), "audience", "realized", "500", "200")
			} else {
				p.export(at, row.At(i-1), "audience", "realized", "200")
			}
		}
		p.lines = append(p.lines, end)
		failed := 0
		for _, k := range judgeOnce(p.sc, rules, p.lines).Checks {
			if k.Verdict == reports.Fail && strings.Contains(k.Title, "outcomes of its attempts") {
				failed++
			}
		}
		if want := min(int(n), 1); failed != want {
			t.Errorf("with row-%d retried %d lines fail; want %d", n, failed, want)
		}
	}
}
