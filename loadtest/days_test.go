package loadtest_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// Near full utilisation p95 of one day is not that of the next: nine of ten days of
// the second simulation are within the interval of plan, which is not much wider
// than these, and days with sockets to spare have no interval.
func TestRangeOfDaysNearFullUtilisation(t *testing.T) {
	loadtest.Volume(t)
	for _, tt := range []struct {
		name   string
		perDay float64
		errors float64
	}{
		{"99 of a hundred busy", 61_097, 0},
		{"99 of a hundred busy, one in fourteen fails", 56_840, 0.07},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p95 := dayByDay(situation{
				rates:   []float64{tt.perDay / 86400},
				sockets: 1,
				answer:  uniform(1, 1.8),
				errors:  tt.errors,
			}, 2, 12)
			plan := busyPlan(t, tt.perDay, tt.errors)
			f := p95Of(t, plan)
			within := 0
			for _, v := range p95 {
				if v >= f.Low && v <= f.High {
					within++
				}
			}
			nine := p95[len(p95)*95/100] / p95[len(p95)*5/100]
			t.Logf("p95 %.4g s, %.4g to %.4g; days from %.4g to %.4g, %d of %d within, nine of ten by a factor of %.3g",
				f.Value/1000, f.Low/1000, f.High/1000, p95[0]/1000, p95[len(p95)-1]/1000, within, len(p95), nine)
			if within*100 < 80*len(p95) || f.High/f.Low > 1.5*nine {
				t.Errorf("%d of %d days are within %.4g to %.4g s", within, len(p95), f.Low/1000, f.High/1000)
			}
			if !strings.Contains(strings.Join(plan.Warnings, "\n"), "near full utilisation one day is not like another") {
				t.Errorf("%q", plan.Warnings)
			}
		})
	}
	if f := p95Of(t, busyPlan(t, 40_000, 0)); f.Low != f.Value || f.High != f.Value {
		t.Errorf("two thirds busy: %+v; want one value", f)
	}
}

// At 99.5 % and above a queue remembers days, or months. Days of the second simulation
// that begin with a queue of the stationary distribution (Pollaczek and Khinchine: a
// geometric number of answers, of which what is left counts) are above the range as
// rarely as it says.
func TestRangeOfDaysThatRememberMonths(t *testing.T) {
	loadtest.Volume(t)
	const days, left = 30, 0.719 / 1.4 // of an answer from 1 to 1.8 s, on average
	above, below := 0, 0
	for i, busy := range []float64{0.995, 0.999} {
		plan := busyPlan(t, busy/1.4*86400, 0)
		f := p95Of(t, plan)
		random := rand.New(rand.NewPCG(uint64(i), 99))
		for seed := range days {
			s := situation{rates: []float64{busy / 1.4}, length: 86400, sockets: 1, answer: uniform(1, 1.8)}
			s.waiting = int(random.ExpFloat64() / -math.Log(busy) * left)
			p95 := 1000 * quantile(s.play(uint64(seed)+100).latencies(1e-9, 86400), 0.95)
			if p95 > f.High {
				above++
			}
			if p95 < f.Low {
				below++
			}
		}
		t.Logf("%.4g busy: %.4g to %.4g s, so far %d days above and %d below", busy, f.Low/1000, f.High/1000, above, below)
		if warned := strings.Join(plan.Warnings, "\n"); !strings.Contains(warned, "until days are like that") ||
			strings.Contains(warned, "grows") {
			t.Errorf("%.4g busy: %q", busy, plan.Warnings)
		}
		if exact := -math.Log(0.05) * 1.0272 / 2 * 1400 * busy / (1 - busy); math.Abs(f.Value/exact-1) > 0.05 {
			t.Errorf("p95 of all days is %.4g ms; want %.4g, by heavy traffic", f.Value, exact)
		}
	}
	if above > 7 || below > 7 || above+below == 0 { // of 60; three are expected on either side
		t.Errorf("%d of %d days are above the range and %d below; want a twentieth each", above, 2*days, below)
	}
}

