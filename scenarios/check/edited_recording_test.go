package check

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// editedRecording is a scenario with a recording of it that is right in every respect.
// Both are written by hand, not by the engine, so that the checks are held
// against the documentation and not against what the engine happens to do. A
// test breaks one thing and sees which check turns red.
type editedRecording struct {
	updated time.Time // the last renaming of delorean; zero before it
	sc      *scenarios.Scenario
	lines   []recording.Line
	mapped  map[string]bool
	counts  map[string]int
	socket  int

	tokens     int       // issued
	tokenUntil time.Time // when the last one has to be renewed
}

var (
	began  = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	email  = "Marty@Example.com"
	hash   = fmt.Sprintf("%x", sha256.Sum256([]byte("marty@example.com")))
	policy = []time.Duration{15 * time.Second, 30 * time.Second}
)

func scene() *scenarios.Scenario {
	name := func(s string) scenarios.NameRange { return scenarios.NameRange{Prefix: s} }
	audience := func(key, namespace string) scenarios.Audience {
		return scenarios.Audience{Key: key, ID: "id-" + key, Name: "All of " + key, Namespace: namespace, MergePolicy: "default",
			CreatedAt: began.Add(-48 * time.Hour), UpdatedAt: began.Add(-24 * time.Hour)}
	}
	vip := audience("vip", "CustomerAudienceUpload")
	vip.MergePolicy = "other" // it travels with no other audience
	vip.Upload = &scenarios.Upload{Rows: "id,tier\nM1,gold\nM2,silver\n", Identity: "id", Namespace: "Loyalty", Delay: 2 * time.Hour, TTL: 7*time.Hour + 30*time.Minute}
	return &scenarios.Scenario{
		ID: "check/tape", Title: "A recording", Rules: []string{"trig-enter"}, Start: began, Seed: 1,
		Pos:       scenarios.Position{File: "tape.yaml", Line: 1, Column: 1},
		Audiences: []scenarios.Audience{audience("delorean", "ups"), audience("scifi", "ups"), audience("fans", "CustomerAudienceUpload"), vip},
		Destination: scenarios.Destination{
			Endpoint: "mock", Auth: scenarios.Auth{Type: "bearer", Token: "s3cret"}, MTLS: "auto", ClientCertificate: "trusted",
			Headers: "X-Tenant:acme,X-Stage:a,X-Stage:b", QueryParameters: "source=aep",
			IncludeSegmentNames: true, IncludeSegmentTimestamps: true, Retry: scenarios.Retry{Policy: "documented"},
		},
		Dataflow: scenarios.Dataflow{Activated: true, Audiences: []string{"delorean"}, Attributes: []string{"person.name"}, MaxInFlight: 100},
		Profiles: []scenarios.ProfileGroup{
			{Names: name("marty"), Identities: []scenarios.Identity{{Namespace: "Email_LC_SHA256", ID: email}, {Namespace: "Loyalty", ID: "M1"}}},
			{Names: name("doc")}, {Names: name("griff")},
			{Names: scenarios.NameRange{Prefix: "vip-row-", First: 1, Last: 3, Numbered: true}, NoIdentity: true, UploadOf: "vip"},
		},
		Platform: scenarios.Platform{Certificates: []scenarios.Certificate{
			{CommonName: "client", SAN: []string{"client.test"}, Issued: began.Add(-310 * 24 * time.Hour), Expires: began.Add(55 * 24 * time.Hour)}}},
		Endpoint:      scenarios.Endpoint{TLS: "mtls-only", Bearer: "s3cret"},
		OthersAllowed: true,
	}
}

