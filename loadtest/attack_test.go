package loadtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// service is a configuration whose endpoint is a URL.
func service(t *testing.T, url, more string) *simulate.Service {
	t.Helper()
	sc, err := scenarios.ParseService("load.yaml", []byte(`
audiences: {customers: {name: Customers}, newsletter: {}}
destination: {endpoint: "`+url+`", `+more+`}
dataflow: {audiences: [customers, newsletter], attributes: [person.name, loyalty.points, not.generated]}
`), time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulate.NewService(sc, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func population(s *simulate.Service, mix Mix) *Population {
	return NewPopulation(Population{Flow: s.Flow, Profiles: 100, Mix: mix, Seed: 1})
}

// Vegeta's requests arrive in the engine's form and with nothing of Vegeta's
// own: body, headers, client certificate, the mTLS decision before them.
func TestAttackArrivesAsTheEngineSends(t *testing.T) {
	kept := &journal.Memory{}
	m, err := StartMock(MockSettings{Mode: mockendpoint.MTLSOnly, Bearer: "s3cret", Journal: kept, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := service(t, m.URL, `auth: {type: bearer, token: s3cret}, headers: "X-Tenant:acme", queryParameters: "source=aep"`)
	sender := delivery.New(delivery.Config{Destination: s.Flow.Flow.Destination, Roots: m.Roots, Certificate: m.Certificate, UserAgent: "httpdest"})
	wire := live.NewWire(sender)
	messages := population(s, DefaultMix()).Messages(10, engine.Batching{})
	began := false
	l, err := Attack{Pace: Constant(100, 300*time.Millisecond), Messages: messages, Settings: s.SettingsFor(true, true), Perform: wire.Perform, To: "mock",
		Objectives: AnswerInTime(), Begun: func() { began = true }}.Run(context.Background())
	wire.Close()
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	if !began || l.Delivered.Count == 0 || l.Delivered.Count != l.Achieved.Count || l.ResponseTime.Count != l.Achieved.Count || l.Mode != Receiver {
		t.Errorf("%+v", l)
	}
	posts := 0
	for _, r := range kept.Requests() {
		if r.Method != "POST" {
			continue
		}
		posts++
		var names []string
		for _, h := range r.Headers {
			names = append(names, h.Name)
		}
		if diff := cmp.Diff([]string{"Host", "User-Agent", "Content-Length", "Authorization", "Content-Type", "X-Tenant"}, names); diff != "" {
			t.Fatalf("headers:\n%s", diff)
		}
		if r.Peer == nil || r.Authorization != journal.Accepted || r.Target != "/?source=aep" || !strings.Contains(string(r.Body), `"segmentMembership"`) {
			t.Fatalf("%+v", r)
		}
	}
	if int64(posts) != l.Achieved.Count {
		t.Errorf("%d arrived, %d were sent", posts, l.Achieved.Count)
	}
}

// One worker, a receiver that takes 100 ms, 50 requests a second: 23 are begun
// of 100, and no number of theirs counts. In virtual time, by Vegeta's own
// loop: with one worker it cannot begin before the one before has ended.
func TestOneWorkerIsInconclusive(t *testing.T) {
	p := newPacer(Constant(50, 2*time.Second))
	r := NewRecorder(p.pace)
	at := time.Duration(0)
	for n := uint64(0); ; n++ {
		wait, stop := p.Pace(at, n)
		if stop {
			break
		}
		at += wait
		due := p.pace.Due(n)
		r.Begin(due, at)
		r.Open(at)
		r.Attempt(at, at+100*time.Millisecond, "200", true)
		at += 100 * time.Millisecond
		r.End(due, at, true)
	}
	l := &reports.Load{Mode: Receiver}
	r.Fill(l, p.pace.Duration())
	r.judge(l, []Objective{objective(t, "service.p50<2s"), objective(t, "response.p50<2s"), objective(t, "p50<10ms")}, generator{workers: 1, mostWorkers: 1})
	if l.Achieved.Count != 23 || l.ServiceTime.P95Ms > 102 || l.ResponseTime.P95Ms < 1500 {
		t.Errorf("%d begun, service p95 %v ms, response p95 %v ms", l.Achieved.Count, l.ServiceTime.P95Ms, l.ResponseTime.P95Ms)
	}
	for _, o := range l.Objectives {
		if o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, "all 1 workers were busy") {
			t.Errorf("%+v", o)
		}
	}
}

// Without an access token nothing is sent.
func TestAttackIsNotReady(t *testing.T) {
	sent := 0
	_, err := Attack{Pace: Constant(10, time.Second), Messages: []*engine.Message{{}}, Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 1, Certificate: engine.NeverPresent, Grant: engine.ClientCredentials},
		Perform: func(_ context.Context, op engine.Operation) engine.Completion {
			sent++
			return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: 500}}
		}}.Run(context.Background())
	if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "the access token could not be obtained") || sent != 1 {
		t.Errorf("%v, %d sent", err, sent)
	}
}

