package loadtest

import (
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// The cause of a limit is found from a trial and the best that held; this
// machine, or a setting, does not count as a limit of the receiver.
func TestSaturation(t *testing.T) {
	ms := func(mean float64) *reports.Distribution { return &reports.Distribution{MeanMs: mean} }
	through := func(accepted, service float64, outcomes ...reports.OutcomeCount) *reports.Load {
		return &reports.Load{Mode: Pipeline, ResponseTime: ms(accepted), ServiceTime: ms(service), Outcomes: outcomes, Cost: &reports.Cost{CPUShare: 0.5}}
	}
	ok, busy := reports.OutcomeCount{Outcome: "200", Count: 90, OK: true}, reports.OutcomeCount{Outcome: "429", Count: 10}
	held := &Trialled{Load: through(2, 40, ok), Sockets: 20}
	hot := through(500, 40, ok)
	hot.Cost.CPUShare = 0.97
	weak := through(2, 40, ok)
	weak.Doubts = []string{"the generator fell behind: 10 of 90 were begun"}
	left := through(2, 40, ok)
	left.Unfinished, left.Doubts = 5, []string{"5 had not ended when the time to drain was spent: give a longer --drain"}
	receiver := &reports.Load{Mode: Receiver, Outcomes: []reports.OutcomeCount{ok, {Outcome: "timeout", Count: 7}}}
	for _, tt := range []struct {
		name     string
		load     *reports.Load
		errors   float64
		inFlight int64
		growing  float64
		held     *Trialled
		want     string
		own      bool
	}{
		{"the CPUs", hot, 0, 20, 0.5, held, "the CPUs of this machine at 800/s: 97% of them", true},
		{"the store", through(300, 40, ok), 0, 20, 0.5, held, "the store at 800/s: an update took 300ms on average", true},
		{"the generator", weak, 0, 5, 0, held, "the generator, at 800/s: the generator fell behind", true},
		{"answers", through(2, 40, ok, busy), 0.1, 20, 0.5, held, "the receiver answered 429 at 800/s: 10% of the attempts failed", false},
		{"answers that always were", through(2, 40, ok, busy), 0.1, 20, 0.5, &Trialled{Load: through(2, 40, ok, busy)}, "the sockets at 800/s: all 20", true},
		{"slower answers", through(2, 90, ok), 0, 20, 0.5, held, "the receiver slows down at 800/s: its answers take 90ms on average, after 40ms", false},
		{"sockets", through(2, 41, ok), 0, 20, 0.5, held, "the sockets at 800/s: all 20 were busy, 41ms on average for an attempt, which is 488 attempts a second", true},
		{"sockets, and none held", through(2, 41, ok), 0, 20, 0.5, nil, "the sockets at", true},
		{"few profiles", through(2, 40, ok), 0, 5, 0.5, held, "no socket is short at 800/s: each second of load adds 500ms", true},
		{"a short drain", left, 0, 5, 0, held, "the time to drain, at 800/s: 5 had not ended", true},
		{"an objective", through(2, 40, ok), 0, 5, 0, held, "deliveries became slow at 800/s: p95<1s", false},
		{"timeouts", receiver, 0.07, 0, 0, nil, "the receiver had no answer within 2 s at 800/s: 7 times", false},
		{"a receiver that queues", receiver, 0.07, 0, 0.5, nil, "the receiver queues at 800/s", false},
	} {
		s := saturation{&Trialled{Load: tt.load, Growing: tt.growing, Sockets: 20},
			reports.SearchPoint{Rate: 800, Errors: tt.errors, InFlight: tt.inFlight, Reason: "p95<1s: measured 2s"}, tt.held}
		if why, own := s.cause(); !strings.HasPrefix(why, tt.want) || own != tt.own {
			t.Errorf("%s: %q, %v", tt.name, why, own)
		}
	}
}
