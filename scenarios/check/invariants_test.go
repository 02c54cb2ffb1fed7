package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// broken is one way to break one rule: done to a right recording, it turns
// exactly that rule red.
type broken struct {
	rule    string // or the words of an invariant without one
	how     string
	variant func(*scenarios.Scenario) // what the scenario needs to be about the rule; nil: nothing
	breaks  func(*editedRecording)
}

const (
	inOrder       = "exports of a profile in order, one after the other"
	bareDecision  = "mTLS decisions without body, credentials and custom headers"
	bothEnds      = "the endpoint saw what was sent"
	silentRefusal = "nothing decided and nothing sent once the configuration is refused"
	allSettle     = "every export delivered, dropped, left over or excluded"
)

// alsoBroken are the rules that are broken by the same act: a fourth attempt is
// one after the message was given up, and a retry that is missing is so by the
// number of attempts and by its failure.
var alsoBroken = map[string][]string{
	"max-3: four attempts":                  {"drop-after"},
	"max-3: the last retry left out":        {"retry-codes"},
	"retry-codes: a listed status is final": {"max-3"},
	"retry-network: a timeout is final":     {"max-3"},
}

func TestEveryInvariantCanFail(t *testing.T) {
	rules := catalogue(t)
	// TestARefusedConfigurationPlaysNothing, TestAFinalStatusIsNotRetried and TestServerIsVerified break these.
	seen := map[string]bool{silentRefusal: true, "noretry-codes": true, "verify-server": true}
	for _, b := range slices.Concat(requestsBroken, tokensBroken, contentsBroken, retriesBroken, flowsBroken, monitoringBroken, lookupsBroken, uploadsBroken, batchesBroken) {
		t.Run(b.rule+"/"+strings.ReplaceAll(b.how, " ", "-"), func(t *testing.T) {
			right := newTape(b.variant)
			if c := judgeOnce(right.sc, rules, right.lines); c.Verdict != reports.Pass {
				t.Fatalf("the recording is not right before it is broken: %v\n%+v", verdictsOf(c, reports.Fail), c.Checks)
			} else if _, has := rules.Find(b.rule); has && !slices.Contains(verdictsOf(c, reports.Pass), b.rule) {
				t.Errorf("%s has no check of its own on the right recording", b.rule)
			}
			p := newTape(b.variant)
			b.breaks(p)
			c := judgeOnce(p.sc, rules, p.lines)
			want := append([]string{b.rule}, alsoBroken[b.rule+": "+b.how]...)
			if diff := cmp.Diff(want, verdictsOf(c, reports.Fail), cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("red rules (-want +got):\n%s%+v", diff, c.Checks)
			}
			for _, k := range c.Checks {
				if k.Verdict == reports.Fail && (k.Actual == "" || k.Expected == "" || k.Line != 1) {
					t.Errorf("the check does not say what is wrong, and where: %+v", k)
				}
			}
		})
		seen[b.rule] = true
	}
	for _, i := range all {
		name := i.rule
		if name == "" {
			name = i.want
		} else if _, ok := rules.Find(name); !ok {
			t.Errorf("%s is not in rules.yaml", name)
		}
		if !seen[name] {
			t.Errorf("no test breaks %q", name)
		}
	}
}

// A redirect that counts as delivered breaks three rules at once: it is not
// followed up by another attempt, it is a success, and nothing reports the
// loss.
func TestRedirectCountedAsDelivered(t *testing.T) {
	p := newTape(nil)
	p.remove(func(l recording.Line) bool {
		return l.Drop != nil || l.Attempt != nil && l.Attempt.Message == "doc#1" && l.Attempt.Number > 1
	})
	p.remove(func(l recording.Line) bool {
		return l.Request != nil && l.Request.Profiles[0] == "doc#1" && l.Request.Status == 500
	})
	p.attempt("doc#1", 1).Retry = false
	want := []string{"max-3", "drop-after", "no-redirect"}
	if diff := cmp.Diff(want, verdictsOf(judgeOnce(p.sc, catalogue(t), p.lines), reports.Fail)); diff != "" {
		t.Errorf("red rules (-want +got):\n%s", diff)
	}
}

