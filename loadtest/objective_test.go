package loadtest

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseObjective(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Objective
	}{
		{"p95<10m", Objective{Quantity: Latency, Quantile: 0.95, Op: "<", Limit: 600_000}},
		{"response.p99<2s", Objective{Quantity: Latency, Over: Response, Quantile: 0.99, Op: "<", Limit: 2000}},
		{"service.p99.9 <= 1.5s", Objective{Quantity: Latency, Over: Service, Quantile: 0.999, Op: "<=", Limit: 1500}},
		{"delivery.max<1m30s", Objective{Quantity: Latency, Over: Delivery, Quantile: 1, Op: "<", Limit: 90_000}},
		{"errors<0.1%", Objective{Quantity: Errors, Op: "<", Limit: 0.001}},
		{"lost<=0", Objective{Quantity: Lost, Op: "<=", Limit: 0}},
		{" rate >= 9900/s ", Objective{Quantity: Rate, Op: ">=", Limit: 9900}},
		{"rate>9900", Objective{Quantity: Rate, Op: ">", Limit: 9900}},
	} {
		tt.want.Text = strings.TrimSpace(tt.text)
		got, err := ParseObjective(tt.text)
		got.Quantile = math.Round(got.Quantile*1e6) / 1e6
		got.Limit = math.Round(got.Limit*1e6) / 1e6
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", tt.text, err, diff)
		}
	}
}

// A repeated objective is kept once; the documented objective, however it is
// written, keeps its rule.
func TestUnique(t *testing.T) {
	for _, tt := range []struct{ given, want []string }{
		{[]string{"p95<10m"}, []string{"R119"}},
		{[]string{"delivery.p95 < 600s", "p95<10m", "errors<1%"}, []string{"R119", "errors<1%"}},
		{[]string{"response.p95<10m", "p95<=10m", "p95<9m"}, []string{"R119", "response.p95<10m", "p95<=10m", "p95<9m"}},
		{[]string{"errors<1%", "errors<0.01", "errors<=1%"}, []string{"R119", "errors<1%", "errors<=1%"}},
	} {
		all := []Objective{Documented()}
		for _, text := range tt.given {
			all = append(all, objective(t, text))
		}
		var got []string
		for _, o := range Unique(all) {
			if o.Rule != "" {
				o.Text = "R119"
			}
			got = append(got, o.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%v:\n%s", tt.given, diff)
		}
	}
}

func TestParseObjectiveSaysWhere(t *testing.T) {
	for _, tt := range []struct {
		text   string
		column int
		part   string
	}{
		{"", 1, "is missing"},
		{"p95", 4, "is missing"},
		{"p95<", 5, "the limit is missing"},
		{"p95<  ", 7, "the limit is missing"},
		{"p95<10", 5, "is not a time"},
		{"p95<-1s", 5, "is not a time"},
		{"p95<0s", 5, "is not a time"},
		{"p95=10m", 8, "is missing"},
		{"p95>10m", 4, "below a limit"},
		{"rate<9900/s", 5, "above a limit"},
		{"rate>=fast", 7, "is not a rate"},
		{"rate>=0", 7, "is not a rate"},
		{"rate>=1e3", 7, "is not a rate"},
		{"errors<101%", 8, "is not a share"},
		{"errors<=1", 9, "all of them"},
		{"errors<.", 8, "is not a share"},
		{"errors<-1%", 8, "is not a share"},
		{"errors<NaN", 8, "is not a share"},
		{"error<1%", 1, `"error" is not a measured quantity`},
		{"  median<1s", 3, `"median" is not a measured quantity`},
		{"response.mean<1s", 10, `"mean" is not a measured quantity`},
		{"request.p95<1s", 1, `"request.p95" is not a measured quantity`},
		{"p100<1s", 2, "below 100"},
		{"p0<1s", 2, "above 0"},
		{"p<1s", 2, "above 0"},
		{"p9.9.9<1s", 2, "above 0"},
	} {
		_, err := ParseObjective(tt.text)
		var e *SyntaxError
		if !errors.As(err, &e) || e.Column != tt.column || !strings.Contains(e.Message, tt.part) || e.Hint == "" {
			t.Errorf("%q: %v (%+v); want column %d, %q", tt.text, err, e, tt.column, tt.part)
		}
	}
}

// Whatever is written: an objective that can be judged, or an error within the
// text.
func FuzzParseObjective(f *testing.F) {
	for _, seed := range []string{"p95<10m", "response.p99.9<=2s", "errors<0.1%", "rate>=9900/s", "lost < 1%", "service.max<1h", "p95", "<", "p1e1<1s", "errors<\x00%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseObjective(text)
		var e *SyntaxError
		if err != nil {
			if !errors.As(err, &e) || e.Column < 1 || e.Column > len(text)+1 || e.Message == "" {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if math.IsNaN(o.Limit) || math.IsInf(o.Limit, 0) || o.Limit < 0 || o.Quantity == Latency && (o.Quantile <= 0 || o.Quantile > 1) {
			t.Errorf("%q: %+v", text, o)
		}
		if again, err := ParseObjective(o.Text); err != nil || again != o {
			t.Errorf("%q is read as %+v, its text as %+v (%v)", text, o, again, err)
		}
	})
}
