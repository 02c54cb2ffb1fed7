package loadtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// pausing is a generator that stands still for a time, every so often.
func pausing(every, length, until time.Duration) (out []Pause) {
	for at := every; at < until; at += every {
		out = append(out, Pause{at, length})
	}
	return out
}

// niced is one that gets the CPU when its neighbours leave it.
func niced(until time.Duration) (out []Pause) {
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 50 * time.Millisecond; at < until; {
		p := Pause{at, time.Duration(5+rng.IntN(90)) * time.Millisecond}
		out = append(out, p)
		at += p.Length + time.Duration(5+rng.IntN(60))*time.Millisecond
	}
	return out
}

// Late starts are attributed by what was free at that moment, and an objective that
// would hold without the lateness of the generator does not fail.
func TestWhoseFault(t *testing.T) {
	fast := VirtualReceiver{Latency: model.Fixed(0.005)}
	slow := VirtualReceiver{Latency: model.Fixed(0.3)}
	for _, tt := range []struct {
		name     string
		receiver VirtualReceiver
		workers  int
		pauses   []Pause
		slo      string
		want     reports.Verdict
		fault    string // of most late starts
		reason   string
	}{
		{"nobody is late", fast, 0, nil, "response.p99<50ms", reports.Pass, "", ""},
		{"stopped for 0.8 s", fast, 0, []Pause{{5 * time.Second, 800 * time.Millisecond}}, "response.p99<50ms", reports.Inconclusive, "generator", "and 5ms without the time by which the generator was late"},
		{"stopped in a run that is too short", fast, 0, []Pause{{5 * time.Second, 800 * time.Millisecond}}, "response.p99.9<50ms", reports.Inconclusive, "generator", "; 5ms without the time by which the generator was late"},
		{"stopped, and the objective holds all the same", fast, 0, []Pause{{5 * time.Second, 800 * time.Millisecond}}, "response.max<2s", reports.Pass, "generator", ""},
		{"a quota of a fifth of a CPU", fast, 0, pausing(100*time.Millisecond, 80*time.Millisecond, 20*time.Second), "response.p50<30ms", reports.Inconclusive, "generator", "and 5ms without the time"},
		{"niced next to busy neighbours", fast, 0, niced(20 * time.Second), "response.p95<50ms", reports.Inconclusive, "generator", "and 5ms without the time"},
		{"a slow receiver", slow, 0, nil, "response.p99<50ms", reports.Fail, "", "measured 300"},
		{"a slow receiver, and a generator that was stopped", slow, 0, []Pause{{5 * time.Second, 800 * time.Millisecond}}, "response.p99<50ms", reports.Fail, "generator", "measured"},
		{"two sockets, of which 40 ms need four", VirtualReceiver{Latency: model.Fixed(0.04)}, 2, nil, "response.max<50ms", reports.Inconclusive, "sockets", "workers were busy"},
		{"a receiver that becomes slow", VirtualReceiver{Latency: model.Fixed(0.011), Servers: 1, Thrashes: 20 * time.Millisecond, Slower: 20}, 4, nil, "response.max<50ms", reports.Inconclusive, "receiver", "workers were busy"},
		{"timeouts while the generator stood still", fast, 0, []Pause{{5 * time.Second, 4 * time.Second}}, "errors<0.0001%", reports.Inconclusive, "generator", ""},
	} {
		o := objective(t, tt.slo)
		l, err := VirtualAttack{Pace: Constant(100, 20*time.Second), Target: NewVirtualTarget(tt.receiver, 1), Workers: tt.workers, Pauses: tt.pauses, Objectives: []Objective{o}}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got := l.Objectives[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s (%s); want %s", tt.name, got.Verdict, got.Reason, tt.want)
		}
		if fault := most(l.Late); fault != tt.fault {
			t.Errorf("%s: most late starts are of %q; want %q: %+v", tt.name, fault, tt.fault, l.Late)
		}
		if late := strings.Contains(strings.Join(l.Doubts, " "), "this process was late"); late != strings.HasPrefix(tt.reason, "and ") {
			t.Errorf("%s: doubts %v", tt.name, l.Doubts)
		}
	}
}

