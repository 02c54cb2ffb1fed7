package fault

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// at is a plan on a clock that is set.
func at(faults ...Fault) (p *Plan, set func(time.Duration)) {
	start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	now := start
	p = NewPlan(1, faults...)
	p.Begin(func() time.Time { return now })
	return p, func(d time.Duration) { now = start.Add(d) }
}

// met names the fault of one request, "-" for none.
func met(p *Plan, connection int) string {
	if f := p.Request(nil, Message, connection); f != nil {
		return f.ID
	}
	return "-"
}

func TestWindows(t *testing.T) {
	p, set := at(Fault{ID: "f", From: time.Hour, Until: 2 * time.Hour, Requests: Range{First: 2, Last: 3}},
		Fault{ID: "c", Phase: Accept, Until: time.Hour})
	for _, c := range []struct {
		at   time.Duration
		want string
	}{
		{0, "-"}, {time.Hour - 1, "-"}, {time.Hour, "-"}, {time.Hour, "f"}, {2*time.Hour - 1, "f"}, {2*time.Hour - 1, "-"}, {2 * time.Hour, "-"}, {3 * time.Hour, "-"},
	} {
		set(c.at)
		if got := met(p, 1); got != c.want {
			t.Errorf("at %s: %s; want %s", c.at, got, c.want)
		}
		if got := p.Connection(1, Accept, false) != nil; got != (c.at < time.Hour) {
			t.Errorf("at %s a connection is hit: %v", c.at, got)
		}
	}
}

func TestEveryNth(t *testing.T) {
	p, _ := at(Fault{ID: "e", Requests: Range{First: 2, Last: 8}, Every: 3}, Fault{ID: "c", Phase: Accept, Every: 4})
	var got []int
	for n := 1; n <= 12; n++ {
		if met(p, 1) == "e" {
			got = append(got, n)
		}
	}
	if !slices.Equal(got, []int{4, 7}) {
		t.Errorf("hit %v; want 4 and 7", got)
	}
	if f := p.Firings()[0]; f != (Firing{"e", 2, 2}) {
		t.Errorf("%v; want 2 of 2", f)
	}
	for n := 1; n <= 8; n++ {
		if hit := p.Connection(n, Accept, false) != nil; hit != (n%4 == 0) {
			t.Errorf("connection %d is hit: %v", n, hit)
		}
	}
}

func TestRequestsOfConnections(t *testing.T) {
	p, _ := at(Fault{ID: "s", Connections: Range{First: 2, Last: 3}, Requests: Range{First: 1, Last: 3}})
	var got []string
	for _, connection := range []int{1, 2, 3, 4, 2, 2} {
		got = append(got, met(p, connection))
	}
	if want := []string{"-", "s", "s", "-", "s", "-"}; !slices.Equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}

// The bucket holds three and gets two a second.
func TestRate(t *testing.T) {
	p, set := at(Fault{ID: "r", Rate: 2, Burst: 3, Headers: map[string]string{"X-Limit": "2"}})
	limited := func(d time.Duration) string {
		set(d)
		f := p.Request(nil, Message, 1)
		if f == nil {
			return "-"
		}
		return fmt.Sprint(f.Status, " ", f.Headers)
	}
	const full = "429 map[Retry-After:1 X-Limit:2]"
	for i, c := range []struct {
		at   time.Duration
		want string
	}{
		{0, "-"}, {0, "-"}, {0, "-"}, {0, full}, {499 * time.Millisecond, full}, {500 * time.Millisecond, "-"}, {500 * time.Millisecond, full},
		{time.Minute, "-"}, {time.Minute, "-"}, {time.Minute, "-"}, {time.Minute, full},
	} {
		if got := limited(c.at); got != c.want {
			t.Errorf("%d at %s: %s; want %s", i, c.at, got, c.want)
		}
	}
	if l := p.List()[0]; l.Planned != 0 || l.Fired != 4 || l.Fault.Headers["Retry-After"] != "" {
		t.Errorf("listed as %+v", l)
	}
	slow, _ := at(Fault{Rate: 0.05, Status: 503, Headers: map[string]string{"retry-after": "7"}}, Fault{Rate: 0.05, On: Decision})
	for _, c := range []struct {
		on   Target
		want string
	}{{Message, "503 map[retry-after:7]"}, {Decision, "429 map[Retry-After:20]"}} {
		slow.Request(nil, c.on, 1)
		if f := slow.Request(nil, c.on, 1); fmt.Sprint(f.Status, " ", f.Headers) != c.want {
			t.Errorf("%d %v; want %s", f.Status, f.Headers, c.want)
		}
	}
}