// Without material an invariant has no check, since it could not have failed.
func TestNoMaterialNoCheck(t *testing.T) {
	p := newTape(nil)
	p.lines = []recording.Line{p.lines[0], {End: p.end()}}
	p.end().Faults = nil
	c := judgeOnce(p.sc, catalogue(t), p.lines)
	if len(c.Checks) != 1 || c.Verdict != reports.Inconclusive || c.Reason != "nothing was checked" {
		t.Errorf("Judge of an empty run = %s (%s) with %+v", c.Verdict, c.Reason, c.Checks)
	}
}

// A status that the policy does not list is final. The right recording repeats the
// 500 of doc, which is wrong as soon as only other statuses are listed.
func TestAFinalStatusIsNotRetried(t *testing.T) {
	p := newTape(statuses(302, 503))
	if diff := cmp.Diff([]string{"noretry-codes"}, verdictsOf(judgeOnce(p.sc, catalogue(t), p.lines), reports.Fail)); diff != "" {
		t.Errorf("red rules (-want +got):\n%s", diff)
	}
	p.final("doc#1", 2)
	c := judgeOnce(p.sc, catalogue(t), p.lines)
	if c.Verdict != reports.Pass || !slices.Contains(verdictsOf(c, reports.Pass), "noretry-codes") {
		t.Errorf("a final status: %s, %v", c.Verdict, verdictsOf(c, reports.Fail))
	}
}

