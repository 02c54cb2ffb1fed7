package loadtest_test

import (
	"context"
	"flag"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/internal/share"
	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

var part share.Share

func init() {
	flag.Var(&part, "part", "with -nine: only share K of N of the situations of the second simulation")
}

// each calls f for the situations of this run, with the number of repetitions of
// the second simulation.
func each(t *testing.T, f func(t *testing.T, s planned, seeds int)) {
	t.Helper()
	all := flag.Lookup("nine").Value.String() == "true"
	for i, s := range situations {
		if all && part.Has(i) || !all && slices.Contains(ordinary, s.name) {
			t.Run(s.name, func(t *testing.T) { f(t, s, map[bool]int{true: 6 * s.longer, false: 2}[all]) })
		}
	}
}

// check holds a value against that of the second simulation, within 5 % or a
// difference that is nothing.
func check(t *testing.T, what string, got, want, nothing float64) {
	t.Helper()
	off := 100 * (got/want - 1)
	t.Logf("| %s | %.4g | %.4g | %+.1f %% |", what, want, got, off)
	if math.Abs(got-want) > 0.05*want && math.Abs(got-want) > nothing {
		t.Errorf("%s: %.4g; %.4g by the second simulation", what, got, want)
	}
}

// repeated plays a situation several times, one after the other, and returns the
// exports of all and the mean backlogs.
func repeated(s situation, seeds int) (all []played, backlog, level []float64) {
	for seed := range seeds {
		p := s.play(uint64(seed) + 1)
		all = append(all, p)
		backlog, level = added(backlog, p.backlog, seeds), added(level, p.level, seeds)
	}
	return all, backlog, level
}

func added(to, from []float64, n int) []float64 {
	for i, v := range from {
		if i == len(to) {
			to = append(to, 0)
		}
		to[i] += v / float64(n)
	}
	return to
}

// merged are the latencies, attempts and losses of what was due in a time.
func merged(all []played, from, to float64) (latencies []float64, attempts, lost float64) {
	for _, p := range all {
		latencies = append(latencies, p.latencies(from, to)...)
		a, l := p.counted(from, to)
		attempts, lost = attempts+a/float64(len(all)), lost+l/float64(len(all))
	}
	slices.Sort(latencies)
	return latencies, attempts, lost
}

// hours are the exports a second from an hour of the day on.
func (s planned) hours(t *testing.T, from, n int) (rates []float64) {
	t.Helper()
	curve, err := loadtest.ParseCurve(s.curve)
	if err != nil {
		t.Fatal(err)
	}
	for h := range n {
		rates = append(rates, s.perDay*curve[((from+h)%24+24)%24]/3600)
	}
	return rates
}

func (s planned) outageOf(t *testing.T) *loadtest.Outage {
	t.Helper()
	if s.outage == "" {
		return nil
	}
	o, err := loadtest.ParseOutage(s.outage, s.kind)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// before is how many hours the second simulation plays before the day of the
// plan, and after it: enough for a backlog of the evening.
const before, after = 8, 8

// The figures of plan are those of the second simulation.
func TestPlanAgreesWithTheSecondSimulation(t *testing.T) {
	loadtest.Volume(t)
	each(t, func(t *testing.T, s planned, seeds int) {
		p := loadtest.Planning{
			PerDay:   loadtest.Exactly(s.perDay),
			Errors:   loadtest.Exactly(s.errors),
			Sockets:  s.sockets,
			Outage:   s.outageOf(t),
			Arrivals: s.arrivals,
		}
		var err error
		if p.Latency, err = loadtest.ParseLatency(s.latency); err == nil {
			p.Curve, err = loadtest.ParseCurve(s.curve)
		}
		if err != nil {
			t.Fatal(err)
		}
		plan := p.Plan()
		figure := func(name string) float64 {
			for _, f := range plan.Results {
				if f.Name == name {
					return f.Value
				}
			}
			t.Fatalf("no %s", name)
			return 0
		}
		first := plan.Days[0].FromHour
		w := situation{
			rates:   s.hours(t, first-before, 24),
			length:  (before + 24 + after) * 3600,
			paced:   s.arrivals == loadtest.Paced,
			sockets: s.sockets,
			answer:  s.answer,
			errors:  s.errors,
		}
		_, calm, _ := repeated(w, seeds)
		begins := before*3600. + s.at(t) - float64(first)*3600
		if p.Outage != nil {
			w.dead = []deadTime{{begins, begins + p.Outage.Length.Seconds(), string(s.kind)}}
		}
		all, backlog, _ := repeated(w, seeds)
		latencies, attempts, lost := merged(all, before*3600, (before+24)*3600)
		day := plan.Days[0]
		for name, q := range map[string]float64{"p50": 0.5, "p95": 0.95, "p99": 0.99} {
			check(t, name+", s", figure("delivery latency, "+name)/1000, quantile(latencies, q), 0.005)
		}
		check(t, "attempts", day.Requests/day.Exports, attempts, 0)
		if few := 300.; lost > few {
			check(t, "lost", day.LostShare*day.Exports, lost, 0)
		}
		hourly(t, plan, backlog, seeds)
		if p.Outage == nil {
			return
		}
		check(
			t,
			"highest backlog",
			figure("backlog after the outage, at most"),
			slices.Max(backlog),
			chance(slices.Max(backlog), seeds),
		)
		excess := make([]float64, len(backlog))
		for i := range excess {
			if i < len(calm) && float64(i)*slot >= begins {
				excess[i] = backlog[i] - calm[i]
			}
		}
		check(
			t,
			"drained, s",
			figure("time until the backlog has drained"),
			gone(excess, begins+p.Outage.Length.Seconds()),
			2*slot,
		)
	})
}

// at is the time of day of the outage, in seconds.
func (s planned) at(t *testing.T) float64 {
	if o := s.outageOf(t); o != nil {
		return o.At.Seconds()
	}
	return 0
}

// chance is three standard errors of a mean count of things that come by chance.
func chance(mean float64, repetitions int) float64 {
	return 3 * math.Sqrt(mean/float64(repetitions))
}

// hourly holds the backlog of each hour against the simulation, the mean of the
// day and that of the hour in which it is largest.
func hourly(t *testing.T, plan *reports.Plan, backlog []float64, seeds int) {
	t.Helper()
	const perHour = 3600 / slot
	day, largest := 0.0, 0
	for i, h := range plan.Hours {
		day += h.Backlog / 24
		if h.Backlog > plan.Hours[largest].Backlog {
			largest = i
		}
	}
	mean := func(from, n int) (v float64) {
		for i := range n {
			v += backlog[from+i] / float64(n)
		}
		return v
	}
	check(t, "backlog, all day", day, mean(before*perHour, 24*perHour), 0)
	worst := mean((before+largest)*perHour, perHour)
	check(
		t,
		"backlog, worst hour",
		plan.Hours[largest].Backlog,
		worst,
		chance(worst, seeds*20),
	) // of some twenty independent moments
}

// gone is how long after a moment a twentieth of the highest is left.
func gone(excess []float64, end float64) float64 {
	highest := slices.Max(excess)
	for i := int(end / slot); i < len(excess); i++ {
		if excess[i] <= highest/20 {
			return float64(i+1)*slot - end
		}
	}
	return math.Inf(1)
}

// A virtual load has the figures of the second simulation: a day, or the five
// hours from the one before the outage on.
func TestVirtualLoadAgreesWithTheSecondSimulation(t *testing.T) {
	loadtest.Volume(t)
	each(t, func(t *testing.T, s planned, seeds int) {
		from, length, outage := 0, 24, s.outageOf(t)
		w := situation{paced: s.arrivals == loadtest.Paced, sockets: s.sockets, answer: s.answer, errors: s.errors}
		if outage != nil {
			from, length = int(outage.At.Hours())-1, 5
			outage.At -= time.Duration(from) * time.Hour
			w.dead = []deadTime{{outage.At.Seconds(), (outage.At + outage.Length).Seconds(), string(s.kind)}}
		}
		w.rates, w.length = s.hours(t, from, length), float64(length)*3600
		all, _, _ := repeated(w, seeds)
		latencies, attempts, lost := merged(all, 0, w.length)
		loads := s.virtually(t, w.rates, outage, seeds)
		mean := func(of func(*reports.Load) float64) (v float64) {
			for _, l := range loads {
				v += of(l) / float64(len(loads))
			}
			return v
		}
		h := together(t, loads)
		check(t, "p50, s", h.Quantile(0.5)/1000, quantile(latencies, 0.5), 0.005)
		check(t, "p95, s", h.Quantile(0.95)/1000, quantile(latencies, 0.95), 0.005)
		check(t, "p99, s", h.Quantile(0.99)/1000, quantile(latencies, 0.99), 0.005)
		check(t, "attempts", mean(func(l *reports.Load) float64 { return l.Cost.AttemptsPerExport }), attempts, 0)
		if few := 300.; lost > few {
			check(t, "lost", mean(func(l *reports.Load) float64 { return float64(l.Failed.Count) }), lost, 0)
		}
		if outage == nil {
			return
		}
		step := loads[0].Series.StepSeconds
		end := (outage.At + outage.Length).Seconds()
		largest, drained := 0.0, 0.0
		for _, p := range all {
			levels := every(p.level, int(step/slot))
			largest += slices.Max(levels) / float64(len(all))
			drained += calmed(levels, step, outage.At.Seconds(), end) / float64(len(all))
		}
		check(
			t,
			"backlog at most",
			mean(func(l *reports.Load) float64 { return float64(l.Outage.PeakBacklog) }),
			largest,
			chance(largest, seeds),
		)
		check(t, "drained, s", mean(func(l *reports.Load) float64 { return l.Outage.DrainSeconds }), drained, step)
	})
}

// together are the delivery latencies of several loads.
func together(t *testing.T, loads []*reports.Load) *loadtest.Histogram {
	t.Helper()
	all := loadtest.NewHistogram()
	for _, l := range loads {
		h, err := loadtest.DecodeHistogram(l.DeliveryLatency.Histogram)
		if err == nil {
			err = all.Merge(h)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// every are the values at the ends of steps of n slots.
func every(levels []float64, n int) (out []float64) {
	for i := n - 1; i < len(levels); i += n {
		out = append(out, levels[i])
	}
	return out
}

// calmed is how long after the end of an outage the backlog is within a tenth of
// what it was in the minute before it, or a twentieth of its highest.
func calmed(levels []float64, step, begin, end float64) float64 {
	calm := max(1.1*levels[int(begin/step)-1], slices.Max(levels)/20)
	for i := int(end / step); i < len(levels); i++ {
		if levels[i] <= calm {
			return float64(i+1)*step - end
		}
	}
	return math.Inf(1)
}

// virtually plays the load with the engine's dispatcher.
func (s planned) virtually(t *testing.T, rates []float64, outage *loadtest.Outage, seeds int) (out []*reports.Load) {
	t.Helper()
	latency, err := loadtest.ParseLatency(s.latency)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range seeds {
		v := loadtest.Virtual{
			Pace:     loadtest.Steps(rates, time.Duration(len(rates))*time.Hour),
			Chance:   s.arrivals == loadtest.Poisson,
			Seed:     uint64(seed),
			Outage:   outage,
			Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: s.sockets},
			Receiver: loadtest.VirtualReceiver{Latency: latency, Errors: s.errors},
		}
		l, err := v.Run(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// The second simulation imports nothing of this module.
func TestDefinitionsStandAlone(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "definitions_test.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	if f.Name.Name != "loadtest_test" {
		t.Errorf("package %s; want one that sees nothing of loadtest", f.Name.Name)
	}
	for _, i := range f.Imports {
		if strings.Contains(i.Path.Value, ".") {
			t.Errorf("it imports %s", i.Path.Value)
		}
	}
}

// A backfill of one dataflow takes the receiver from another: the figures of plan
// for both are those of the second simulation, where the receiver works on two
// requests at once.
func TestPlanOfASharedReceiverAgreesWithTheSecondSimulation(t *testing.T) {
	loadtest.Volume(t)
	const perDay, other, backfill, hour = 432e3, 86.4e3, 90e3, 20
	curve, err := loadtest.ParseCurve("day")
	if err != nil {
		t.Fatal(err)
	}
	latency, err := loadtest.ParseLatency("100ms")
	if err != nil {
		t.Fatal(err)
	}
	p := loadtest.Planning{
		PerDay:   loadtest.Exactly(perDay),
		Curve:    loadtest.Flat(),
		Latency:  latency,
		Sockets:  2,
		Capacity: loadtest.Exactly(20),
		Others: []loadtest.Dataflow{
			{Name: "backfill", PerDay: loadtest.Exactly(other), Curve: curve, Sockets: 20, Backfill: backfill},
		},
	}
	plan := p.Plan()
	w := situation{length: 48 * 3600, sockets: 2, servers: 2, answer: always(.1), next: []source{{sockets: 20}}}
	for h := range 48 {
		w.rates = append(w.rates, perDay/24/3600)
		rate := other * curve[h%24] / 3600
		if h == 24+hour {
			rate += backfill / 3600
		}
		w.next[0].rates = append(w.next[0].rates, rate)
	}
	all, backlog, _ := repeated(w, 3)
	for i := range plan.Flows {
		var of []played
		for _, x := range all {
			of = append(of, x.of(i))
		}
		latencies, _, _ := merged(of, 24*3600, 48*3600)
		check(t, plan.Flows[i].Name+", p95, s", plan.Flows[i].P95Ms/1000, quantile(latencies, 0.95), 0.005)
	}
	check(t, "highest backlog", plan.Flows[0].Highest, slices.Max(backlog), chance(slices.Max(backlog), 3))
	if plan.Flows[0].Verdict != reports.Fail || plan.Flows[1].Verdict != reports.Fail {
		t.Errorf("%+v", plan.Flows)
	}
	p.Others[0].Sockets = 5 // which leave the other its share, of a receiver that is full for hours
	if o := p.Plan().Flows[0]; o.Verdict != reports.Inconclusive || o.HighMs > 1000 || !strings.Contains(o.Reason, "--capacity") {
		t.Errorf("with fewer sockets of the neighbour: %+v", o)
	}
}