func TestAddAndRemove(t *testing.T) {
	p, set := at(Fault{ID: "a", Requests: Range{First: 1, Last: 1}})
	set(time.Hour)
	if err := p.Add(Fault{ID: "b", Until: time.Minute}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []Fault{{ID: "a"}, {ID: "b"}, {}} {
		if p.Add(f) == nil {
			t.Errorf("a fault %q is taken", f.ID)
		}
	}
	if got := []string{met(p, 1), met(p, 1)}; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("met %v", got)
	}
	if l := p.List(); len(l) != 2 || l[0].Fired != 1 || l[1].Fired != 1 || l[1].Fault.ID != "b" {
		t.Errorf("listed %+v", l)
	}
	set(time.Hour + time.Minute)
	if met(p, 1) != "-" {
		t.Error("a window counts from when its fault was armed")
	}
	if p.Remove("c") || !p.Remove("a") || p.Remove("a") {
		t.Error("Remove says something else than it does")
	}
	if err := p.Add(Fault{ID: "a"}); err != nil {
		t.Error(err)
	}
	if met(p, 1) != "a" {
		t.Error("a fault that was added again is not armed again")
	}
	p.Clear()
	if len(p.List()) != 0 || met(p, 1) != "-" {
		t.Error("something is left")
	}
	for i := range MaxFaults {
		if err := p.Add(Fault{ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if p.Add(Fault{ID: "x"}) == nil {
		t.Error("a plan without end")
	}
	var none *Plan
	none.Clear()
	none.Begin(time.Now)
	if none.Add(Fault{ID: "a"}) == nil || none.Remove("a") || none.List() != nil {
		t.Error("a nil plan took a fault")
	}
}

// Requests go on while the plan changes: the race detector watches, and no
// firing is lost.
func TestChangesWhileItPlays(t *testing.T) {
	p, _ := at(Fault{ID: "stays"})
	var wg sync.WaitGroup
	const each = 500
	for i := range 4 {
		wg.Go(func() {
			for range each {
				if met(p, 1) == "-" {
					t.Error("the fault that stays was not met")
				}
			}
		})
		wg.Go(func() {
			for n := range each {
				id := fmt.Sprint(i, "-", n)
				if err := p.Add(Fault{ID: id}); err != nil {
					t.Error(err)
				}
				p.List()
				if !p.Remove(id) {
					t.Errorf("%s was gone", id)
				}
			}
		})
	}
	wg.Wait()
	if l := p.List(); len(l) != 1 || l[0].Fired != 4*each {
		t.Errorf("%+v; want one fault with %d firings", l, 4*each)
	}
}

// Each firing has its own latency: it is drawn at random, and another firing
// does not change it.
func TestAFiringIsACopy(t *testing.T) {
	p, _ := at(Fault{ID: "f", Latencies: uniform})
	first := p.Request(nil, Message, 1)
	was := first.Latency
	second := p.Request(nil, Message, 1)
	if first.Latency != was || first.Latency == second.Latency || first.Draw == second.Draw {
		t.Errorf("%s became %s, then %s", was, first.Latency, second.Latency)
	}
	again, _ := at(Fault{ID: "f", Latencies: uniform})
	if f := again.Request(nil, Message, 1); f.Latency != was || f.Draw != first.Draw {
		t.Error("the same seed draws something else")
	}
}