// newTape plays the story: a delivery after two failures, a message that is
// dropped, a backfill, a change of identities, a pause, an exit.
func newTape(change func(*scenarios.Scenario)) *editedRecording {
	p := &editedRecording{sc: scene(), mapped: map[string]bool{"delorean": true}, counts: map[string]int{}}
	if change != nil {
		change(p.sc)
	}
	p.add(recording.Line{Run: &recording.Run{Schema: recording.Schema, Scenario: p.sc.ID, Title: p.sc.Title, Seed: 1, Start: began, Endpoint: "https://receiver.test/in"}})
	result := map[string]string{"mtls-only": "mtls-only"}[p.sc.Endpoint.TLS]
	if result == "" {
		result = "tls-enabled"
	}
	p.add(recording.Line{Decision: &recording.Decision{At: began, EndedAt: began, Result: result, First: "200"}})
	qualify := recording.Change{Op: "qualify", Audience: "id-delorean"}
	p.act(0, "upload", "id-vip")
	p.update(30*time.Minute, "marty", recording.Change{Op: "qualify", Audience: "id-vip"})
	p.update(30*time.Minute, "vip-row-2", recording.Change{Op: "add-identity", Identity: "Loyalty:M2"}, recording.Change{Op: "qualify", Audience: "id-vip"})
	p.lookups()
	p.update(time.Hour, "marty", qualify)
	p.export(time.Hour, "marty", "audience", "realized", "503", "timeout", "200")
	p.update(2*time.Hour, "doc", qualify)
	p.export(2*time.Hour, "doc", "audience", "realized", "302", "500", "500")
	p.act(3*time.Hour, "map", "id-fans")
	p.mapped["fans"] = true
	p.export(3*time.Hour+30*time.Minute, "griff", "backfill", "", "200")
	p.update(4*time.Hour, "marty", recording.Change{Op: "add-identity", Identity: "Phone:+1555"})
	p.export(4*time.Hour, "marty", "identity", "realized", "200")
	p.act(5*time.Hour, "disable")
	p.act(6*time.Hour, "enable")
	p.act(6*time.Hour+30*time.Minute, "rename", "id-delorean")
	p.lines[len(p.lines)-1].Action.Names = []string{"Time travellers"}
	p.updated = began.Add(6*time.Hour + 30*time.Minute)
	p.update(7*time.Hour, "marty", recording.Change{Op: "exit", Audience: "id-delorean"})
	p.export(7*time.Hour, "marty", "audience", "exited", "200")
	if p.sc.Destination.MaxProfilesPerRequest > 1 {
		p.batch(7*time.Hour+time.Minute, []string{"biff", "jennifer"}, []string{"strickland"})
	}
	p.act(7*time.Hour+30*time.Minute, "expire", "id-vip")
	p.update(7*time.Hour+30*time.Minute, "marty", recording.Change{Op: "exit", Audience: "id-vip"})
	p.update(7*time.Hour+30*time.Minute, "vip-row-2", recording.Change{Op: "exit", Audience: "id-vip"})
	p.act(7*time.Hour+50*time.Minute, "delete")
	p.add(recording.Line{End: &recording.End{At: began.Add(8 * time.Hour), Faults: []recording.Fault{{ID: "fault-1", Planned: 2, Fired: 2, Line: 30}}}})
	if len(p.sc.Destination.Alerts) > 0 {
		p.monitor()
	}
	return p
}

// lookups finds the two certificates there are five days after a reissue, on
// two pages, and is turned away without a header.
func (p *editedRecording) lookups() {
	certificate := func(expires time.Time) []recording.FoundCertificate {
		return []recording.FoundCertificate{{Fields: []string{"certCommonName", "expiryDate", "publicCertificate"}, CommonName: "client", Subject: "client",
			SAN: []string{"client.test"}, Expiry: expires.Format("2006-01-02T15:04:05.000Z"), NotAfter: expires}}
	}
	at := began.Add(40 * time.Minute)
	p.add(recording.Line{Lookup: &recording.Lookup{At: at, What: "public-certificate", Query: "limit=1&page=0", Status: 200, Total: new(int64(2)), Count: new(int64(1)),
		Certificates: certificate(began.Add(55 * 24 * time.Hour)), Links: []string{"next", "page"}}})
	p.add(recording.Line{Lookup: &recording.Lookup{At: at, What: "public-certificate", Query: "limit=1&page=1", Status: 200, Total: new(int64(2)), Count: new(int64(1)),
		Certificates: certificate(newest), Links: []string{"page", "prev"}}})
	p.add(recording.Line{Lookup: &recording.Lookup{At: at, What: "public-certificate", Without: []string{"x-api-key"}, Status: 403}})
	p.add(recording.Line{Lookup: &recording.Lookup{At: at, What: "egress-addresses", Query: "address=192.0.2.1&region=VA7", Status: 200, Allowed: new(false)}})
}

