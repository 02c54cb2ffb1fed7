package fault

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fault that is armed, with its defaults filled in, is written as it was read.
func TestArmedFaultsAreWrittenAsTheyWereRead(t *testing.T) {
	for _, text := range []string{
		`{"status":503}`, `{"rate":2.5}`, `{"status":503,"rate":10,"burst":5}`, `{"connections":1,"at":"accept","stall":true}`,
		`{"connections":"1-","on":"token","at":"handshake","latency":"1s","garbage":true}`,
		`{"id":"a","profiles":"new-{1..5}","requests":"1-2","status":503,"headers":{"Retry-After":"5"}}`,
	} {
		s, err := ParseSpec([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		f, err := s.Fault()
		if err != nil {
			t.Fatal(err)
		}
		written, err := json.Marshal(SpecOf(NewPlan(1, f).List()[0].Fault))
		if err != nil || string(written) != text {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
	}
}

// A fault selects by the names that it has as text, unless it has a function.
func TestProfileNamesSelect(t *testing.T) {
	p := NewPlan(1, Fault{ID: "range", ProfileNames: "a-{1..2}", Requests: Range{First: 1, Last: 1}},
		Fault{ID: "wrong", ProfileNames: "b-{2..1}", Requests: Range{First: 1, Last: 1}})
	for _, c := range []struct{ profile, id string }{{"a-1", "range"}, {"a-2", "range"}, {"a-3", ""}, {"b-1", ""}} {
		if f := p.Request([]string{c.profile}, Message, 1); (f != nil) != (c.id != "") || f != nil && f.ID != c.id {
			t.Errorf("%s met %v; want %q", c.profile, f, c.id)
		}
	}
	if planned := Planned(Fault{ProfileNames: "a-{1..2}", Requests: Range{First: 1, Last: 3}}); planned != 6 {
		t.Errorf("planned %d; want 3 requests of two profiles", planned)
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add([]byte(`{"profiles":"new-{1..5}","requests":"1-2","latency":{"distribution":"percentiles","percentiles":{"50":"200ms","100":"3s"}},"headers":{"A":1}}`))
	f.Add([]byte(`{"rate":1,"burst":2,"from":"1d","until":"2d","every":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		written, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseSpec(written)
		if err != nil {
			t.Fatalf("%s was read, but not %s: %v", text, written, err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatalf("%s: %s", text, diff)
		}
		planned, err := s.Fault()
		if err != nil {
			t.Fatal(err)
		}
		p := NewPlan(1, planned)
		p.Request([]string{"new-1"}, planned.On, 1)
		p.Connection(1, planned.Phase, planned.On == Token)
	})
}
