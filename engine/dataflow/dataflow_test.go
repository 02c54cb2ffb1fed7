package dataflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

func TestParseHeaders(t *testing.T) {
	tests := []struct {
		line     string
		want     []Header
		problems int
	}{
		{"", nil, 0},
		{"  ", nil, 0},
		{"X-A:1", []Header{{"X-A", "1"}}, 0},
		{" x-a : 1 , X-A:2", []Header{{"x-a", "1"}, {"X-A", "2"}}, 0},
		{"X-Callback:https://example.com:8443/a", []Header{{"X-Callback", "https://example.com:8443/a"}}, 0},
		{"X-Empty:", []Header{{"X-Empty", ""}}, 0},
		{"X-A", nil, 1},
		{"X A:1", nil, 1},
		{":1,X-B:2,", []Header{{"X-B", "2"}}, 2},
		{"X-A:1\r\nX-B:2", nil, 1},
		{"Host:a,content-length:3,Transfer-Encoding:chunked,Content-Type:text/plain", nil, 4},
	}
	for _, tt := range tests {
		got, problems := ParseHeaders(tt.line)
		if diff := cmp.Diff(tt.want, got); diff != "" || len(problems) != tt.problems {
			t.Errorf("ParseHeaders(%q): %d problems %v; want %d (-want +got):\n%s", tt.line, len(problems), problems, tt.problems, diff)
		}
	}
}

func FuzzParseHeaders(f *testing.F) {
	for _, seed := range []string{"", "h1:v1,h2:v2", "a:b:c", ",", "X-A:1\n", "é:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		headers, problems := ParseHeaders(line)
		for _, h := range headers {
			if !isToken(h.Name) || strings.ContainsAny(h.Value, ",\r\n\x00") {
				t.Errorf("ParseHeaders(%q) let %+v through", line, h)
			}
		}
		for _, p := range problems {
			if p.Message == "" || p.Hint == "" {
				t.Errorf("ParseHeaders(%q) has a problem without words: %+v", line, p)
			}
		}
	})
}

func TestURL(t *testing.T) {
	for _, tt := range []struct{ endpoint, query, want string }{
		{"https://h.test/p", "", "https://h.test/p"},
		{"https://h.test/p", "a=1&b=2", "https://h.test/p?a=1&b=2"},
		{"https://h.test/p?x=0", "?a=%2F&a=%2F", "https://h.test/p?x=0&a=%2F&a=%2F"},
	} {
		if got := (Destination{Endpoint: tt.endpoint, QueryParameters: tt.query}).URL().String(); got != tt.want {
			t.Errorf("URL of %q and %q = %q; want %q", tt.endpoint, tt.query, got, tt.want)
		}
	}
}

var (
	a1 = profile.AudienceRef{Namespace: "ups", ID: "a1"}
	a2 = profile.AudienceRef{Namespace: "ups", ID: "a2"}
)

func valid() Dataflow {
	return Dataflow{
		Destination: Destination{Name: "d", Endpoint: "https://h.test/p", Auth: Auth{Kind: AuthBearer, Token: "t"}, MTLS: Auto},
		Audiences:   []profile.AudienceRef{a1}, Attributes: []profile.Path{"person.name"}, MaxInFlight: 1,
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	directory := audience.NewDirectory(audience.Audience{Ref: a1})
	if err := valid().Validate(directory); err != nil {
		t.Fatalf("a valid dataflow: %v", err)
	}
	f := valid()
	f.Destination.Endpoint = "ftp://h.test"
	f.Destination.Headers = "bad"
	f.Destination.QueryParameters = "a=1#b"
	f.Destination.Auth = Auth{Kind: AuthBearer, Token: " "}
	f.Destination.MTLS = "perhaps"
	f.Destination.MaxProfilesPerRequest, f.Destination.BatchEncoding = 11, "list"
	f.Destination.Alerts = []Alert{{Kind: SkippedRate}, {Kind: FailedRate}, {Kind: SkippedRate}}
	f.Audiences = []profile.AudienceRef{a1, a1, a2}
	f.Attributes = []profile.Path{"person..name", "identityMap.ecid", "segmentMembership"}
	f.MaxInFlight = 0
	err := f.Validate(directory)
	var invalid Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("Validate = %v; want Invalid", err)
	}
	var paths []string
	for _, p := range invalid {
		paths = append(paths, p.Path)
	}
	want := []string{"destination.endpoint", "destination.headers", "destination.queryParameters", "destination.auth.token", "destination.maxProfilesPerRequest",
		"destination.batchEncoding", "destination.mtls",
		"destination.alerts[1]", "destination.alerts[2]", "dataflow.audiences[1]", "dataflow.audiences[2]",
		"dataflow.attributes[0]", "dataflow.attributes[1]", "dataflow.attributes[2]", "dataflow.maxInFlight"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", diff, err)
	}
}