// The highest backlog of a plan is one that 95 of 100 days of the second simulation do
// not exceed, and not much above these.
func TestHighestBacklogOfDays(t *testing.T) {
	loadtest.Volume(t)
	for _, tt := range []struct {
		name    string
		perDay  float64
		answer  string
		is      func(*rand.Rand) float64
		sockets int
		dead    *loadtest.Outage
	}{
		{"nearly idle", 86_400, "100ms", always(.1), 64, nil},
		{"four fifths busy", 172_800, "mean=400ms", exponential(.4), 1, nil},
		{"99 of a hundred busy", 61_097, "min=1s max=1.8s", uniform(1, 1.8), 1, nil},
		{"an outage", 86_400, "500ms", always(.5), 2, &loadtest.Outage{At: 12 * time.Hour, Length: 10 * time.Minute, Kind: loadtest.Stalled}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			latency, err := loadtest.ParseLatency(tt.answer)
			if err != nil {
				t.Fatal(err)
			}
			plan := loadtest.Planning{PerDay: loadtest.Exactly(tt.perDay), Curve: loadtest.Flat(), Latency: latency,
				Sockets: tt.sockets, Outage: tt.dead}.Plan()
			s := situation{rates: []float64{tt.perDay / 86400}, sockets: tt.sockets, answer: tt.is}
			const days, first = 20, 2 // the first leave the queue of any other day
			s.length = (first + days) * 86400
			if tt.dead != nil {
				for d := range first + days {
					at := float64(d)*86400 + tt.dead.At.Seconds()
					s.dead = append(s.dead, deadTime{at, at + tt.dead.Length.Seconds(), "stall"})
				}
			}
			highest := s.play(7).highest()[first : first+days]
			slices.Sort(highest)
			got, above := plan.Days[0].Highest, 0
			for _, h := range highest {
				if h > got {
					above++
				}
			}
			t.Logf("%.4g; days from %.4g over %.4g to %.4g, %d of %d above", got, highest[0], highest[days/2], highest[days-1], above, days)
			if above > 4 || got > 1.25*highest[days-1]+2 {
				t.Errorf("the highest backlog is %.4g; %d of %d days have more, up to %.4g", got, above, days, highest[days-1])
			}
			for _, f := range plan.Results {
				if f.Name == "highest backlog" && (f.Value != got || !strings.Contains(f.From, "95 of 100 days")) {
					t.Errorf("%+v; want the %v of the table", f, got)
				}
			}
		})
	}
}

// Near its capacity a receiver queues requests by chance, and with sockets enough it
// collapses by itself: a plan does not play that, so it passes nothing there, and says why.
func TestNearTheCapacityNothingPasses(t *testing.T) {
	loadtest.Volume(t)
	const capacity, sockets = 10, 50 // one worker, 100 ms each
	latency, err := loadtest.ParseLatency("100ms")
	if err != nil {
		t.Fatal(err)
	}
	plan := func(perSecond float64, sockets int) *reports.Plan {
		return loadtest.Planning{PerDay: loadtest.Exactly(perSecond * 86400), Curve: loadtest.Flat(), Latency: latency,
			Sockets: sockets, Capacity: loadtest.Exactly(capacity)}.Plan()
	}
	s := situation{rates: []float64{9}, sockets: sockets, servers: 1, answer: always(.1), length: 6 * 3600}
	if _, lost := s.play(1).counted(0, s.length); lost < 50_000 {
		t.Fatalf("%v lost; want a receiver that collapses", lost)
	}
	p := plan(9, sockets)
	const why = "90% of its --capacity in the busiest hour (00:00), and requests that queue in it by chance are not in the plan"
	if o := p.Objectives[0]; o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, why) {
		t.Errorf("%+v; want no verdict, and why", o)
	}
	if w := strings.Join(p.Warnings, "\n"); !strings.Contains(w, why+": latencies, backlogs and their ranges are at least those shown") {
		t.Errorf("%q", w)
	}
	for _, x := range []struct {
		rate    float64
		sockets int
	}{{7, sockets}, {9, 1}} { // far from the capacity, or no queue but that for the socket
		s.rates, s.sockets = []float64{x.rate}, x.sockets
		if _, lost := s.play(1).counted(0, s.length); lost > 0 {
			t.Errorf("%+v: %v are lost", x, lost)
		}
		if o := plan(x.rate, x.sockets).Objectives[0]; o.Verdict != reports.Pass {
			t.Errorf("%+v: %+v; want that it holds", x, o)
		}
	}
}

// highest is the highest number of exports due and not ended, by the day.
func (p played) highest() (days []float64) {
	type change struct {
		at float64
		by float64
	}
	all := make([]change, 0, 2*len(p.exports))
	for _, x := range p.exports {
		all = append(all, change{x.due, 1}, change{x.end, -1})
	}
	slices.SortFunc(all, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	open := 0.
	for _, c := range all {
		for len(days) <= int(c.at/86400) {
			days = append(days, open)
		}
		open += c.by
		days[len(days)-1] = max(days[len(days)-1], open)
	}
	return days
}

// dayByDay are the p95 of single days of several runs, sorted, in milliseconds. The
// first days of a run, until its queue is like any other day's, are left out.
func dayByDay(s situation, runs, days int) (p95 []float64) {
	const first = 3
	s.length = float64(first+days) * 86400
	for seed := range runs {
		all := s.play(uint64(seed) + 1)
		for d := range days {
			from := float64(first+d) * 86400
			p95 = append(p95, 1000*quantile(all.latencies(from, from+86400), 0.95))
		}
	}
	slices.Sort(p95)
	return p95
}

// busyPlan is a plan of one socket with answers from 1 to 1.8 s.
func busyPlan(t *testing.T, perDay, errors float64) *reports.Plan {
	t.Helper()
	latency, err := loadtest.ParseLatency("min=1s max=1.8s")
	if err != nil {
		t.Fatal(err)
	}
	return loadtest.Planning{
		PerDay:  loadtest.Exactly(perDay),
		Curve:   loadtest.Flat(),
		Latency: latency,
		Errors:  loadtest.Exactly(errors),
		Sockets: 1,
	}.Plan()
}

func p95Of(t *testing.T, p *reports.Plan) reports.Figure {
	t.Helper()
	for _, f := range p.Results {
		if f.Name == "delivery latency, p95" {
			return f
		}
	}
	t.Fatal("no p95")
	return reports.Figure{}
}
