package reports

import (
	"bytes"
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"
)

// hostileTexts are what a receiver, a sender or the name of a file may hold.
var hostileTexts = map[string]string{
	"a command on a line":       "fine\n::error file=x::owned",
	"an indented command":       "fine\n   ::add-mask::owned",
	"a command of Azure":        "fine\n##vso[task.setvariable]owned",
	"a command at the start":    "::stop-commands::owned",
	"a carriage return":         "fine\r::error::owned",
	"an escape sequence":        "\x1b[2J\x1b]0;owned\x07",
	"an 8-bit escape":           "\u009b2J",
	"a text that is turned":     "\u202egnp.exe\u2066",
	"marks of direction":        "a\u200eb\u200fc\u061cd",
	"a line separator":          "fine\u2028::error::owned",
	"a null":                    "a\x00b",
	"not UTF-8":                 "a\xff\xfe\x80b",
	"a fence":                   "```\n# owned\n::error::owned\n````",
	"markup":                    "<script>owned()</script> [x](javascript:owned)",
	"the end of a CDATA":        "]]>\n::error::owned",
	"a row of a table":          "a|b\n| c | d |",
	"a command after a newline": "\n\n::error::owned\n",
}

// hostileReport holds a text wherever a report repeats what others wrote.
func hostileReport(text string) *Report {
	k := Check{Rule: "r", Verdict: Fail, Title: text, Expected: text, Actual: text, Fix: text, File: text, Line: 1, Reproduce: text,
		Exchange: &Exchange{Method: "POST", URL: text, RequestHeaders: []string{"A: " + text}, RequestBody: text, Status: 200, Outcome: text, ResponseHeaders: []string{text}, ResponseBody: text}, Causes: []Cause{{Server: text, Cause: text, Fix: text}}, Said: text, Class: "form"}
	return &Report{Schema: Schema, Kind: "probe", Verdict: Fail, Summary: Summary{Cases: 2, Fail: 2},
		Rules: []Rule{{ID: "r", Ref: "R1", Level: "must", Title: text, Reason: text, Verdict: Fail}},
		Cases: []Case{{ID: "case" + text, Title: text, File: text, Line: 1, Verdict: Fail, Reason: text, Evidence: []string{text}, Checks: []Check{k}},
			{ID: "bare", Title: text, Verdict: Inconclusive, Reason: text}}}
}

// fill sets every text within a value, and gives every list and map two elements.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, text)
		fill(value, text)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Int, reflect.Int64:
		v.SetInt(1)
	}
}

// everywhere is a report of load and plan in which every text is hostile: a
// report.json may come from anybody.
func everywhere(text string) *Report {
	r := hostileReport(text)
	r.Load, r.Plan = &Load{}, &Plan{}
	fill(reflect.ValueOf(r.Load).Elem(), text)
	fill(reflect.ValueOf(r.Plan).Elem(), text)
	fill(reflect.ValueOf(&r.Environment).Elem(), text)
	for i := range r.Cases {
		r.Cases[i].Metrics = map[string]float64{Deliveries: 1, LatencyP95Seconds: 1}
	}
	return r
}

// hostileComparison is a comparison in which every text is hostile.
func hostileComparison(text string) *Comparison {
	c := &Comparison{}
	fill(reflect.ValueOf(c).Elem(), text)
	for i, j := range []Judgement{Slower, Shown} {
		c.Metrics[i].Judgement = j
	}
	c.Rules[0].After = Fail
	return c
}

// In every format of a report, text from others cannot steer a terminal,
// reverse text, run a command of a CI runner, or break out of its place.
func TestHostileTextsStayTexts(t *testing.T) {
	formats := map[string]func(io.Writer, *Report) error{
		"text":     func(w io.Writer, r *Report) error { return WriteText(w, r, TextOptions{Verbose: true}) },
		"terminal": func(w io.Writer, r *Report) error { return WriteText(w, r, TextOptions{Width: 80}) },
		"markdown": WriteMarkdown, "junit": WriteJUnit, "junit-strict": WriteJUnitStrict, "github": WriteGitHub, "csv": WriteCSV, "hdr": WriteHDR,
		"load":             func(w io.Writer, r *Report) error { return WriteLoadText(w, r, TextOptions{Verbose: true}) },
		"load, a terminal": func(w io.Writer, r *Report) error { return WriteLoadText(w, r, TextOptions{Width: 80}) },
		"load, quiet":      func(w io.Writer, r *Report) error { return WriteLoadText(w, r, TextOptions{Quiet: true}) },
		"plan":             func(w io.Writer, r *Report) error { return WritePlanText(w, r, TextOptions{Verbose: true}) },
		"compare": func(w io.Writer, r *Report) error {
			return WriteComparisonText(w, hostileComparison(r.Plan.Warnings[0]), TextOptions{Verbose: true})
		},
		"compare, quiet": func(w io.Writer, r *Report) error {
			return WriteComparisonText(w, hostileComparison(r.Plan.Warnings[0]), TextOptions{Quiet: true})
		},
		"compare markdown": func(w io.Writer, r *Report) error {
			return WriteComparisonMarkdown(w, hostileComparison(r.Plan.Warnings[0]))
		},
	}
	for name, text := range hostileTexts {
		for format, write := range formats {
			t.Run(format+"/"+name, func(t *testing.T) {
				var out bytes.Buffer
				if err := write(&out, everywhere(text)); err != nil {
					t.Fatal(err)
				}
				for i, line := range strings.Split(out.String(), "\n") {
					ours := format == "github" && strings.HasPrefix(line, "::error ") && strings.Count(line, "\n") == 0
					if !ours && Harmless(line) != line {
						t.Errorf("line %d is a command: %q", i+1, line)
					}
				}
				if at := strings.IndexFunc(out.String(), func(c rune) bool {
					return c < ' ' && c != '\n' && c != '\t' || c >= 0x7F && c < 0xA0 || turns(c) || c == 0x2028
				}); at >= 0 {
					t.Errorf("%q steers a terminal", out.String()[max(0, at-20):at+3])
				}
				if strings.HasPrefix(format, "junit") {
					if err := xml.Unmarshal(out.Bytes(), new(struct{})); err != nil {
						t.Errorf("not XML: %v", err)
					}
				}
				if strings.Contains(format, "markdown") && strings.Contains(out.String(), "<script>") && !strings.Contains(text, "script") {
					t.Error("markup of others")
				}
			})
		}
	}
}

// Every hostile text keeps its words: nothing is hidden from the reader.
func TestPrintableKeepsWords(t *testing.T) {
	for name, text := range hostileTexts {
		if strings.Contains(text, "owned") && !strings.Contains(Printable(text), "owned") {
			t.Errorf("%s: %q lost its words", name, Printable(text))
		}
		if one := OneLine(text); strings.ContainsAny(one, "\n\r\x1b") || Harmless(one) != one {
			t.Errorf("%s: %q is not one harmless line", name, one)
		}
		if Printable(Printable(text)) != Printable(text) {
			t.Errorf("%s: printing twice changes it again", name)
		}
	}
	for _, text := range []string{"", "plain", "a:b::c", "tab\there", "two\nlines", "Zoë 漢字 🚀", "# heading"} {
		if Printable(text) != text {
			t.Errorf("%q became %q", text, Printable(text))
		}
	}
}