// R129: one alert for a streaming destination, two more in the extended set,
// none of those for files.
func TestAlertSet(t *testing.T) {
	all := []AlertKind{SkippedRate, FailedRate, StreamingCompleted, RunDelay, RunFailure, RunSuccess, RunStart}
	for _, tt := range []struct {
		extended bool
		want     []AlertKind
	}{{false, all[:1]}, {true, all[:3]}} {
		var got []AlertKind
		for _, kind := range all {
			f := valid()
			f.Destination.ExtendedAlerts = tt.extended
			f.Destination.Alerts = []Alert{{Kind: kind, Threshold: OnePercent}}
			if err := f.Validate(audience.NewDirectory(audience.Audience{Ref: a1})); err == nil {
				got = append(got, kind)
			} else if !strings.Contains(err.Error(), string(kind)) {
				t.Errorf("%s: %v does not name it", kind, err)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("extended %t: alerts that can be selected (-want +got):\n%s", tt.extended, diff)
		}
	}
}

// A63: with an authentication a custom Authorization header is dropped, with a
// warning and not an error.
func TestCustomAuthorizationIsAWarning(t *testing.T) {
	f := valid()
	f.Destination.Headers = "authorization:Digest x"
	directory := audience.NewDirectory(audience.Audience{Ref: a1})
	if err := f.Validate(directory); err != nil {
		t.Errorf("Validate = %v; want nil", err)
	}
	w := slices.DeleteFunc(f.Problems(directory), func(p Problem) bool { return p.Level == Advice })
	if len(w) != 1 || w[0].Path != "destination.headers" || w[0].Level != Warning {
		t.Errorf("Problems = %v; want one warning about headers", w)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	auth := Auth{Kind: AuthBearer, Token: "s3cret"}
	j, err := json.Marshal(auth)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(auth), fmt.Sprintf("%+v", auth), fmt.Sprintf("%#v", auth), fmt.Sprintf("%q", auth.Token), string(j)} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("the token shows in %q", text)
		}
	}
}

// R80: a name is that of the first mapping, until the dataflow is deleted.
func TestNamesAreStatic(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	s := NewSnapshot(Dataflow{Audiences: []profile.AudienceRef{a1}}, audience.NewDirectory(audience.Audience{Ref: a1, Name: "one", UpdatedAt: at.Add(-time.Hour)}))
	before, _ := s.Activate(at)
	after := before.Rename(at.Add(time.Hour), a1, "uno")
	if got := after.Mapped[a1].Name; got != "one" {
		t.Errorf("the name of the mapping is %q after the renaming; want one", got)
	}
	if a := after.Directory[a1]; a.Name != "uno" || !a.UpdatedAt.Equal(at.Add(time.Hour)) {
		t.Errorf("the audience is %+v after the renaming", a)
	}
	if before.Directory[a1].Name != "one" {
		t.Error("the renaming changed the snapshot before it")
	}
	again, backfill := after.Unmap(a1).Map(at.Add(2*time.Hour), a1)
	if got := again.Mapped[a1].Name; got != "one" || backfill != nil {
		t.Errorf("mapped again: the name %q, and a backfill of %v; want one, and none", got, backfill)
	}
	gone := again.SetEnabled(false).Delete()
	if len(gone.Mapped) > 0 || gone.Exports() || !gone.Enabled {
		t.Errorf("after the deletion %v is mapped, active %v, enabled %v", gone.Mapped, gone.Active, gone.Enabled)
	}
	if empty, backfill := gone.Activate(at); len(empty.Mapped) > 0 || len(backfill) > 0 {
		t.Errorf("the dataflow after it maps %v and backfills %v; want nothing", empty.Mapped, backfill)
	}
	anew, _ := gone.Map(at, a1)
	anew, backfill = anew.Activate(at.Add(3 * time.Hour))
	if got := anew.Mapped[a1].Name; got != "uno" || len(backfill) != 1 {
		t.Errorf("of the next dataflow: the name %q, and a backfill of %v; want uno, and one", got, backfill)
	}
}

func TestMapping(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 123456789, time.UTC)
	s := NewSnapshot(Dataflow{Audiences: []profile.AudienceRef{a1}}, audience.NewDirectory(audience.Audience{Ref: a1, Name: "one"}))
	if s.Exports() {
		t.Error("a dataflow exports before it is activated")
	}
	early, backfill := s.Map(at, a2)
	if len(backfill) != 0 || len(early.Mapped) != 0 {
		t.Errorf("mapping before the activation backfills %v, maps %v; want nothing yet", backfill, early.Mapped)
	}
	if fewer, _ := early.Unmap(a2).Activate(at); len(fewer.Mapped) != 1 {
		t.Errorf("what was unmapped before the activation is mapped by it: %v", fewer.Mapped)
	}
	active, backfill := early.Activate(at)
	if diff := cmp.Diff([]profile.AudienceRef{a1, a2}, backfill); diff != "" {
		t.Errorf("backfill of the activation (-want +got):\n%s", diff)
	}
	if m := active.Mapped[a1]; m.Name != "one" || !m.CreatedAt.Equal(at.Truncate(time.Second)) {
		t.Errorf("mapping = %+v; want the name and whole seconds", m)
	}
	again, backfill := active.Unmap(a1).Map(at.Add(time.Hour), a1)
	if len(backfill) != 0 || len(again.Mapped) != 2 {
		t.Errorf("re-mapping backfills %v, maps %v; want nothing and two", backfill, again.Mapped)
	}
	if len(s.Mapped) != 0 || len(active.Mapped) != 2 {
		t.Error("an earlier snapshot was modified")
	}
	if active.SetEnabled(false).Exports() || !active.Exports() {
		t.Error("disabling must stop exports of the new snapshot alone")
	}
}

// Only a published audience can be mapped.
func TestUnpublishedAudiences(t *testing.T) {
	ref := profile.AudienceRef{Namespace: "ups", ID: "a"}
	f := Dataflow{Destination: Destination{Name: "d", Endpoint: "https://receiver.test/in", Auth: Auth{Kind: AuthNone}, MTLS: Auto}, MaxInFlight: 1, Audiences: []profile.AudienceRef{ref}}
	for status, want := range map[audience.Status]string{"": "", audience.Published: "", audience.Draft: "audience a is draft", audience.Inactive: "audience a is inactive", audience.Deleted: "audience a is deleted"} {
		err := f.Validate(audience.NewDirectory(audience.Audience{Ref: ref, Status: status}))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("status %q: %v; want %q", status, err, want)
		}
	}
}
