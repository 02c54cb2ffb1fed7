package page

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		s        scale
		from, to float64
		want     []float64
	}{
		{linear, 0, 10, []float64{0, 2, 4, 6, 8, 10}},
		{linear, 0, 59, []float64{0, 20, 40}},
		{linear, 3, 7.5, []float64{3, 4, 5, 6, 7}},
		{log10, 0.5, 1500, []float64{1, 10, 100, 1000}},
		{log10, 0.051, 9.575, []float64{0.1, 0.2, 0.5, 1, 2, 5}},
		{log10, 12, 25, []float64{15, 20}},
		{tail, 0, 0.9995, []float64{0, 0.5, 0.9, 0.99, 0.999}},
	} {
		got := places(c.s, c.from, c.to, 5)
		for i := range got {
			got[i] = math.Round(got[i]*1e6) / 1e6
		}
		if c.from == 0.051 {
			got = got[:min(len(got), 6)]
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("from %v to %v (-want +got):\n%s", c.from, c.to, diff)
		}
	}
}

// Whatever the numbers are, nothing is drawn outside of the axes, or as no
// number.
func TestChartsStayInTheirAxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 1e6), rapid.Just(0.0), rapid.Just(math.NaN()), rapid.Float64Range(0, 1e-6), rapid.Just(1e300))
		n := rapid.IntRange(0, 30).Draw(t, "n")
		var all []series
		for range rapid.IntRange(0, 3).Draw(t, "series") {
			s := series{Name: "s"}
			for i := range n {
				s.X, s.Y = append(s.X, float64(i)), append(s.Y, value.Draw(t, "y"))
			}
			all = append(all, s)
		}
		for _, y := range []scale{linear, log10} {
			c := wide.chart("c", "C", "x", "y", linear, y, all).tabled(all, short, short)
			if c == nil {
				continue
			}
			c.band(1, math.Inf(1), "band")
			c.limit(5, "limit")
			for _, l := range c.Lines {
				if strings.Contains(l.Points, "NaN") || strings.Contains(l.Points, "Inf") {
					t.Fatalf("%s", l.Points)
				}
				for _, d := range l.Dots {
					if d.X < c.Left-0.1 || d.X > c.Right+0.1 || d.Y < c.Top-6 || d.Y > c.Bottom+0.1 {
						t.Fatalf("a dot at %v, %v", d.X, d.Y)
					}
				}
			}
			for _, tick := range append(c.XTicks, c.YTicks...) {
				if math.IsNaN(tick.At) || math.IsInf(tick.At, 0) {
					t.Fatalf("a tick at %v", tick.At)
				}
			}
			if len(c.XTicks) > 40 || len(c.YTicks) > 330 {
				t.Fatalf("%d and %d ticks", len(c.XTicks), len(c.YTicks))
			}
		}
	})
}