// newest is when the certificate expires that was issued five days before the
// recording began.
var newest = began.Add(360 * 24 * time.Hour)

func (p *editedRecording) add(l recording.Line) { p.lines = append(p.lines, l) }

func (p *editedRecording) update(at time.Duration, profile string, changes ...recording.Change) {
	p.add(recording.Line{Update: &recording.Update{At: began.Add(at), Profile: profile, Changes: changes}})
}

func (p *editedRecording) act(at time.Duration, action string, audiences ...string) {
	p.add(recording.Line{Action: &recording.Action{At: began.Add(at), Action: action, Audiences: audiences}})
}

// export adds a decision with its attempts, by the documented policy.
func (p *editedRecording) export(after time.Duration, profile, because, delorean string, outcomes ...string) {
	p.counts[profile]++
	id := fmt.Sprintf("%s#%d", profile, p.counts[profile])
	at := began.Add(after)
	p.add(recording.Line{Export: &recording.Export{At: at, ID: id, Profile: profile, Because: []string{because}}})
	body := p.message(p.body(profile, delorean, id == "marty#2" || id == "marty#3"))
	p.socket++
	number := 0
	for n, outcome := range outcomes {
		ended := at
		if outcome == "timeout" {
			ended = at.Add(2 * time.Second)
		}
		number++
		p.exchange(recording.Attempt{At: at, EndedAt: ended, Message: id, Exports: []string{id}, Number: n + 1, Method: "POST",
			Outcome: outcome, Retry: outcome != "200" && n+1 < len(outcomes), Body: body, Socket: p.socket, Reused: number > 1}, number)
		if outcome == "timeout" {
			p.socket++
			number = 0
		}
		if n < len(policy) {
			at = ended.Add(policy[n])
		}
		if n == len(policy) && outcome != "200" {
			p.add(recording.Line{Drop: &recording.Drop{At: ended, Message: id, Exports: []string{id}, Reason: outcome}})
		}
	}
}

// batch adds decisions of one moment, and a message for each group of them.
func (p *editedRecording) batch(after time.Duration, groups ...[]string) {
	at := began.Add(after)
	for _, name := range slices.Concat(groups...) {
		p.update(after, name, recording.Change{Op: "qualify", Audience: "id-delorean"})
		p.add(recording.Line{Export: &recording.Export{At: at, ID: name + "#1", Profile: name, Because: []string{"audience"}}})
	}
	for _, group := range groups {
		var ids, bodies []string
		for _, name := range group {
			ids, bodies = append(ids, name+"#1"), append(bodies, p.body(name, "realized", false))
		}
		p.socket++
		p.exchange(recording.Attempt{At: at, EndedAt: at, Message: ids[0], Exports: ids, Number: 1, Method: "POST",
			Outcome: "200", Body: p.message(bodies...), Socket: p.socket}, 1)
	}
}

// message is the body of a message.
func (p *editedRecording) message(bodies ...string) string {
	if p.sc.Destination.MaxProfilesPerRequest < 2 {
		return bodies[0]
	}
	list := "[" + strings.Join(bodies, ",") + "]"
	if p.sc.Destination.BatchEncoding == "profiles" {
		return `{"profiles":` + list + `}`
	}
	return list
}

