package reports

import (
	"fmt"
	"io"
	"strings"
)

// WriteHDR writes the histograms of a load test as a log of HdrHistogram, format
// 1.3, which its plotters and mergers read: a line for each distribution over
// all of the run, and one for each step in time. Values are microseconds, the
// maxima of the third column milliseconds. Without a histogram it is
// ErrNoLatencies.
func WriteHDR(w io.Writer, r *Report) error {
	var lines []string
	line := func(tag string, from, seconds, maxMs float64, histogram string) {
		if histogram != "" {
			lines = append(lines, fmt.Sprintf("Tag=%s,%.3f,%.3f,%.3f,%s\n", hdrTag.Replace(OneLine(tag)), from, seconds, maxMs, hdrTag.Replace(OneLine(histogram))))
		}
	}
	if l := r.Load; l != nil {
		for _, n := range l.named() {
			line(n.Name, 0, l.Seconds, n.MaxMs, n.Histogram)
		}
		for _, f := range l.Flows {
			if f.Latency != nil {
				line("flow-"+f.Name, 0, l.Seconds, f.Latency.MaxMs, f.Latency.Histogram)
			}
		}
		if l.Series != nil {
			for _, p := range l.Series.Points {
				line("steps", p.AtSeconds, l.Series.StepSeconds, p.P99Ms, p.Histogram)
			}
		}
	}
	if len(lines) == 0 {
		return ErrNoLatencies
	}
	_, err := fmt.Fprintf(w, "#[Logged with httpdest %s]\n#[Histogram log format version 1.3]\n#[StartTime: 0.000 (seconds since epoch)]\n%s\n%s",
		OneLine(strings.Join(strings.Fields(r.Environment.Version), " ")), `"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"`, strings.Join(lines, ""))
	return err
}

// hdrTag replaces what ends a tag.
var hdrTag = strings.NewReplacer(",", "_", " ", "_", "\t", "_", "\n", "_", "\r", "_")