// most names the cause of most late starts.
func most(l *reports.Lateness) string {
	if l == nil {
		return ""
	}
	name, n := "", int64(0)
	for _, x := range []struct {
		name string
		n    int64
	}{{"generator", l.Generator.Count}, {"sockets", l.Sockets.Count}, {"receiver", l.Receiver.Count}} {
		if x.n > n {
			name, n = x.name, x.n
		}
	}
	return name
}

// An answer that was read late because the process stood still counts without
// that time, also where the watchdog notices after the answer did.
func TestAnswersReadLate(t *testing.T) {
	r := NewRecorder(Constant(10, 10*time.Second))
	r.lateness.alone, r.lateness.watched = true, true
	for i := range 100 {
		due := time.Duration(i) * 100 * time.Millisecond
		ended := due + 20*time.Millisecond
		if i == 50 {
			ended = due + 700*time.Millisecond // it came after 20 ms, and nobody was there to read it
		}
		r.Begin(due, due)
		r.Open(due)
		r.Attempt(due, ended, "200", true)
		r.Over(due, due, ended, true)
		if i == 50 {
			r.Beat(due+10*time.Millisecond, ended)
		} else {
			r.Beat(ended, ended)
		}
	}
	l := &reports.Load{Mode: Receiver}
	r.Attempt(9*time.Second, 9*time.Second+20*time.Millisecond, "200", true) // no beat after it
	r.Fill(l, 10*time.Second)
	if n := len(r.lateness.pending); n > 0 {
		t.Errorf("%d times are not in the course of the run that Fill has reported", n)
	}
	r.judge(l, []Objective{objective(t, "max<100ms"), objective(t, "service.max<100ms")}, generator{})
	for _, o := range l.Objectives {
		if o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, "measured 700") || !strings.Contains(o.Reason, "and 20") {
			t.Errorf("%+v", o)
		}
	}
	if l.Late == nil || !near(l.Late.StoodSeconds, 0.69, 0.001) || l.Late.Generator.Count != 0 {
		t.Errorf("%+v", l.Late)
	}
	if got := strings.Join(l.Doubts, " "); !strings.Contains(got, "it stood still for 690ms") {
		t.Errorf("%q", got)
	}
}

// A pause of the process counts by its length among timers of 10 ms: 0.8 s in ten
// are one timer in twelve, and not one in a thousand.
func TestTimersWeighPauses(t *testing.T) {
	h := NewHistogram()
	for range 920 {
		h.RecordCorrected(0, everyTimer)
	}
	h.RecordCorrected(800*time.Millisecond, everyTimer)
	if got := h.Quantile(0.95); got < 100 || h.Count() < 999 {
		t.Errorf("p95 of %d timers is %v ms", h.Count(), got)
	}
}

func TestSpans(t *testing.T) {
	var s spans
	s.add(10, 20, 0)
	s.add(22, 30, 2) // goes on
	s.add(40, 50, 2)
	for _, tt := range []struct{ from, until, want time.Duration }{
		{0, 5, 0}, {0, 10, 0}, {0, 15, 5}, {12, 28, 16}, {25, 45, 10}, {30, 40, 0}, {0, 100, 30}, {45, 60, 5}, {60, 50, 0},
	} {
		if got := s.within(tt.from, tt.until); got != tt.want {
			t.Errorf("of %d to %d, %d; want %d", tt.from, tt.until, got, tt.want)
		}
	}
	if s.total() != 30 || len(s.all) != 2 {
		t.Errorf("%d in %d", s.total(), len(s.all))
	}
	for i := range time.Duration(3 * mostSpans) {
		s.add(100+10*i, 105+10*i, 0)
	}
	at := time.Duration(100 + 10*(3*mostSpans-10))
	if got := s.within(at, at+50); got != 25 || len(s.all) > mostSpans {
		t.Errorf("%d, of %d spans that are kept", got, len(s.all))
	}
	if got, want := fmt.Sprint(s.total()), fmt.Sprint(30+time.Duration(3*mostSpans*5)); got != want {
		t.Errorf("%s in all; want %s", got, want)
	}
}
