package scenarios_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// sameScenario compares two scenarios but for where they were read.
var sameScenario = cmp.Options{
	cmpopts.IgnoreTypes(scenarios.Position{}), cmpopts.IgnoreUnexported(scenarios.Scenario{}), cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

// readsBack returns how a scenario differs from the one that its own text
// gives.
func readsBack(t interface {
	Helper()
	Fatalf(string, ...any)
}, sc *scenarios.Scenario) string {
	t.Helper()
	content, err := scenarios.Encode(sc)
	if err != nil {
		t.Fatalf("Encode(%s): %v", sc.ID, err)
	}
	again, err := scenarios.Parse(sc.ID+".yaml", content)
	if err != nil {
		t.Fatalf("%s does not read back: %v\n%s", sc.ID, err, content)
	}
	return cmp.Diff(sc, again, sameScenario)
}

// Every case of the library reads back from what Encode writes of it. A field
// that the format gains and the writer forgets is seen here.
func TestEncodeTheLibrary(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, sc := range cases {
		if diff := readsBack(t, sc); diff != "" {
			t.Errorf("%s (-was +read back):\n%s", sc.ID, diff)
		}
	}
}

// The configuration of an engine that runs as a service is the same for every
// case of the library when it is read back from the text of EncodeService.
func TestEncodeTheLibraryForAService(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, sc := range cases {
		for i := range sc.Audiences {
			if u := sc.Audiences[i].Upload; u != nil { // the file is sent to the service
				sc.Audiences[i].Upload = &scenarios.Upload{Identity: u.Identity, Namespace: u.Namespace, ExternalID: u.ExternalID, Delay: u.Delay, TTL: u.TTL}
			}
		}
		const url = "https://receiver.test/profiles"
		if sc.Destination.Endpoint == "mock" {
			sc.Destination.Endpoint = url
		}
		if sc.Flows != nil {
			for i := range sc.Flows.Destinations {
				sc.Flows.Destinations[i].Endpoint, sc.Flows.Endpoints[i] = url, scenarios.Endpoint{}
			}
		}
		content, err := scenarios.EncodeService(sc)
		if err != nil {
			t.Fatalf("EncodeService(%s): %v", sc.ID, err)
		}
		again, err := scenarios.ParseService("serve.yaml", content, time.Now())
		if err != nil {
			t.Fatalf("%s does not read back: %v\n%s", sc.ID, err, content)
		}
		configured := func(s *scenarios.Scenario) scenarios.Scenario {
			return scenarios.Scenario{Seed: s.Seed, Audiences: s.Audiences, Organisation: s.Organisation, Users: s.Users,
				Destination: s.Destination, Dataflow: s.Dataflow, Flows: s.Flows}
		}
		want, got := configured(sc), configured(again)
		if diff := cmp.Diff(&want, &got, sameScenario); diff != "" {
			t.Errorf("%s (-was +read back):\n%s", sc.ID, diff)
		}
	}
}

// Forms that no case of the library uses.
const everything = `
title: "everything: that can be said"
rules: [trig-enter, max-3]
start: 2026-02-03T04:05:06.789Z
until: 3h
seed: 7
audiences:
  a: {id: A_1, name: "The first, of all", namespace: CustomerAudienceUpload, mergePolicy: m, createdAt: 2025-01-01T00:00:00Z, updatedAt: 2025-01-02T00:00:00Z}
  "on": {type: account, origin: federated, labels: [C1, "C 2"]}
organisation:
  edition: prime
  destinations: 7
  mergePolicies: {m: {class: c, default: true}, n: {}}
  eventAttributes: [commerce.order]
  labels: {person.name: [C4]}
  policies: {p: {action: advertising, labels: [C4], enabled: false}}
users: {connects: [View Destinations], activates: []}
destination:
  marketingActions: [advertising]
  name: a name
  auth: {type: bearer, token: "s3 cret: #1"}
  headers: "X-A:1,X-B:2"
  queryParameters: "a=1&b=2"
  includeSegmentNames: true
  includeSegmentTimestamps: true
  includeMappedAudiencesOnly: true
  maxProfilesPerRequest: 4
  batchEncoding: profiles
  mtls: never
  clientCertificate: untrusted
  readings: {timeFormat: offset, externalAudiences: own-switch, exitTime: exit, exitsCarried: 90d, backfillWithin: 90m}
  retry: {delays: [1s, 2.5s], statuses: [500, 503], observeRetryAfter: true}
dataflow: {audiences: [a], attributes: [person.name, x], maxInFlight: 3, requireMembership: false, triggers: {segmentationChanges: false}}
profiles:
  p-{1..3}:
    audiences: {a: {qualified: 2d}, "on": {exited: 1h, qualified: 3h}}
    attributes: {person: {name: "p {n}", "odd key": [1, 2.0, 1e3, true, "007", "", {deep: {}}]}, big: 9007199254740993}
    identities: {crm: ["c-{n}", "d-{n}"], Email: "p-{n}@example.com"}
  nobody: {identities: none}
  made-{1..9}: {generate: {seed: 3, audiences: {a: 30%}, attributes: [person], identities: []}}
endpoint:
  tls: mtls-optional
  bearer: other
  faults:
    - {id: first, profile: p-1, requests: 2-3, status: 503, headers: {Retry-After: "120"}, probability: 0.5}
    - {requests: 4-, latency: 1.5s}
    - {at: accept, connections: 1-2, stall: true}
    - {at: body, profiles: "p-{1..2}", reset: true}
    - {on: decision, headersAt: 1s, slowBody: 2s}
    - {from: 1h, until: 90m, every: 3, connections: 2-, close: true, latency: {distribution: uniform, min: 1ms, max: 1.5s}}
    - {at: end, halfClose: true, latency: {distribution: normal, mean: 1s, deviation: 200ms}}
    - {garbage: true, latency: {distribution: log-normal, median: 300ms, sigma: 0.8}}
    - {malformedChunk: true, latency: {distribution: percentiles, percentiles: {0: 1ms, 99.9: 1s, "100": 3s}}}
    - {endless: true}
    - {rate: 2.5, burst: 7, headers: {X-Limit: "2"}}
    - {rate: 100, status: 503}
history:
  - {at: 1h, qualify: [a, "on"], set: {x: 1, person.name: Doc}, remove: person.age, addIdentity: {phone: "+1{n}"}, profiles: "p-{1..2}"}
  - {at: 2h, removeIdentity: {crm: ["c-{n}", "d-{n}"]}, replaceIdentity: {Email: {from: a@b, to: c@d}}, profile: p-3}
  - {at: 90m, map: ["on"]}
  - {at: 91m, unmap: a}
  - {at: 92m, disable: true}
  - {at: 93m, enable: true}
  - {at: 94m, label: {person.name: [C4, C5], x: C1}}
  - {at: 94m, triggers: {segmentationChanges: true, identityChanges: false}}
  - {at: 95m, rename: {a: "Another: name", "on": Off}}
  - {at: 96m, delete: true}
  - {at: 97m, activate: true}
expect:
  - {decision: undecided, rule: max-3}
  - {handshakes: refused, reason: certificate-required, times: 2}
  - {profile: nobody, exports: none}
  - {profiles: "p-{1..2}", times: 2, because: [audience, attribute], at: 1h, within: 5s, outcomes: [503, timeout, 200], after: [0s, 15s, 30s],
     payload: {person: {name: Doc}}, audiences: {a: realized, "on": {status: exited, name: x, timestamps: true}}, attributes: {x: 1},
     identities: {crm: "c-{n}"}, absent: [person.age], certificate: none, together: 3}
  - {profile: p-3, audiences: [a], identities: {}}
others: allowed
`

func TestEncodeEverything(t *testing.T) {
	sc, err := scenarios.Parse("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	if diff := readsBack(t, sc); diff != "" {
		t.Errorf("(-was +read back):\n%s", diff)
	}
}

// An update whose changes no file can put in this order is an error, not
// another update.
func TestEncodeWhatNoFileCanSay(t *testing.T) {
	sc, err := scenarios.Parse("everything.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	c := sc.History[0].Changes
	sc.History[0].Changes = append(c[1:len(c):len(c)], c[0])
	if _, err := scenarios.Encode(sc); err == nil {
		t.Error("qualify, others and qualify again were written as one step")
	}
}
