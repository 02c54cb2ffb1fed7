package loadtest_test

import (
	"math"
	"math/rand/v2"

	"github.com/httpdest/httpdest/loadtest"
)

// planned is what plan and load are held against the second simulation for.
type planned struct {
	name    string
	perDay  float64
	curve   string
	latency string
	answer  func(*rand.Rand) float64 // the same in the words of the second simulation
	errors  float64
	sockets int
	outage  string
	kind    loadtest.OutageKind
	// longer is how many times as often it is played: near saturation a day says
	// little, since those who wait long do so together, and the highest of a backlog
	// that stays level for long is that of a chance.
	longer   int
	arrivals loadtest.Arrivals
}

func lognormal(p50, p95 float64) func(*rand.Rand) float64 {
	sigma := math.Log(p95/p50) / 1.6448536269514722
	return func(r *rand.Rand) float64 { return p50 * math.Exp(sigma*r.NormFloat64()) }
}

func exponential(mean float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return mean * r.ExpFloat64() }
}

func uniform(low, high float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return low + (high-low)*r.Float64() }
}

func always(v float64) func(*rand.Rand) float64 { return func(*rand.Rand) float64 { return v } }

// situations are what is compared: calm and busy days, days that saturate, and
// outages of each kind, at noon and across midnight, and some of them paced. Their percentiles are not at
// a cliff, where one export more or less is 30 s.
var situations = []planned{
	{"a calm day", 432e3, "day", "p50=120ms p95=600ms", lognormal(.12, .6), 0, 6, "", "", 1, loadtest.Poisson},
	{"one in fourteen fails", 432e3, "flat", "500ms", always(.5), .07, 6, "", "", 1, loadtest.Poisson},
	{"three in ten fail, sockets scarce", 259200, "flat", "min=200ms max=600ms", uniform(.2, .6), .3, 2, "", "", 1, loadtest.Poisson},
	{"one socket, four fifths busy", 172800, "flat", "mean=400ms", exponential(.4), 0, 1, "", "", 4, loadtest.Poisson},
	{"nine of ten busy", 597e3, "flat", "mean=400ms", exponential(.4), 0, 3, "", "", 4, loadtest.Poisson},
	{"a third too late", 259200, "flat", "p50=1500ms p95=4s", lognormal(1.5, 4), 0, 8, "", "", 1, loadtest.Poisson},
	{"an evening that saturates", 432e3, "day", "min=200ms max=600ms", uniform(.2, .6), .02, 3, "", "", 1, loadtest.Poisson},
	{"fifteen minutes without an answer at noon",
		432e3, "flat", "500ms", always(.5), 0, 5, "15m@12h", loadtest.Stalled, 1, loadtest.Poisson},
	{"forty minutes without an answer from 23:20 on",
		432e3, "day", "p50=120ms p95=600ms", lognormal(.12, .6), .01, 5, "40m@23h20m", loadtest.Stalled, 1, loadtest.Poisson},
	{"an hour and a half without an answer from 22:30 on",
		432e3, "flat", "500ms", always(.5), 0, 5, "90m@22h30m", loadtest.Stalled, 1, loadtest.Poisson},
	{"twenty minutes of refusal from 23:50 on",
		432e3, "flat", "500ms", always(.5), 0, 5, "20m@23h50m", loadtest.Refusing, 1, loadtest.Poisson},
	{"half an hour of 503 in the evening",
		432e3, "day", "min=50ms max=150ms", uniform(.05, .15), .005, 2, "30m@20h", loadtest.Unavailable, 1, loadtest.Poisson},
	{"an hour of 503 from 23:30 on, one in fourteen fails",
		432e3, "flat", "mean=200ms", exponential(.2), .07, 5, "60m@23h30m", loadtest.Unavailable, 5, loadtest.Poisson},
	{"three hours without an answer, drained the next day",
		432e3, "day", "500ms", always(.5), 0, 4, "3h@19h", loadtest.Stalled, 1, loadtest.Poisson},
	{"one socket, four fifths busy, paced", 172800, "flat", "mean=400ms", exponential(.4), 0, 1, "", "", 4, loadtest.Paced},
	{"nine of ten busy, one in fourteen fails, paced",
		542500, "flat", "mean=400ms", exponential(.4), .07, 3, "", "", 4, loadtest.Paced},
	{"an evening that saturates, paced",
		432e3, "day", "min=200ms max=600ms", uniform(.2, .6), .02, 3, "", "", 1, loadtest.Paced},
	{"forty minutes without an answer from 23:20 on, paced",
		432e3, "day", "p50=120ms p95=600ms", lognormal(.12, .6), .01, 5, "40m@23h20m", loadtest.Stalled, 1, loadtest.Paced},
}

// ordinary are those that every run of the tests plays: make model plays all.
var ordinary = []string{
	"a calm day",
	"forty minutes without an answer from 23:20 on",
	"one socket, four fifths busy, paced",
}
