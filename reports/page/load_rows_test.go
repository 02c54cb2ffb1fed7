package page

import (
	"bytes"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// The page of a load has what its text has: stored times, stages, late starts, the
// trend, and what a merge left out. Words from a report are escaped.
func TestLoadRows(t *testing.T) {
	load := &reports.Load{
		Mode: "receiver", Clock: "wall", To: "http://127.0.0.1/", Pace: "stages", Seconds: 7200, Machines: 2,
		Stored:  &reports.Stored{Missing: 3, Behind: 0.02, Time: &reports.Distribution{Count: 64, P50Ms: 1500, P95Ms: 2500, MaxMs: 9000}},
		Stages:  []reports.Stage{{AtSeconds: 30, Seconds: 60, From: 10, To: 20, Offered: 911, Begun: 912, Delivered: 913, Failed: 914, P95Ms: 77}},
		Late:    &reports.Lateness{Receiver: reports.LateStarts{Count: 919, MaxMs: 44}, StoodSeconds: 0.4},
		Trend:   &reports.Trend{StartMs: 20, PerHour: 0.36, Low: 0.3, High: 0.4},
		LeftOut: []string{"the rows of stages: <b>"},
	}
	r := &reports.Report{Schema: reports.Schema, Kind: "load", Verdict: reports.Pass, Load: load}
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<th scope=\"row\">Stored<br>", "3 could not be read back in time", "2 % less is stored than is answered", "<td>9 s</td>",
		"<h3>Stages</h3>", "10 per second to 20 per second", "<td>911</td><td>912</td><td>913</td><td>914</td>",
		"<h3>Late starts</h3>", "a slow receiver</th><td>919</td>", "the process of one machine stood still for",
		"Trend: the response time grows by 36% an hour", "the rows of stages: &lt;b&gt;",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	load.Stored, load.Stages, load.Late, load.Trend, load.LeftOut = nil, nil, nil, nil, nil
	b.Reset()
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, empty := range []string{">Stored<", ">Stages<", "Late starts", "stood still", "Trend:", "Left out"} {
		if strings.Contains(b.String(), empty) {
			t.Errorf("the page has %q, of a load without", empty)
		}
	}
}