// A retry that the deletion of the dataflow comes before is not missed.
func TestNoRetryAfterADeletion(t *testing.T) {
	for _, c := range []struct {
		after time.Duration // of the deletion, since the failure
		want  []string
	}{{10 * time.Second, nil}, {40 * time.Second, []string{"retry-network"}}} {
		p := newTape(nil)
		p.final("marty#1", 2)
		p.action("delete").At = p.attempt("marty#1", 2).EndedAt.Add(c.after)
		p.remove(func(l recording.Line) bool { return l.Export != nil && l.Export.At.After(p.action("delete").At) })
		var got []string
		for _, rule := range verdictsOf(judgeOnce(p.sc, catalogue(t), p.lines), reports.Fail) {
			if rule == "retry-network" {
				got = append(got, rule)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("deleted after %s (-want +got):\n%s", c.after, diff)
		}
	}
}

// statuses is a policy of its own that retries them, with the documented delays.
func statuses(all ...int) func(*scenarios.Scenario) {
	return func(s *scenarios.Scenario) {
		s.Destination.Retry = scenarios.Retry{Policy: "custom", Delays: policy, Statuses: all}
	}
}

// final makes an attempt the last of its message, with a record of the loss.
func (p *editedRecording) final(message string, n int) {
	last := p.attempt(message, n)
	var later []*recording.Request
	for i, l := range p.lines {
		if l.Attempt != nil && l.Attempt.Message == message && l.Attempt.Number > n {
			later = append(later, p.lines[i-1].Request)
		}
	}
	p.remove(func(l recording.Line) bool {
		return l.Drop != nil && l.Drop.Message == message || l.Request != nil && slices.Contains(later, l.Request) ||
			l.Attempt != nil && l.Attempt.Message == message && l.Attempt.Number > n
	})
	last.Retry = false
	drop := &recording.Drop{At: last.EndedAt, Message: message, Exports: last.Exports, Reason: last.Outcome}
	p.lines = slices.Insert(p.lines, p.at(message, n)+1, recording.Line{Drop: drop})
}

func headerless(name string) func(*recording.Request) {
	return func(r *recording.Request) {
		r.Headers = slices.DeleteFunc(r.Headers, func(h recording.Header) bool { return h.Name == name })
	}
}

// request breaks the only request of a message.
func request(change func(*recording.Request)) func(*editedRecording) {
	return func(p *editedRecording) { change(p.request("griff#1", 1)) }
}

// asking adds a request of the mTLS decision, on a socket of its own.
func asking(r recording.Request) func(*editedRecording) {
	return func(p *editedRecording) {
		r.At, r.AnsweredAt, r.Method, r.Target, r.Status, r.Socket, r.Number = began, began, "OPTIONS", "/in?source=aep", 204, 99, 1
		p.lines = slices.Insert(p.lines, 1, recording.Line{Request: &r})
	}
}

func tls(mode, mtls string) func(*scenarios.Scenario) {
	return func(s *scenarios.Scenario) { s.Endpoint.TLS, s.Destination.MTLS = mode, mtls }
}

func noAuth(s *scenarios.Scenario) {
	s.Destination.Auth, s.Endpoint.Bearer = scenarios.Auth{Type: "none"}, ""
}

var requestsBroken = []broken{
	{"none-no-authorization", "a token from elsewhere", noAuth, request(func(r *recording.Request) {
		r.Headers = append(r.Headers, recording.Header{Name: "authorization", Value: "Bearer [redacted]"})
	})},
	{"bearer-header", "a retry without", nil, func(p *editedRecording) { headerless("Authorization")(p.request("marty#1", 3)) }},
	{"bearer-header", "another scheme", nil, request(func(r *recording.Request) {
		headerless("Authorization")(r)
		r.Headers = append(r.Headers, recording.Header{Name: "Authorization", Value: "Basic [redacted]"})
	})},
	{"bearer-header", "a wrong token", nil, request(func(r *recording.Request) { r.Authorization = "wrong" })},
	{"post-json", "a PUT", nil, request(func(r *recording.Request) { r.Method = "PUT" })},
	{"post-json", "no content type", nil, request(headerless("Content-Type"))},
	{"post-json", "another content type", nil, request(func(r *recording.Request) { r.Headers[0].Value = "text/plain" })},
	{"custom-headers-every-call", "one is missing", nil, request(headerless("X-Tenant"))},
	{"custom-headers-every-call", "another value", nil, request(func(r *recording.Request) { r.Headers[1].Value = "other" })},
	{"custom-headers-every-call", "duplicates swapped", nil, request(func(r *recording.Request) {
		r.Headers[2].Value, r.Headers[3].Value = "b", "a"
	})},
	{"custom-headers-every-call", "duplicate dropped", nil, request(func(r *recording.Request) { r.Headers = slices.Delete(r.Headers, 3, 4) })},
	{"query-every-call", "no query", nil, request(func(r *recording.Request) { r.Target = "/in" })},
	{"query-every-call", "encoded twice", nil, request(func(r *recording.Request) { r.Target = "/in?source%3Daep" })},
	{"valid-json", "trailing comma", nil, func(p *editedRecording) {
		p.text("griff#1", func(s string) string { return strings.TrimSuffix(s, "}") + ",}" })
	}},
	{"valid-json", "something after it", nil, func(p *editedRecording) { p.text("griff#1", func(s string) string { return s + "}" }) }},
	{"valid-json", "not UTF-8", nil, func(p *editedRecording) {
		p.text("griff#1", func(s string) string { return strings.Replace(s, `"griff"`, "\"gri\xff\"", 1) })
	}},
	{"valid-json", "a key twice", nil, func(p *editedRecording) {
		p.text("griff#1", func(s string) string { return strings.Replace(s, `{"age":17,`, `{"age":17,"\u0061ge":17,`, 1) })
	}},
	{"valid-json", "null", nil, name("firstName", nil)},
	{"valid-json", "empty text", nil, name("firstName", "")},
	{"valid-json", "empty list", nil, name("firstName", []any{})},
	{"valid-json", "empty object", nil, name("firstName", map[string]any{})},
	{"valid-json", "no segmentMembership", nil, func(p *editedRecording) {
		p.content("marty#2", func(o map[string]any) { delete(o, "segmentMembership") })
	}},
	{"no-envelope", "an array", nil, func(p *editedRecording) { p.text("griff#1", func(s string) string { return "[" + s + "]" }) }},
	{"no-envelope", "a wrapper", nil, func(p *editedRecording) {
		p.text("marty#1", func(s string) string { return `{"profiles":[` + s + "]}" })
	}},
	{"rcv-mtls-only", "no certificate where required", nil, request(func(r *recording.Request) { r.Peer = nil })},
	{"rcv-mtls-only", "a certificate over TLS", tls("tls", "auto"), request(func(r *recording.Request) { r.Peer = &recording.Peer{Expires: newest} })},
	{"rcv-mtls-only", "a certificate never wanted", tls("mtls-optional", "never"), request(func(r *recording.Request) { r.Peer = &recording.Peer{Expires: newest} })},
	{"rcv-mtls-only", "a certificate against the decision", tls("mtls-optional", "auto"), func(p *editedRecording) { p.attempt("griff#1", 1).Certificate = true }},
}

// name sets one mapped attribute.
func name(key string, value any) func(*editedRecording) {
	return func(p *editedRecording) {
		p.content("griff#1", func(o map[string]any) { dig(o, "person", "name")[key] = value })
	}
}

var retriesBroken = []broken{
	{"timeout-2s", "an answer after 3 s", nil, func(p *editedRecording) {
		p.attempt("doc#1", 3).EndedAt = p.attempt("doc#1", 3).At.Add(3 * time.Second)
		p.drop("doc#1").At = p.attempt("doc#1", 3).EndedAt
	}},
	{"timeout-2s", "given up after 1 s", nil, func(p *editedRecording) {
		a := p.attempt("doc#1", 3)
		a.Outcome, a.EndedAt = "timeout", a.At.Add(time.Second)
		p.drop("doc#1").At = a.EndedAt
	}},
	{"max-3", "four attempts", nil, func(p *editedRecording) {
		p.again("doc#1", 3, time.Minute)
		p.drop("doc#1").At = p.attempt("doc#1", 4).EndedAt
	}},
	{"max-3", "resent behind the sender's back", nil, func(p *editedRecording) {
		r := *p.request("griff#1", 1)
		r.Number = 2
		p.lines = slices.Insert(p.lines, p.at("griff#1", 1), recording.Line{Request: &r})
	}},
	{"max-3", "a second message", nil, func(p *editedRecording) {
		a, r := *p.attempt("griff#1", 1), *p.request("griff#1", 1)
		a.Message, r.Number = "griff#1b", 2
		p.lines = slices.Insert(p.lines, p.at("griff#1", 1)+1, recording.Line{Request: &r}, recording.Line{Attempt: &a})
	}},
	{"max-3", "the last retry left out", nil, func(p *editedRecording) {
		a, r := p.attempt("doc#1", 3), p.request("doc#1", 3)
		p.remove(func(l recording.Line) bool { return l.Attempt == a || l.Request == r })
	}},
	{"max-3", "a number skipped", nil, func(p *editedRecording) { p.attempt("griff#1", 1).Number = 2 }},
	{"retry-codes", "a listed status is final", statuses(302, 500, 503), func(p *editedRecording) { p.final("marty#1", 1) }},
	{"retry-network", "a timeout is final", nil, func(p *editedRecording) { p.final("marty#1", 2) }},
	{"retry-delays", "early", nil, func(p *editedRecording) { p.shift("marty#1", 3, -time.Second) }},
	{"retry-delays", "late", nil, func(p *editedRecording) { p.shift("marty#1", 2, time.Nanosecond) }},
	{"retry-same", "another body", nil, func(p *editedRecording) {
		change := func(o map[string]any) { dig(o, "person", "name")["firstName"] = "Martin" }
		a := p.attempt("marty#1", 3)
		a.Body = edited(a.Body, change)
		p.request("marty#1", 3).Body = a.Body
	}},
	{"retry-same", "another URL", nil, func(p *editedRecording) { p.attempt("marty#1", 3).URL += "&retry=1" }},
	{"retry-same", "another header arrives", nil, func(p *editedRecording) {
		r := p.request("marty#1", 3)
		r.Headers = append(r.Headers, recording.Header{Name: "X-Retry", Value: "2"})
	}},
	{"retry-same", "another target arrives", nil, func(p *editedRecording) { p.request("marty#1", 3).Target = "/in?retry=2&source=aep" }},
	{"drop-after", "no record of the loss", nil, func(p *editedRecording) { p.remove(func(l recording.Line) bool { return l.Drop != nil }) }},
	{"drop-after", "tried after the drop", nil, func(p *editedRecording) { p.drop("doc#1").At = p.attempt("doc#1", 2).EndedAt }},
	{"drop-after", "tried after a final failure", nil, func(p *editedRecording) { p.attempt("marty#1", 1).Retry = false }},
	{"stop-on-success", "sent again", nil, func(p *editedRecording) { p.again("marty#3", 1, 15*time.Second) }},
	{"stop-on-success", "to be sent again", nil, func(p *editedRecording) {
		p.attempt("marty#3", 1).Retry = true
		p.end().Unfinished = []string{"marty#3"}
		p.act(7*time.Hour+time.Minute, "disable") // so that something may be left over
		n := len(p.lines)
		p.lines[n-1], p.lines[n-2] = p.lines[n-2], p.lines[n-1]
	}},
	{"stop-on-success", "dropped", nil, func(p *editedRecording) {
		p.lines = slices.Insert(p.lines, len(p.lines)-1, recording.Line{Drop: &recording.Drop{At: began.Add(7 * time.Hour), Message: "marty#3", Exports: []string{"marty#3"}}})
	}},
	{"no-redirect", "another address from then on", nil, request(func(r *recording.Request) { r.Target = "/moved?source=aep" })},
}

var flowsBroken = []broken{
	{"delete-unmaps", "retries after the deletion", nil, func(p *editedRecording) { p.action("delete").At = began.Add(2*time.Hour + 20*time.Second) }},
	{"delete-unmaps", "a decision after the deletion", nil, func(p *editedRecording) { p.action("delete").At = began.Add(6*time.Hour + 45*time.Minute) }},
	{"backfill-hour", "after 61 minutes", nil, func(p *editedRecording) { p.delay("griff#1", 31*time.Minute) }},
	{"backfill-hour", "of an audience mapped before", nil, func(p *editedRecording) {
		early := func(after time.Duration, action string) recording.Line {
			return recording.Line{Action: &recording.Action{At: began.Add(after), Action: action, Audiences: []string{"id-fans"}}}
		}
		p.lines = slices.Insert(p.lines, 1, early(time.Minute, "map"), early(2*time.Minute, "unmap"))
	}},
	{"backfill-hour", "of a profile in no new audience", nil, func(p *editedRecording) {
		p.content("griff#1", func(o map[string]any) { delete(dig(o, "segmentMembership"), "CustomerAudienceUpload") })
	}},
	{"next-unaffected", "a second late", nil, func(p *editedRecording) { p.shift("doc#1", 1, time.Second) }},
	{"disabled-silent", "a retry in a pause", nil, func(p *editedRecording) {
		p.action("disable").At, p.action("enable").At = began.Add(time.Hour+10*time.Second), began.Add(time.Hour+20*time.Second)
	}},
	{"disabled-silent", "a decision in a pause", nil, func(p *editedRecording) {
		p.action("disable").At, p.action("enable").At = began.Add(4*time.Hour-2*time.Second), began.Add(4*time.Hour)
		p.delay("marty#2", -time.Second)
		p.shift("marty#2", 1, time.Second)
	}},
	{inOrder, "overtaken while it waits", nil, func(p *editedRecording) {
		p.delay("marty#2", -3*time.Hour+5*time.Second) // between the first two attempts of marty#1
	}},
	{bareDecision, "a body", nil, asking(recording.Request{Body: "{}"})},
	{bareDecision, "credentials", nil, asking(recording.Request{Headers: []recording.Header{{Name: "authorization", Value: "Bearer [redacted]"}}})},
	{bareDecision, "a custom header", nil, asking(recording.Request{Headers: []recording.Header{{Name: "x-tenant", Value: "acme"}}})},
	{bothEnds, "another status", nil, request(func(r *recording.Request) { r.Status = 204 })},
	{bothEnds, "another body arrives", nil, request(func(r *recording.Request) { r.Body = " " + r.Body })},
	{bothEnds, "no request arrived", nil, func(p *editedRecording) {
		gone := p.request("griff#1", 1)
		p.remove(func(l recording.Line) bool { return l.Request == gone })
	}},
	{bothEnds, "an export out of nothing", nil, func(p *editedRecording) {
		a := p.attempt("griff#1", 1)
		a.Exports = append(a.Exports, "biff#1")
	}},
	{allSettle, "a retry that never comes", nil, func(p *editedRecording) {
		p.attempt("doc#1", 3).Retry = true
		p.remove(func(l recording.Line) bool { return l.Drop != nil })
	}},
	{allSettle, "never attempted", nil, func(p *editedRecording) {
		p.remove(func(l recording.Line) bool {
			return l.Attempt != nil && l.Attempt.Message == "griff#1" || l.Request != nil && l.Request.Profiles[0] == "griff#1"
		})
	}},
}

// delay moves a decision with all its attempts.
func (p *editedRecording) delay(export string, by time.Duration) {
	for _, l := range p.lines {
		if l.Export != nil && l.Export.ID == export {
			l.Export.At = l.Export.At.Add(by)
		}
	}
	p.shift(export, 1, by)
}