// A run that is stopped has what there was, and no worker is left behind.
func TestAttackIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	l, err := Attack{Pace: Constant(1000, time.Hour), Messages: []*engine.Message{{}}, Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent},
		Perform: func(_ context.Context, op engine.Operation) engine.Completion {
			if op.ID == 20 {
				cancel()
			}
			return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: 204}}
		}, Objectives: AnswerInTime()}.Run(ctx)
	if err != nil || !l.Interrupted || l.Achieved.Count < 20 || l.Seconds > 3000 || l.Unfinished != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// Updates are the same every time, change what the mix says, and lead to
// exports; audiences are as large as was asked for.
func TestPopulation(t *testing.T) {
	s := service(t, "http://127.0.0.1/", "")
	customers, _ := s.Audience("customers")
	newsletter, _ := s.Audience("newsletter")
	p := NewPopulation(Population{Flow: s.Flow, Profiles: 1000, Mix: Mix{Attribute: 50, Audience: 30, Identity: 20}, Seed: 7, Sizes: map[profile.AudienceRef]float64{newsletter: 0.2}})
	again := NewPopulation(Population{Flow: s.Flow, Profiles: 1000, Mix: Mix{Attribute: 50, Audience: 30, Identity: 20}, Seed: 7, Sizes: map[profile.AudienceRef]float64{newsletter: 0.2}})
	ops, exported := map[profile.Op]int{}, 0
	states := map[profile.ID]engine.State{}
	in := map[profile.AudienceRef]int{}
	for n := range uint64(3000) {
		u := p.Update(n)
		if diff := cmp.Diff(u, again.Update(n)); diff != "" {
			t.Fatal(diff)
		}
		ops[u.Changes[0].Op]++
		state, ok := states[u.Profile]
		if !ok {
			state = engine.State{Profile: p.Initial(u.Profile)}
			for _, a := range []profile.AudienceRef{customers, newsletter} {
				if state.Profile.In(a) {
					in[a]++
				}
			}
		}
		state, exports := engine.DecideAll(nil, time.Now(), state, u, s.Flow)
		states[u.Profile] = state
		exported += len(exports)
	}
	if in[customers] != 1000 || in[newsletter] < 150 || in[newsletter] > 250 {
		t.Errorf("members: %v", in)
	}
	if set := ops[profile.Set]; set < 1400 || set > 1600 || ops[profile.AddIdentity] < 500 || ops[profile.Qualify]+ops[profile.Exit] < 800 || ops[profile.Qualify] == 0 || ops[profile.Exit] == 0 {
		t.Errorf("changes: %v", ops)
	}
	if exported < 2500 {
		t.Errorf("%d of 3000 updates led to exports", exported)
	}
	if n := len(p.Messages(50, engine.Batching{Max: 3, Encoding: engine.AsArray})); n < 50 {
		t.Errorf("%d messages", n)
	}
}

func TestParseMix(t *testing.T) {
	if m, err := ParseMix("attribute=70 identity=30"); err != nil || m != (Mix{Attribute: 70, Identity: 30}) {
		t.Errorf("%+v, %v", m, err)
	}
	for text, column := range map[string]int{"": 1, "attribute": 1, "attribute=1 name=2": 13, "audience=x": 1, "audience=0": 1} {
		var e *SyntaxError
		if _, err := ParseMix(text); !errors.As(err, &e) || e.Column != column {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestReadMoments(t *testing.T) {
	for text, want := range map[string][]time.Duration{
		"0.5\n\n2\n": {500 * time.Millisecond, 2 * time.Second},
		"2026-01-15T09:00:00Z\n2026-01-15T09:00:01.25Z\n":                                                                    {0, 1250 * time.Millisecond},
		`{"run":{}}` + "\n" + `{"update":{"at":"2026-01-15T09:00:00Z"}}` + "\n" + `{"update":{"at":"2026-01-15T10:00:00Z"}}`: {0, time.Hour},
		"1768467600\n1768467601.5\n":               {0, 1500 * time.Millisecond},
		"1768467600000\n1768467600250\n":           {0, 250 * time.Millisecond},
		"1768467600000000\n1768467600000250\n":     {0, 250 * time.Microsecond},
		"1768467600000000000\n1768467600000000250": {0, 250},
		"": nil,
	} {
		got, err := ReadMoments(strings.NewReader(text))
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for text, part := range map[string]string{"1\nsoon": `line 2: "soon" is not a time`, "{": "line 1: not a line of a recording", "-1": "line 1"} {
		if _, err := ReadMoments(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
