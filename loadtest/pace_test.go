package loadtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func anyPace() *rapid.Generator[Pace] {
	rate := rapid.Float64Range(0.5, 5000)
	length := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(1, 300).Draw(t, "s")) * time.Second
	})
	return rapid.Custom(func(t *rapid.T) Pace {
		a, b, l := rate.Draw(t, "a"), rate.Draw(t, "b"), length.Draw(t, "length")
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return Constant(a, l)
		case 1:
			return Ramp(a, b*float64(rapid.IntRange(0, 1).Draw(t, "to nothing")), l)
		case 2:
			return Steps([]float64{a, 0, b}, l)
		case 3:
			return Sine(max(a, b), min(a, b), time.Minute, l)
		case 4:
			return Burst(a*float64(rapid.IntRange(0, 1).Draw(t, "calm")), b, 10*time.Second, 3*time.Second, l)
		}
		var at []time.Duration
		for _, ms := range rapid.SliceOfN(rapid.Int64Range(0, 60_000), 1, 50).Draw(t, "moments") {
			at = append(at, time.Duration(ms)*time.Millisecond)
		}
		return Trace("trace", at)
	})
}

// When a number is due and how many are due by then are the same thing said
// twice, time does not go back, and the rate is never above its peak.
func TestPaceAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPace().Draw(t, "pace")
		total := p.Total()
		if total == 0 {
			return
		}
		n := rapid.Uint64Range(0, total-1).Draw(t, "n")
		due := p.Due(n)
		if due < 0 || due > p.Duration() {
			t.Fatalf("%s: number %d of %d is due at %s of %s", p, n, total, due, p.Duration())
		}
		// A microsecond is a hundredth of the shortest distance there is.
		if before := p.Count(due - time.Microsecond); before > n {
			t.Errorf("%s: number %d is due at %s, but %d are due before", p, n, due, before)
		}
		// Where the rate falls to nothing, rounding is a longer time.
		rounding := 2*time.Microsecond + seconds(1e-8/max(1e-3, p.Rate(due+time.Microsecond)))
		if after := p.Count(due + rounding); after < n+1 {
			t.Errorf("%s: number %d is due at %s, but %d are due just after", p, n, due, after)
		}
		if n > 0 && p.Due(n-1) > due {
			t.Errorf("%s: number %d is due at %s, after number %d at %s", p, n-1, p.Due(n-1), n, due)
		}
		if p.Rate(due) > p.Peak()*(1+1e-9)+1 {
			t.Errorf("%s: the rate at %s is %v, the peak %v", p, due, p.Rate(due), p.Peak())
		}
		if p.Count(p.Duration()) != total || p.Count(0) != 0 {
			t.Errorf("%s: %d at its end, %d at its beginning, %d in all", p, p.Count(p.Duration()), p.Count(0), total)
		}
	})
}

func TestPaceTotals(t *testing.T) {
	for text, want := range map[string]uint64{
		"constant": 6000, "ramp from=0 to=200": 6000, "ramp from=100 to=0": 3000, "step 100 0 200": 6000,
		"sine mean=100 swing=100 period=7s": 6212, "burst base=0 peak=500 every=30s last=2s": 2000, "trace file": 3,
	} {
		p, err := ParsePace(text, PaceSettings{Rate: 100, Length: time.Minute, Moments: func(string) ([]time.Duration, error) {
			return []time.Duration{5 * time.Second, 4 * time.Second, 9 * time.Second}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Total(); got != want {
			t.Errorf("%s: %d are due; want %d", p, got, want)
		}
	}
}

func TestParsePaceSaysWhere(t *testing.T) {
	gone := errors.New("no such file")
	for _, tt := range []struct {
		text   string
		column int
		part   string
	}{
		{"", 1, "the pace is missing"},
		{"steady", 1, `unknown pace "steady"`},
		{"constant 500", 10, "has no settings"},
		{"ramp from=1", 1, "needs to="},
		{"ramp from=1 from=2", 13, "twice"},
		{"ramp from=1 to=x", 13, `"x" is not a rate`},
		{"ramp from=1 until=2", 13, "has only the settings from=, to="},
		{"ramp from=0 to=0", 1, "nothing is ever due"},
		{"step", 1, "names no rate"},
		{"step 100 -5", 10, `"-5" is not a rate`},
		{"sine mean=1 swing=2 period=1m", 1, "negative"},
		{"sine mean=1 swing=1 period=1", 21, "is not a time"},
		{"burst base=1 peak=2 every=2s last=2s", 1, "as long as its period"},
		{"burst base=1 peak=2 every=2ms last=1ms", 1, "100,000"},
		{"step 900000000", 1, "10^10"},
		{"trace", 1, "one file"},
		{"trace empty", 7, "no moment"},
	} {
		_, err := ParsePace(tt.text, PaceSettings{Rate: 1, Length: time.Hour, Moments: func(string) ([]time.Duration, error) { return nil, nil }})
		var e *SyntaxError
		if !errors.As(err, &e) || e.Column != tt.column || !strings.Contains(e.Message, tt.part) {
			t.Errorf("%q: %v; want column %d, %q", tt.text, err, tt.column, tt.part)
		}
	}
	if _, err := ParsePace("trace f", PaceSettings{Moments: func(string) ([]time.Duration, error) { return nil, gone }}); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

// Whatever is written: a pace whose numbers agree, or an error within the text.
func FuzzParsePace(f *testing.F) {
	for _, seed := range []string{"constant", "ramp from=0 to=200", "step 100 0 200", "sine mean=5 swing=5 period=7s", "burst base=0 peak=500 every=30s last=2s", "trace f", "ramp from=1e9 to=1", "  step  1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePace(text, PaceSettings{Rate: 100, Length: time.Minute, Moments: func(string) ([]time.Duration, error) { return []time.Duration{time.Second}, nil }})
		var e *SyntaxError
		if err != nil {
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		last := p.Total() - 1
		if due := p.Due(last); p.Total() == 0 || due < 0 || due > p.Duration() || p.Count(p.Duration()) != p.Total() {
			t.Errorf("%q: %d in %s, the last at %s", text, p.Total(), p.Duration(), due)
		}
	})
}
