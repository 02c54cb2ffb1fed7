package reports

import (
	"fmt"
	"strings"
)

// gist is the exchange in a line, with the time that each part took.
func (x *Exchange) gist() string {
	took := []string{milli(x.DurationMs)}
	for _, p := range x.Phases {
		took = append(took, p.Name+" "+milli(p.ToMs-p.FromMs))
	}
	return fmt.Sprintf("%s %s: %s in %s", x.Method, x.URL, x.Outcome, strings.Join(took, ", "))
}

// request and answer are headers and body as they travel.
func (x *Exchange) request() string { return travelled(x.RequestHeaders, x.RequestBody) }
func (x *Exchange) answer() string  { return travelled(x.ResponseHeaders, x.ResponseBody) }

func travelled(headers []string, body string) string {
	text := strings.Join(headers, "\n")
	if body != "" {
		text += "\n\n" + body
	}
	return strings.Trim(text, "\n")
}

// line is a likely cause in a line.
func (c Cause) line() string {
	return fmt.Sprintf("%s: %s: %s", c.Server, strings.TrimSuffix(c.Cause, "."), c.Fix)
}

// milli prints milliseconds with three figures.
func milli(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%.3g s", ms/1000)
	}
	return fmt.Sprintf("%.3g ms", ms)
}
