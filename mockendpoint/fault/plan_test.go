package fault

import (
	"math"
	"testing"
)

func TestRequestsAreCountedPerProfile(t *testing.T) {
	p := NewPlan(1,
		Fault{ID: "new", Profiles: func(n string) bool { return n == "a" || n == "b" }, ProfileCount: 2, Requests: Range{First: 2, Last: 3}},
		Fault{ID: "any", Requests: Range{First: 1, Last: 1}},
	)
	var got []string
	for _, profile := range []string{"a", "b", "a", "b", "a", "a", "c"} {
		id := "-"
		if f := p.Request([]string{profile}, Message, 1); f != nil {
			id = f.ID
		}
		got = append(got, id)
	}
	want := []string{"any", "-", "new", "new", "new", "-", "-"}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("faults = %v; want %v", got, want)
		}
	}
	firings := p.Firings()
	if firings[0] != (Firing{"new", 4, 3}) || firings[1] != (Firing{"any", 1, 1}) {
		t.Errorf("Firings = %v; want 3 of 4 and 1 of 1", firings)
	}
}

func TestDecisionRequestsAreApart(t *testing.T) {
	p := NewPlan(1, Fault{ID: "decision", On: Decision}, Fault{ID: "message"})
	if f := p.Request(nil, Decision, 1); f == nil || f.ID != "decision" {
		t.Errorf("a request of the decision met %v", f)
	}
	if f := p.Request([]string{"a"}, Message, 1); f == nil || f.ID != "message" {
		t.Errorf("a message met %v", f)
	}
}

func TestConnections(t *testing.T) {
	p := NewPlan(1, Fault{ID: "accept", Phase: Accept, Connections: Range{First: 2, Last: 2}}, Fault{ID: "hello", Phase: Handshake})
	if f := p.Connection(1, Accept, false); f != nil {
		t.Errorf("connection 1 met %v before accept", f.ID)
	}
	if f := p.Connection(2, Accept, false); f == nil || f.ID != "accept" {
		t.Errorf("connection 2 met %v", f)
	}
	if f := p.Connection(1, Handshake, false); f == nil || f.ID != "hello" {
		t.Errorf("connection 1 met %v in its handshake", f)
	}
	if f := p.Request([]string{"a"}, Message, 1); f != nil {
		t.Errorf("a request met %v, a fault of another phase", f.ID)
	}
}

// The share of requests a fault hits is what the plan says, one seed replays,
// another differs. 10,000 draws: six standard deviations are 0.03.
func TestProbability(t *testing.T) {
	draw := func(seed uint64) (hits []bool, share float64) {
		p := NewPlan(seed, Fault{ID: "chance", Probability: 0.4})
		n := 0
		for range 10_000 {
			hit := p.Request([]string{"a"}, Message, 1) != nil
			hits = append(hits, hit)
			if hit {
				n++
			}
		}
		return hits, float64(n) / 10_000
	}
	first, share := draw(1)
	if math.Abs(share-0.4) > 0.03 {
		t.Errorf("a fault of probability 0.4 hit %.3f of the requests", share)
	}
	again, _ := draw(1)
	other, _ := draw(2)
	same := 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("draw %d differs between two runs of one seed", i)
		}
		if first[i] == other[i] {
			same++
		}
	}
	if same == len(first) {
		t.Error("another seed draws the same")
	}
}

func TestPlanned(t *testing.T) {
	for want, f := range map[int]Fault{
		6: {Profiles: func(string) bool { return true }, ProfileCount: 3, Requests: Range{First: 1, Last: 2}},
		1: {Requests: Range{First: 4, Last: 4}},
		2: {Phase: Accept, Connections: Range{First: 1, Last: 2}},
		0: {Requests: Range{First: 1, Last: 2}, Probability: 0.5},
	} {
		if got := Planned(f); got != want {
			t.Errorf("Planned of %+v = %d; want %d", f, got, want)
		}
	}
}

func TestNilPlanHasNoFaults(t *testing.T) {
	var p *Plan
	if p.Request(nil, Message, 1) != nil || p.Connection(1, Accept, false) != nil || p.Firings() != nil {
		t.Error("a nil plan has faults")
	}
}
