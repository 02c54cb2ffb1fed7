package reports

import (
	"bytes"
	"encoding/xml"
	"io"
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

// Whatever format a report leaves in, what others wrote steers no terminal, turns
// no text around, is no command of a runner, and does not end its own place.
func TestHostileTextsStayTexts(t *testing.T) {
	formats := map[string]func(io.Writer, *Report) error{
		"text":     func(w io.Writer, r *Report) error { return WriteText(w, r, TextOptions{Verbose: true}) },
		"terminal": func(w io.Writer, r *Report) error { return WriteText(w, r, TextOptions{Width: 80}) },
		"markdown": WriteMarkdown, "junit": WriteJUnit, "junit-strict": WriteJUnitStrict, "github": WriteGitHub,
	}
	for name, text := range hostileTexts {
		for format, write := range formats {
			t.Run(format+"/"+name, func(t *testing.T) {
				var out bytes.Buffer
				if err := write(&out, hostileReport(text)); err != nil {
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
				if format == "markdown" && strings.Contains(out.String(), "<script>") && !strings.Contains(text, "script") {
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