// exchange adds an attempt and the request the endpoint saw of it.
func (p *editedRecording) exchange(a recording.Attempt, number int) {
	a.URL = "https://receiver.test/in?source=aep"
	a.Headers = []recording.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Tenant", Value: "acme"},
		{Name: "X-Stage", Value: "a"}, {Name: "X-Stage", Value: "b"}}
	r := recording.Request{At: a.At, AnsweredAt: a.EndedAt, Socket: a.Socket, Number: number, Method: a.Method, Target: "/in?source=aep",
		Proto: "HTTP/1.1", Body: a.Body, Profiles: []string{a.Exports[0]}}
	if p.sc.Destination.MaxProfilesPerRequest > 1 {
		r.Profiles = nil
		for _, id := range a.Exports {
			name, _, _ := strings.Cut(id, "#")
			r.Profiles = append(r.Profiles, name)
		}
	}
	if p.sc.Destination.Auth.Type == "bearer" {
		a.Headers = append(a.Headers, recording.Header{Name: "Authorization", Value: "Bearer [redacted]"})
		r.Authorization = "accepted"
	}
	if p.sc.Destination.Auth.FetchesTokens() {
		p.fetch(a.At)
		a.Headers = append(a.Headers, recording.Header{Name: "Authorization", Value: "Bearer [redacted]"})
		r.Authorization, r.Token = "accepted", p.tokens
	}
	r.Headers = slices.Clone(a.Headers)
	if a.Certificate = p.sc.Endpoint.TLS == "mtls-only"; a.Certificate {
		r.Peer = &recording.Peer{CommonName: "client", Issuer: "CA", Expires: newest}
	}
	_, _ = fmt.Sscan(a.Outcome, &r.Status) // stays 0 where the outcome is a word
	p.add(recording.Line{Request: &r})
	p.add(recording.Line{Attempt: &a})
}

// body is what the documentation asks for.
func (p *editedRecording) body(profile, delorean string, phone bool) string {
	segments := map[string]any{"ups": map[string]any{}}
	entry := func(key, status string) map[string]any {
		e := map[string]any{"lastQualificationTime": "2026-01-15T09:30:00Z", "status": status}
		if p.mapped[key] && p.sc.Destination.IncludeSegmentNames {
			e["name"] = "All of " + key
		}
		if p.mapped[key] && p.sc.Destination.IncludeSegmentTimestamps {
			created := began.Add(-48 * time.Hour).UnixMilli()
			e["createdAt"], e["updatedAt"] = created, created+24*3600_000
			if key == "delorean" && !p.updated.IsZero() {
				e["updatedAt"] = p.updated.UnixMilli()
			}
			e["mappingCreatedAt"], e["mappingUpdatedAt"] = created+1000, created+2000
		}
		return e
	}
	ups := segments["ups"].(map[string]any)
	if delorean != "" {
		ups["id-delorean"] = entry("delorean", delorean)
	}
	if !p.sc.Destination.IncludeMappedAudiencesOnly {
		ups["id-scifi"] = entry("scifi", "realized")
	}
	if profile == "griff" {
		segments["CustomerAudienceUpload"] = map[string]any{"id-fans": entry("fans", "realized")}
	}
	if len(ups) == 0 {
		delete(segments, "ups")
	}
	id := func(s string) []any { return []any{map[string]any{"id": s}} }
	identities := map[string]any{"ecid": id(scenarios.ECID(1, profile))}
	if profile == "marty" {
		identities["email_lc_sha256"], identities["Loyalty"] = id(hash), id("M1")
	}
	if phone {
		identities["phone"] = id("+1555")
	}
	text, _ := json.Marshal(map[string]any{"segmentMembership": segments, "identityMap": identities,
		"person": map[string]any{"name": map[string]any{"firstName": profile, "age": 17}}})
	return string(text)
}

// attempt, request and drop find lines to break: the nth attempt of a message
// and the request of it, which precedes it.
func (p *editedRecording) attempt(message string, n int) *recording.Attempt {
	return p.lines[p.at(message, n)].Attempt
}

func (p *editedRecording) request(message string, n int) *recording.Request {
	return p.lines[p.at(message, n)-1].Request
}

func (p *editedRecording) at(message string, n int) int {
	i := slices.IndexFunc(p.lines, func(l recording.Line) bool {
		return l.Attempt != nil && l.Attempt.Message == message && l.Attempt.Number == n
	})
	if i < 0 {
		panic(fmt.Sprintf("the recording has no attempt %d of %s", n, message))
	}
	return i
}

