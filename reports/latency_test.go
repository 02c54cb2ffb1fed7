package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// measured is the distribution of some milliseconds.
func measured(t testing.TB, ms ...float64) *Distribution {
	t.Helper()
	h := hdrhistogram.New(1, 86_400_000_000, 3)
	sum := 0.0
	for _, v := range ms {
		if err := h.RecordValue(int64(v * 1000)); err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	return &Distribution{Count: int64(len(ms)), MeanMs: sum / float64(len(ms)), MinMs: float64(h.Min()) / 1000, MaxMs: float64(h.Max()) / 1000,
		P50Ms: float64(h.ValueAtQuantile(50)) / 1000, P95Ms: float64(h.ValueAtQuantile(95)) / 1000, Histogram: string(text)}
}

func measuredReport(t testing.TB) *Report {
	r := &Report{Schema: Schema, Kind: "load", Verdict: Pass, Environment: Environment{Version: "v1\n#x", CPUs: 1}}
	r.Cases = []Case{{ID: "=cmd()", Verdict: Pass, Metrics: map[string]float64{Deliveries: 2, LatencyP95Seconds: 1.5}}, {ID: "silent", Verdict: Pass}}
	r.Load = &Load{Seconds: 10, ServiceTime: measured(t, 1, 2, 3), ResponseTime: measured(t, 1, 2, 3, 400), Flows: []Flow{{Name: "quiet, one", Latency: measured(t, 5)}},
		Series: &Series{StepSeconds: 5, Points: []Point{{AtSeconds: 0, Ended: 2, P50Ms: 1, Histogram: measured(t, 1, 2).Histogram}, {AtSeconds: 5, Ended: 10, Errors: 1}}},
		Search: &Search{Points: []SearchPoint{{Rate: 500, Goodput: 499.5, P95Ms: 12, Errors: 0.01}}}}
	return r
}

// The table is read by the reader of the standard library, and counted.
func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(written(t, WriteCSV, measuredReport(t)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, strings.Join([]string{row[0], row[1], row[2], row[7], row[11], row[12]}, "|"))
	}
	want := []string{"part|name|count|p95_ms|rate|errors", "case|'=cmd()|2|1500||", "latency|serviceTime|3|3.001||", "latency|responseTime|4|400.127||", "flow|quiet, one|1|5.003||",
		"step|0|2|0|0.4|0", "step|5|10|0|2|1", "rate|500||12|499.5|0.01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The log is read by HdrHistogram's own reader.
func TestHDRLog(t *testing.T) {
	log := hdrhistogram.NewHistogramLogReader(strings.NewReader(written(t, WriteHDR, measuredReport(t))))
	type entry struct {
		tag    string
		count  int64
		max    int64
		length int64
	}
	var got []entry
	for {
		h, err := log.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		got = append(got, entry{h.Tag(), h.TotalCount(), h.Max() / 1000, h.EndTimeMs() - h.StartTimeMs()})
	}
	want := []entry{{"serviceTime", 3, 3, 10_000}, {"responseTime", 4, 400, 10_000}, {"flow-quiet__one", 1, 5, 10_000}, {"steps", 2, 2, 5_000}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoLatencies(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Report) error{"csv": WriteCSV, "hdr": WriteHDR} {
		if err := write(io.Discard, &Report{Cases: []Case{{ID: "a"}}, Load: &Load{}}); !errors.Is(err, ErrNoLatencies) {
			t.Errorf("%s: %v", name, err)
		}
		if err := write(brokenWriter{}, measuredReport(t)); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v, want the writer's error", name, err)
		}
	}
}

// The bars hold every time that was recorded, to three figures.
func TestBars(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ms := rapid.SliceOfN(rapid.Float64Range(0.001, 80_000_000), 1, 50).Draw(r, "ms")
		bars, err := measured(t, ms...).Bars()
		if err != nil {
			r.Fatal(err)
		}
		count := int64(0)
		for i, b := range bars {
			if count += b.Count; b.ToMs < b.FromMs || i > 0 && b.FromMs <= bars[i-1].ToMs {
				r.Fatalf("bar %d is from %v to %v", i, b.FromMs, b.ToMs)
			}
		}
		if count != int64(len(ms)) {
			r.Fatalf("%d of %d times", count, len(ms))
		}
		longest := 0.0
		for _, v := range ms {
			longest = max(longest, v)
		}
		if got := Quantile(bars, 1); math.Abs(got-longest) > longest/500+0.002 {
			r.Fatalf("the longest is %v; want %v", got, longest)
		}
	})
	if got := Quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	bars, err := measured(t, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).Bars()
	if err != nil {
		t.Fatal(err)
	}
	if got := Quantile(bars, 0.95); math.Round(got) != 10 {
		t.Errorf("p95 of 1 to 10 is %v; want 10, the nearest rank", got)
	}
	if got := Quantile(bars, 0.5); math.Round(got) != 5 {
		t.Errorf("p50 of 1 to 10 is %v; want 5", got)
	}
}

// FuzzBars: whatever a report holds instead of a histogram is an error.
func FuzzBars(f *testing.F) {
	f.Add("")
	f.Add("HISTFAAAAB14")
	f.Add(measured(f, 1, 2).Histogram)
	f.Fuzz(func(t *testing.T, text string) {
		bars, err := (&Distribution{Histogram: text}).Bars()
		if err != nil && bars != nil {
			t.Fatal("bars with an error")
		}
		if err == nil && WriteHDR(&bytes.Buffer{}, &Report{Load: &Load{ServiceTime: &Distribution{Histogram: text}}}) != nil && text != "" {
			t.Fatal("a histogram, and no log of it")
		}
	})
}
