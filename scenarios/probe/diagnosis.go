package probe

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
)

// suspect is something about the plain message that may be why it is refused:
// a setting of the destination, or a header that every sender writes in its own
// way.
type suspect struct {
	rule, title string
	applies     func(dataflow.Destination) bool
	change      func(*dataflow.Destination)
	alter       func(*delivery.Exchange)
	fix         string // "": that of the rule
}

var suspects = []suspect{
	{rule: "rcv-query", title: "refused because of the query parameters", applies: func(d dataflow.Destination) bool { return d.QueryParameters != "" },
		change: func(d *dataflow.Destination) { d.QueryParameters = "" }},
	{rule: "rcv-headers", title: "refused because of the custom headers", applies: func(d dataflow.Destination) bool { return d.Headers != "" },
		change: func(d *dataflow.Destination) { d.Headers = "" }},
	{rule: "rcv-optional-fields", title: "refused because entries have no name and no timestamps", applies: func(d dataflow.Destination) bool { return !d.IncludeSegmentNames || !d.IncludeSegmentTimestamps },
		change: func(d *dataflow.Destination) { d.IncludeSegmentNames, d.IncludeSegmentTimestamps = true, true }},
	{rule: "rcv-optional-fields", title: "refused because entries have a name or timestamps", applies: func(d dataflow.Destination) bool { return d.IncludeSegmentNames || d.IncludeSegmentTimestamps },
		change: func(d *dataflow.Destination) { d.IncludeSegmentNames, d.IncludeSegmentTimestamps = false, false }},
	{rule: "rcv-batch", title: "refused because the profile stands in a list", applies: func(d dataflow.Destination) bool { return d.MaxProfilesPerRequest > 1 },
		change: func(d *dataflow.Destination) { d.MaxProfilesPerRequest = 1 }},
	{rule: "rcv-batch", title: "refused because the profile does not stand in a list", applies: func(d dataflow.Destination) bool { return d.MaxProfilesPerRequest < 2 },
		change: func(d *dataflow.Destination) { d.MaxProfilesPerRequest, d.BatchEncoding = 2, "array" }},
	{rule: "rcv-2xx", title: "refused because Content-Type has no charset", alter: setHeader("Content-Type", "application/json; charset=utf-8"),
		fix: "accept application/json with any parameters and without: the sender writes no charset"},
	{rule: "rcv-2xx", title: "refused because there is no Accept header", alter: setHeader("Accept", "application/json"),
		fix: "do not require Accept: the body of the response is not read"},
	{rule: "rcv-2xx", title: "refused because of the User-Agent", alter: setHeader("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
		fix: "do not choose clients by their User-Agent: check the credentials instead"},
	{rule: "rcv-2xx", title: "refused because there is no Content-Encoding", alter: setHeader("Content-Encoding", "identity"),
		fix: "read a body without Content-Encoding as it is: the sender does not compress"},
	{rule: "rcv-2xx", title: "refused because there is no Accept-Encoding", alter: setHeader("Accept-Encoding", "gzip"),
		fix: "do not require Accept-Encoding: the body of the response is not read"},
	{rule: "rcv-2xx", title: "refused because of the slash at the end of the path", applies: func(d dataflow.Destination) bool { return true }, change: toggleSlash,
		fix: "configure the path as the receiver routes it, or route both: with and without the slash"},
}

// setHeader puts one header in the place of whatever is there.
func setHeader(name, value string) func(*delivery.Exchange) {
	return func(x *delivery.Exchange) {
		kept := make([]dataflow.Header, 0, len(x.Headers)+1)
		for _, h := range x.Headers {
			if !strings.EqualFold(h.Name, name) {
				kept = append(kept, h)
			}
		}
		x.Headers = append(kept, dataflow.Header{Name: name, Value: value})
	}
}

// toggleSlash adds the slash at the end of the path, or takes it away.
func toggleSlash(d *dataflow.Destination) {
	u, err := url.Parse(d.Endpoint)
	if err != nil || u.Path == "" || u.Path == "/" {
		return
	}
	if trimmed, ok := strings.CutSuffix(u.Path, "/"); ok {
		u.Path = trimmed
	} else {
		u.Path += "/"
	}
	d.Endpoint = u.String()
}

// plainRefused looks for why the plain message is refused: it may be accepted a
// moment later, or without one thing that the sender writes. Otherwise nothing
// else can be judged.
func (t *caseRun) plainRefused(ctx context.Context, m Message, refused answer) {
	a, ok := t.later(ctx, m, refused)
	switch {
	case !ok:
		return
	case a.ok() && refused.paced():
		t.temper(ctx, refused)
		t.strained(refused)
	case a.ok():
		t.unsteady = true
		t.explained(flaky, "rcv-2xx", "the plain message is refused, and accepted "+ms(2*t.config.Pause)+" later", "2xx for every valid message", refused)
	}
	if a.ok() {
		t.credentialsTaken(a)
		t.beginIdle(ctx)
		return
	}
	if t.diagnosed(ctx, refused) || ctx.Err() != nil {
		return
	}
	t.classified(ctx, refused)
	t.refused = fmt.Errorf("the plain message got %s: fix that first", refused.says())
}

// later sends the plain message again after the time that a cold start takes.
func (t *caseRun) later(ctx context.Context, m Message, refused answer) (answer, bool) {
	if wait(ctx, max(2*t.config.Pause, refused.pause(0))) != nil {
		return answer{}, false
	}
	return t.send(ctx, t.main, m.ID, m.Body)
}

// classified says what class the refusal of the plain message is of.
func (t *caseRun) classified(ctx context.Context, a answer) {
	switch {
	case a.status() == 401 || a.status() == 403:
		t.unwelcome(ctx, a)
	case a.status() >= 300 && a.status() < 400:
		t.blame(gateway, "rcv-2xx", "redirects are not followed", "2xx from the configured address itself", "configure the address that it redirects to, and answer there", a)
	case a.paced():
		t.explained(throttled, "rcv-2xx", "the plain message is refused, and again "+ms(2*t.config.Pause)+" later", "2xx within 2 s", a)
	case a.status() >= 500:
		t.explained(down, "rcv-2xx", "the plain message is refused", "2xx within 2 s", a)
	default:
		t.explained(form, "rcv-2xx", "the plain message is refused", "2xx within 2 s", a)
	}
}

// diagnosed looks for what about the plain message is refused, by changing one
// thing at a time. When it is found, that rule fails, and what follows is sent
// without it, so that the other rules can be judged.
func (t *caseRun) diagnosed(ctx context.Context, refused answer) bool {
	if _, known := refused.recognise("rcv-2xx"); known && (refused.status() == 401 || refused.status() == 403) {
		return false // it says itself what it is about
	}
	for _, s := range suspects {
		if s.applies != nil && !s.applies(t.config.Destination) {
			continue
		}
		a, l, ok := t.without(ctx, s)
		if !ok {
			return false
		}
		if !a.ok() || a.late() {
			continue
		}
		// Once more as it was: a receiver that was about to start has started.
		again, ok := t.send(ctx, t.main, "plain", t.timed())
		switch {
		case !ok:
			return false
		case again.ok():
			t.unsteady = true
			t.explained(flaky, "rcv-2xx", "the plain message is refused several times, and then accepted", "2xx for every valid message", refused)
		default:
			t.accuse(ctx, s, refused, a)
			t.config.Destination, t.main, t.alter = l.destination, l, l.alter
		}
		t.credentialsTaken(a)
		t.beginIdle(ctx)
		return true
	}
	return false
}

// without sends the plain message without what is suspected.
func (t *caseRun) without(ctx context.Context, s suspect) (answer, *configuredSender, bool) {
	c := t.config
	if s.change != nil {
		s.change(&c.Destination)
	}
	shaper := newShaper(t.people, c)
	_, doc := shaper.plain()
	l := t.senderFor(c.Destination, t.certificate())
	if s.alter != nil {
		l.alter = s.alter
	}
	a, ok := t.send(ctx, l, "plain", shaper.single(doc))
	return a, l, ok
}

// accuse fails the rule of a suspect. Of several custom headers it names the one
// without which the message is accepted.
func (t *caseRun) accuse(ctx context.Context, s suspect, refused, accepted answer) {
	if s.rule == "rcv-headers" {
		if name := t.oneHeader(ctx); name != "" {
			s.title = "refused because of the custom header " + name
		}
	}
	k := t.refusal(s.rule, s.title, "2xx, as without it: "+accepted.says(), refused)
	k.Class, k.Fix = string(form), s.fix
	t.check(k, &refused)
}

// oneHeader is the name of the one custom header without which the plain message
// is accepted; "" where that is not one alone.
func (t *caseRun) oneHeader(ctx context.Context) string {
	all, _ := dataflow.ParseHeaders(t.config.Destination.Headers)
	if len(all) < 2 {
		return ""
	}
	for i := range all {
		one := suspect{alter: func(x *delivery.Exchange) {
			for j, h := range x.Headers {
				if strings.EqualFold(h.Name, all[i].Name) {
					x.Headers = append(x.Headers[:j:j], x.Headers[j+1:]...)
					return
				}
			}
		}}
		if a, _, ok := t.without(ctx, one); ok && a.ok() {
			return all[i].Name
		}
	}
	return ""
}

// unwelcome says who refuses the sender: the check of the credentials, or
// something that does not look at them. Wrong credentials tell the two apart.
func (t *caseRun) unwelcome(ctx context.Context, a answer) {
	if known, ok := a.recognise("rcv-2xx"); ok {
		t.explained(known.Class, "rcv-2xx", "the plain message is refused with "+fmt.Sprint(a.status()), "2xx within 2 s", a)
		return
	}
	if noCredentials(t.Prober) != "" {
		t.unclear("rcv-auth", "the endpoint requires credentials, and the probe sends no credentials: "+a.says(), "give --bearer, or destination.auth in a file")
		return
	}
	if a.status() == 403 && t.sameForStrangers(ctx, a) {
		t.explained(gateway, "rcv-2xx", "403 with any credentials: nothing checks them", "2xx within 2 s", a)
		return
	}
	switch {
	case t.fetches():
		t.blame(credentials, "rcv-token", "a token that was just issued is refused", "2xx: a token is good until expires_in", "let the endpoint check what the token endpoint issues: one issuer, one key set, one clock", a)
	case a.status() == 403:
		t.blame(credentials, "rcv-auth", "the credentials of the configuration are known, and not permitted", "2xx", "give the client of these credentials the permission to POST to this path", a)
	default:
		t.blame(credentials, "rcv-auth", "the credentials of the configuration are refused", "2xx", "compare them with what the receiver expects, and the form: Authorization: Bearer TOKEN", a)
	}
}

// sameForStrangers reports whether wrong credentials get the same answer.
func (t *caseRun) sameForStrangers(ctx context.Context, a answer) bool {
	access := wrongCredential
	if !t.fetches() {
		access = ""
	}
	b, ok := t.sendWith(ctx, t.senderFor(t.with(wrongCredential), t.certificate()), access, "plain", t.timed())
	return ok && b.Outcome.Kind == retry.Answered && b.status() == a.status() && b.quote() == a.quote()
}
