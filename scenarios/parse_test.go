package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// Positions have their own tests; here they would only hide the values.
var noPositions = cmp.Options{cmpopts.IgnoreTypes(Position{}), cmpopts.IgnoreUnexported(Scenario{})}

func date(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// The example of the design loads, and gets its defaults.
func TestExample(t *testing.T) {
	s, err := Load("testdata/valid/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	audience := func(key, name string) Audience {
		created := date("2025-12-16T09:00:00Z")
		return Audience{Key: key, ID: AudienceID(1, key), Name: name, Namespace: "ups", MergePolicy: "default", Type: "people", Origin: "segmentation",
			CreatedAt: created, UpdatedAt: created.Add(5 * time.Second)}
	}
	one := func(name string) NameRange { return NameRange{Prefix: name} }
	fresh := func(first, last int64) NameRange {
		return NameRange{Prefix: "new-", First: first, Last: last, Numbered: true}
	}
	fault := func(n int, profile string, last, status int, latency time.Duration) Fault {
		return Fault{Fault: faultspec.Fault{ID: fmt.Sprintf("fault-%d", n), ProfileNames: profile, Requests: Count{First: 1, Last: last},
			Status: status, Latency: latency}}
	}
	first := func(name string) map[string]any {
		return map[string]any{"person": map[string]any{"name": map[string]any{"firstName": name}}}
	}
	entered := []string{"audience"}
	want := &Scenario{
		ID:    "scenarios/testdata/valid/example",
		Title: "A hundred members, five new ones, one overwrite: six exports",
		Rules: []string{"incremental", "trig-enter", "trig-overwrite", "all-mapped-attributes", "max-3"},
		Start: date("2026-01-15T09:00:00Z"), Seed: 1, Organisation: Organisation{Edition: "ultimate", Destinations: 1},
		Audiences: []Audience{audience("delorean", "Customers with DeLorean cars"), audience("scifi", "Science fiction fans")},
		Destination: Destination{Name: "mock", Endpoint: "mock", Auth: Auth{Type: "bearer", Token: "s3cret"},
			Headers: "X-Tenant:acme,X-Stage:test", QueryParameters: "source=aep", IncludeSegmentNames: true,
			BatchEncoding: "array", MTLS: "auto", ClientCertificate: "trusted", Retry: Retry{Policy: "documented"}},
		Dataflow: Dataflow{Audiences: []string{"delorean"}, Attributes: []string{"person.name", "personalEmail.address"},
			Activated: true, MaxInFlight: 10, RequireMembership: true, Triggers: allOn},
		Profiles: []ProfileGroup{
			{Names: NameRange{Prefix: "member-", First: 1, Last: 100, Numbered: true}, Attributes: first("Marty"),
				Memberships: []Membership{{Audience: "delorean", Qualified: day}, {Audience: "scifi", Qualified: day}}},
			{Names: fresh(1, 5), Attributes: first("Doc")},
		},
		Platform: Platform{Certificates: []Certificate{{CommonName: "httpdest test client", SAN: []string{"client.test"},
			Issued: date("2025-12-16T09:00:00Z"), Expires: date("2026-12-16T09:00:00Z")}}},
		Endpoint: Endpoint{TLS: "mtls-only", Certificate: "proper", Bearer: "s3cret", Faults: []Fault{fault(1, "new-1", 2, 503, 0),
			fault(2, "new-2", 1, 0, 2500*time.Millisecond), fault(3, "new-3", 3, 500, 0)}},
		History: []Step{
			{At: 2 * time.Hour, Profiles: fresh(1, 5), Changes: []Change{{Op: "qualify", Audience: "delorean"}}},
			{At: 3 * time.Hour, Profiles: one("member-7"), Changes: []Change{{Op: "set", Path: "person.name.firstName", Value: "Marty"}}},
		},
		Expect: []Expectation{
			{Profiles: one("new-1"), Times: 1, Because: entered, Outcomes: []string{"503", "503", "200"},
				After: []time.Duration{0, 15 * time.Second, 30 * time.Second}},
			{Profiles: one("new-2"), Times: 1, Because: entered, Outcomes: []string{"timeout", "200"}},
			{Profiles: one("new-3"), Times: 1, Because: entered, Outcomes: []string{"500", "500", "500"}},
			{Profiles: fresh(4, 5), Times: 1, Because: entered, Outcomes: []string{"200"}},
			{Profiles: one("member-7"), Times: 1, Because: []string{"attribute"}, Payload: first("Marty")},
		},
	}
	if diff := cmp.Diff(want, s, noPositions); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := s.History[1].Pos.String(); got != "testdata/valid/example.yaml:33:5" {
		t.Errorf("the second step is at %s", got)
	}
}

// everything is the file with every key of the format, at values other than
// the defaults.
func everything(t *testing.T) *Scenario {
	t.Helper()
	s, err := Load("testdata/valid/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var allOn = Triggers{"attributeChanges": true, "segmentationChanges": true, "externalSegmentationChanges": true, "identityChanges": true}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, noPositions); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

func many(last int64) NameRange { return NameRange{Prefix: "m-", First: 1, Last: last, Numbered: true} }

func TestEverythingGiven(t *testing.T) {
	s := everything(t)
	if got := s.Title + s.Start.String() + s.Until.String(); got != "Every key of the format2026-03-01 09:00:00 +0000 UTC36h0m0s" || s.Seed != 7 || !s.OthersAllowed {
		t.Errorf("top level: %q, %d, %v", got, s.Seed, s.OthersAllowed)
	}
	same(t, "audiences", s.Audiences, []Audience{
		{Key: "a", ID: "a-1", Name: "Audience A", Namespace: "CustomerAudienceUpload", MergePolicy: "other", Type: "people", Origin: "segmentation", CreatedAt: date("2026-01-01T00:00:00Z"), UpdatedAt: date("2026-01-02T00:00:00Z")},
		{Key: "b", ID: AudienceID(7, "b"), Name: "b", Namespace: "ups", MergePolicy: "default", Type: "people", Origin: "segmentation", CreatedAt: date("2026-01-30T09:00:00Z"), UpdatedAt: date("2026-01-30T09:00:05Z")},
		{Key: "c", ID: AudienceID(7, "c"), Name: "c", Namespace: "ups", MergePolicy: "default", Type: "people", Origin: "segmentation", CreatedAt: date("2026-02-01T00:00:00Z"), UpdatedAt: date("2026-02-01T00:00:05Z")},
		{Key: "d", ID: AudienceID(7, "d"), Name: "d", Namespace: "ups", MergePolicy: "default", Type: "people", Origin: "segmentation", CreatedAt: date("2025-01-31T23:59:55Z"), UpdatedAt: date("2025-02-01T00:00:00Z")},
		{Key: "u", ID: "vip", Name: "u", Namespace: "CustomerAudienceUpload", MergePolicy: "default", Type: "people", Origin: "segmentation", Status: "draft",
			CreatedAt: date("2026-01-30T09:00:00Z"), UpdatedAt: date("2026-01-30T09:00:05Z"), Upload: &Upload{
				Rows: "name,mail\na,b\n\n", Identity: "mail", Namespace: "email", ExternalID: "vip", At: time.Hour, Delay: time.Minute, TTL: 90 * day,
				Created: NameRange{Prefix: "u-row-", First: 1, Last: 3, Numbered: true}}},
	})
	same(t, "platform", s.Platform, Platform{Certificates: []Certificate{
		{"one", []string{"a.test", "b.test"}, date("2025-06-01T00:00:00Z"), date("2026-06-01T00:00:00Z"), Position{}},
		{"httpdest test client", []string{"c.test"}, date("2026-01-30T09:00:00Z"), date("2027-01-30T09:00:00Z"), Position{}}}})
	same(t, "destination", s.Destination, Destination{Name: "CRM", Endpoint: "mock", Auth: Auth{Type: "none"}, IncludeSegmentTimestamps: true,
		MaxProfilesPerRequest: 3, BatchEncoding: "profiles", MTLS: "never", ClientCertificate: "untrusted",
		Retry: Retry{Policy: "custom", Delays: []time.Duration{time.Second, 2500 * time.Millisecond}, Statuses: []int{503, 429}, ObserveRetryAfter: true}})
	same(t, "dataflow", s.Dataflow, Dataflow{Audiences: []string{"a"}, Attributes: []string{"person"}, MaxInFlight: 2,
		Triggers: Triggers{"attributeChanges": true, "segmentationChanges": true, "externalSegmentationChanges": true, "identityChanges": false}})
	attributes := func(count string, mail string) map[string]any {
		return map[string]any{"since": "2026-01-15", "count": json.Number(count), "share": json.Number("0.5"), "on": true,
			"list": []any{"a", map[string]any{"b": "c"}}, "mail": mail}
	}
	same(t, "profiles", s.Profiles, []ProfileGroup{
		{Names: many(1_000_000), Memberships: []Membership{{Audience: "a", Qualified: day}, {Audience: "b", Qualified: day}},
			Attributes: attributes("5", "m-{n}@example.com"), Identities: []Identity{{"email", "m-{n}@example.com"}}},
		{Names: NameRange{Prefix: "n"}, NoIdentity: true, Attributes: attributes("6", "n@example.com"), Memberships: []Membership{
			{"a", true, 48 * time.Hour, 24 * time.Hour}, {"b", true, 36 * time.Hour, 12 * time.Hour},
			{"c", false, time.Hour, 0}, {"d", false, day, 0}}},
		{Names: NameRange{Prefix: "o"}},
		{Names: NameRange{Prefix: "g-", First: 1, Last: 9, Numbered: true}, Generate: &Generate{Seed: new(uint64(9)),
			Audiences: []AudienceShare{{"a", 0.3}, {"b", 0.3}}, Attributes: []string{"person", "loyalty"}, Identities: []string{"crm", "email"}}},
		{Names: NameRange{Prefix: "u-row-", First: 1, Last: 3, Numbered: true}, NoIdentity: true, UploadOf: "u"},
	})
	same(t, "endpoint", s.Endpoint, Endpoint{TLS: "mtls-optional", Certificate: "proper", Faults: []Fault{
		{Fault: faultspec.Fault{ID: "broken", ProfileNames: "m-{1..2}", Requests: Count{First: 2}, Probability: 0.25, Status: 503,
			Latency: 100 * time.Millisecond, Headers: map[string]string{"Retry-After": "120"}}},
		{Fault: faultspec.Fault{ID: "fault-2", HeadersAt: time.Second, SlowBody: 3 * time.Second}},
		{Fault: faultspec.Fault{ID: "fault-3", Connections: Count{First: 1, Last: 3}, Reset: true, Phase: "handshake"}},
		{Fault: faultspec.Fault{ID: "fault-4", On: "decision", Stall: true}},
		{Fault: faultspec.Fault{ID: "fault-5", Requests: Count{First: 4, Last: 4}, Reset: true, Phase: "body"}},
	}})
}

func TestEverythingThatHappens(t *testing.T) {
	s := everything(t)
	n := NameRange{Prefix: "n"}
	qualify := []Change{{Op: "qualify", Audience: "c"}}
	same(t, "history", s.History, []Step{
		{Profiles: NameRange{Prefix: "m-4"}, Changes: []Change{
			{Op: "add-identity", Identity: Identity{"email", "x"}}, {Op: "add-identity", Identity: Identity{"email", "y"}},
			{Op: "remove-identity", Identity: Identity{"phone", "1"}}, {Op: "replace-identity", Identity: Identity{"crm", "{n}"}, To: "x{n}"}}},
		{At: time.Hour, Action: "activate"},
		{At: time.Hour, Profiles: n, Changes: qualify},
		{At: 2 * time.Hour, Profiles: many(2), Changes: []Change{
			{Op: "set", Path: "person.name", Value: "Doc"}, {Op: "set", Path: "person.age", Value: json.Number("7")},
			{Op: "remove", Path: "x.y"}, {Op: "exit", Audience: "a"}, {Op: "exit", Audience: "b"}}},
		{At: 150 * time.Minute, Profiles: n, Changes: qualify},
		{At: 3 * time.Hour, Action: "unmap", Targets: []string{"a"}},
		{At: 3 * time.Hour, Action: "map", Targets: []string{"a"}},
		{At: 3 * time.Hour, Action: "disable"},
		{At: 3 * time.Hour, Action: "enable"},
		{At: 3 * time.Hour, Action: "triggers", Triggers: Triggers{"attributeChanges": false, "identityChanges": true}},
		{At: 3 * time.Hour, Action: "rename", Targets: []string{"a", "b"}, Names: []string{"Another", "Others"}},
		{At: 4 * time.Hour, Action: "refresh", Targets: []string{"u"}},
		{At: 4 * time.Hour, Action: "lookup", Lookup: &Lookup{What: "public-certificate", Page: "0", Limit: "x", Without: []string{"x-api-key"}}},
		{At: 4 * time.Hour, Action: "lookup", Lookup: &Lookup{What: "egress-addresses", Region: "VA7", Address: "192.0.2.1"}},
		{At: 4 * time.Hour, Action: "delete"},
	})
	two, one := 2*time.Hour, time.Hour
	same(t, "expect", s.Expect, []Expectation{
		{Rule: "trig-enter", Profiles: many(2), Times: 2, Because: []string{"audience", "attribute"}, At: &two, Within: &one,
			Outcomes: []string{"503", "tls"}, After: []time.Duration{0, time.Second},
			Payload:   map[string]any{"segmentMembership": map[string]any{}},
			Audiences: []AudienceEntry{{Audience: "a", Status: "exited"}, {"b", "realized", true, "B", true}}, HasAudience: true,
			Attributes: map[string]any{}, Identities: []Identity{{"email", "m-{n}@example.com"}}, HasIdentity: true,
			Absent: []string{"person.name"}, Certificate: "none", Together: 2},
		{Profiles: n, Times: 1, Audiences: []AudienceEntry{}, HasAudience: true, Identities: []Identity{}, HasIdentity: true},
		{Profiles: n, Times: 1, Audiences: []AudienceEntry{{Audience: "c", Status: "realized"}}, HasAudience: true},
		{Profiles: NameRange{Prefix: "o"}, Times: 1, None: true},
		{Times: 1, Decision: "tls-enabled"},
		{Times: 3, Handshakes: "refused", Reason: "unknown-ca"},
		{Times: 1, Lookup: &LookedUp{What: "public-certificate", Status: 403, Total: new(int64(2)), Count: new(int64(1)), HasResults: true, HasLinks: true,
			Certificates: []ExpectedCertificate{{"one", []string{"a.test"}, date("2026-06-01T00:00:00Z")}}, Links: []string{"next", "page"}}},
		{Times: 1, Lookup: &LookedUp{What: "egress-addresses", Allowed: new(false)}},
	})
}

// Only derived ids follow the seed.
func TestWithSeed(t *testing.T) {
	s := everything(t)
	other := s.WithSeed(8)
	if other.Seed != 8 || other.Audiences[0].ID != "a-1" || other.Audiences[1].ID != AudienceID(8, "b") {
		t.Errorf("seed %d: %v", other.Seed, other.Audiences)
	}
	if s.Seed != 7 || s.Audiences[1].ID != AudienceID(7, "b") {
		t.Error("WithSeed changed its receiver")
	}
	if diff := cmp.Diff(s, other.WithSeed(7), cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
		t.Errorf("there and back: %s", diff)
	}
}

func TestSynthetic(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(3) {
		for i := range 200 {
			id := ECID(seed, fmt.Sprintf("member-%d", i))
			if len(id) != 38 || id[0] == '0' || strings.Trim(id, "0123456789") != "" || seen[id] {
				t.Fatalf("ECID = %q", id)
			}
			seen[id] = true
		}
	}
	// Pinned: recordings of the past must stay judgeable.
	if got := ECID(1, "member-7"); got != "38891934960242822877900089125687726649" {
		t.Errorf("ECID = %s", got)
	}
	if got := AudienceID(1, "delorean"); got != "cbe063d7-24bf-4548-a041-7c3877d8142a" {
		t.Errorf("AudienceID = %s", got)
	}
}

func TestExpand(t *testing.T) {
	value := map[string]any{"mail": "m-{n}@{n}", "list": []any{"{n}", int64(1), true}, "{n}": "x"}
	want := map[string]any{"mail": "m-12@12", "list": []any{"12", int64(1), true}, "{n}": "x"}
	if diff := cmp.Diff(want, Expand(value, 12)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if value["mail"] != "m-{n}@{n}" {
		t.Error("Expand changed its argument")
	}
}

// A secret shows in no format of the scenario.
func TestSecret(t *testing.T) {
	s, err := Load("testdata/valid/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := s.Endpoint.Bearer.MarshalText()
	if all := fmt.Sprintf("%v %+v %#v %s", s.Destination, s.Endpoint, s.Destination, text); strings.Contains(all, "s3cret") {
		t.Error(all)
	}
}

// Whatever the bytes, there is a scenario or at least one located problem, and
// no panic.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/valid/*.yaml", "testdata/broken/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := Parse("fuzz.yaml", content)
		if err == nil {
			if s.Title == "" || len(s.Rules) == 0 || len(s.History) > maxSteps {
				t.Errorf("accepted %+v", s)
			}
			return
		}
		if problems, ok := err.(Problems); s != nil || !ok || len(problems) == 0 {
			t.Errorf("Parse = %v, %T", s, err)
		}
	})
}