func (p *editedRecording) drop(message string) *recording.Drop {
	for _, l := range p.lines {
		if l.Drop != nil && l.Drop.Message == message {
			return l.Drop
		}
	}
	panic("the recording has no drop of " + message)
}

func (p *editedRecording) action(name string) *recording.Action {
	for _, l := range p.lines {
		if l.Action != nil && l.Action.Action == name {
			return l.Action
		}
	}
	panic("the recording has no " + name)
}

// found is the nth lookup, counted from 1.
func (p *editedRecording) found(n int) *recording.Lookup {
	for _, l := range p.lines {
		if l.Lookup != nil {
			if n--; n == 0 {
				return l.Lookup
			}
		}
	}
	panic("the recording has fewer lookups")
}

// membership finds the update by which a profile enters or leaves the upload.
func (p *editedRecording) membership(profile, op string) *recording.Update {
	for _, l := range p.lines {
		if u := l.Update; u != nil && u.Profile == profile && u.Changes[len(u.Changes)-1].Op == op && u.Changes[len(u.Changes)-1].Audience == "id-vip" {
			return u
		}
	}
	panic("the recording has no " + op + " of " + profile)
}

// without takes an update out.
func (p *editedRecording) without(gone *recording.Update) {
	p.remove(func(l recording.Line) bool { return l.Update == gone })
}

func (p *editedRecording) end() *recording.End { return p.lines[len(p.lines)-1].End }

// again adds one more attempt of a message, a wait after its last one, and
// reports whether the last one announced it.
func (p *editedRecording) again(message string, last int, wait time.Duration) {
	i := p.at(message, last)
	before := p.lines[i].Attempt
	before.Retry = before.Outcome != "200"
	next := *before
	next.Number, next.At, next.EndedAt, next.Retry = last+1, before.EndedAt.Add(wait), before.EndedAt.Add(wait), false
	r := *p.lines[i-1].Request
	r.Number++
	p.lines = slices.Insert(p.lines, i+1, recording.Line{Request: &r}, recording.Line{Attempt: &next})
}

func (p *editedRecording) remove(gone func(recording.Line) bool) {
	p.lines = slices.DeleteFunc(p.lines, gone)
}

// shift moves the attempts of a message from the nth on, and its drop.
func (p *editedRecording) shift(message string, from int, by time.Duration) {
	for _, l := range p.lines {
		if a := l.Attempt; a != nil && a.Message == message && a.Number >= from {
			a.At, a.EndedAt = a.At.Add(by), a.EndedAt.Add(by)
		}
		if d := l.Drop; d != nil && d.Message == message {
			d.At = d.At.Add(by)
		}
	}
}

// text replaces the body of a message at both ends, in every attempt.
func (p *editedRecording) text(message string, change func(string) string) {
	for i, l := range p.lines {
		if l.Attempt != nil && l.Attempt.Message == message {
			l.Attempt.Body = change(l.Attempt.Body)
			p.lines[i-1].Request.Body = l.Attempt.Body
		}
	}
}

// content changes the body of a message as an object.
func (p *editedRecording) content(message string, change func(map[string]any)) {
	p.text(message, func(s string) string { return edited(s, change) })
}

func edited(body string, change func(map[string]any)) string {
	var object map[string]any
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		panic(err)
	}
	change(object)
	out, _ := json.Marshal(object)
	return string(out)
}

// dig follows the keys of a body.
func dig(object map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		object = object[key].(map[string]any)
	}
	return object
}

func catalogue(t *testing.T) scenarios.Catalogue {
	t.Helper()
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// verdictsOf lists verdicts by rule, or by title where a check has no rule.
func verdictsOf(c reports.Case, verdict reports.Verdict) []string {
	var out []string
	for _, k := range c.Checks {
		name := k.Rule
		if name == "" {
			name = k.Title
		}
		if k.Verdict == verdict && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// judgeOnce leaves the oracle out: the recording is right in what the first judgement
// looks at, and package oracle has tests of its own.
func judgeOnce(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line) reports.Case {
	return conclude(sc, rules, newView(sc, lines).first(rules))
}
