package loadtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Quantity is what an objective is about.
type Quantity string

// The quantities. Errors is the share of the attempts without a 2xx, Lost that
// of the exports given up after the last retry, Rate how many end with a 2xx
// each second, and Backfilled the time from a mapping to the end of its backfill.
const (
	Latency Quantity = "latency"
	Errors  Quantity = "errors"
	Lost    Quantity = "lost"
	Rate    Quantity = "rate"
	Trend   Quantity = "trend"

	Backfilled Quantity = "backfill"
)

// Span is what a latency is measured over.
type Span string

// The spans; see reports.Load. Headline is the delivery latency of a pipeline
// and the response time of a receiver. DuringBackfill is the delivery latency of
// ordinary exports that were due while a backfill went on.
const (
	Headline Span = ""
	Delivery Span = "delivery"
	Response Span = "response"
	Service  Span = "service"
	Stored   Span = "stored"

	DuringBackfill Span = "during-backfill"
)

// Objective is one limit for a measured quantity.
type Objective struct {
	Text     string // as it was written
	Rule     string // that it is from; "" for one of the user's
	Quantity Quantity
	Over     Span    // of a latency
	All      bool    // failed attempts count too, with the time they took
	Quantile float64 // of a latency, 0 to 1; 1 is the longest
	Op       string  // <, <=, >, >=
	Limit    float64 // milliseconds, share, or 1/s
}

// DocumentedRate is the rate of a dataflow from which on the documentation
// promises nothing (R119).
const DocumentedRate = 10_000

// Documented is the objective of the destination: 95 of 100 messages that were
// sent successfully took less than ten minutes (R119).
func Documented() Objective {
	return Objective{Text: "p95<10m", Rule: "p95", Quantity: Latency, Over: Delivery, Quantile: 0.95, Op: "<", Limit: 600_000}
}

// Unique leaves out what is asked for a second time. p95<10m, however it is
// written, is the documented objective with its rule, and no second one of the
// user's.
func Unique(all []Objective) []Objective {
	var out []Objective
	for _, o := range all {
		if d := Documented(); o.asks(d) || o.Over == Headline && o.over(Delivery).asks(d) {
			o = d
		}
		if !slices.ContainsFunc(out, o.asks) {
			out = append(out, o)
		}
	}
	return out
}

// asks reports whether two objectives ask the same, whatever their words.
func (o Objective) asks(p Objective) bool {
	o.Text, o.Rule, p.Text, p.Rule = "", "", "", ""
	return o == p
}

func (o Objective) over(s Span) Objective {
	o.Over = s
	return o
}

// AnswerInTime is the destination's requirement for a receiver: an answer
// within two seconds (R81). That 95 of 100 must, and one in a hundred may fail,
// are httpdest's own limits.
func AnswerInTime() []Objective {
	return []Objective{
		{Text: "response.p95<2s", Quantity: Latency, Over: Response, Quantile: 0.95, Op: "<", Limit: 2000},
		FewErrors(),
	}
}

// FewErrors holds for every receiver: latencies are those of successful
// answers, and a dead receiver has no slow ones. The limit is httpdest's own.
func FewErrors() Objective {
	return Objective{Text: "errors<1%", Quantity: Errors, Op: "<", Limit: 0.01}
}

// FewLost is an additional objective of a search through the engine: the
// documented objective counts delivered exports alone, and holds even where all
// others are lost. That one in a hundred may be lost is httpdest's own limit.
func FewLost() Objective {
	return Objective{Text: "lost<1%", Quantity: Lost, Op: "<", Limit: 0.01}
}

// SyntaxError is an objective or a pace that cannot be read.
type SyntaxError struct {
	Text    string
	Column  int // from 1
	Message string
	Hint    string
}

// Error points at the column.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%q, column %d: %s", e.Text, e.Column, e.Message)
}

const forms = "write p95<10m, response.p99<2s, max<5s, errors<0.1%, lost<1%, rate>=9900/s or backfill<10m"

// ParseObjective reads one objective. The error is a *SyntaxError.
func ParseObjective(text string) (Objective, error) {
	at := strings.IndexAny(text, "<>")
	if at < 0 {
		return Objective{}, &SyntaxError{text, len(text) + 1, "<, <=, > or >= is missing", forms}
	}
	o := Objective{Text: strings.TrimSpace(text), Op: text[at : at+1]}
	value := at + 1
	if strings.HasPrefix(text[value:], "=") {
		o.Op, value = o.Op+"=", value+1
	}
	if err := o.subject(text, text[:at]); err != nil {
		return Objective{}, err
	}
	if err := o.limit(text, value); err != nil {
		return Objective{}, err
	}
	if wants := map[bool]string{true: ">", false: "<"}[o.Quantity == Rate]; o.Op[:1] != wants {
		return Objective{}, &SyntaxError{text, at + 1, fmt.Sprintf("%s must be %s a limit", o.Quantity, map[string]string{">": "above", "<": "below"}[wants]), forms}
	}
	return o, nil
}

// subject reads what stands before the comparison.
func (o *Objective) subject(text, subject string) error {
	indent := len(subject) - len(strings.TrimLeft(subject, " "))
	name := strings.TrimSpace(subject)
	switch q := Quantity(name); q {
	case Errors, Lost, Rate, Trend, Backfilled:
		o.Quantity = q
		return nil
	}
	o.Quantity = Latency
	before, after, dotted := strings.Cut(name, ".")
	if s := Span(before); dotted && (s == Delivery || s == Response || s == Service || s == Stored || s == DuringBackfill) {
		o.Over, name = s, after
		indent += len(before) + 1
		if (s == Response || s == Service) && strings.HasPrefix(name, "all.") {
			o.All, name = true, name[len("all."):]
			indent += len("all.")
		}
	}
	if name == "max" {
		o.Quantile = 1
		return nil
	}
	percent, found := strings.CutPrefix(name, "p")
	if !found || strings.Trim(percent, "0123456789.") != "" {
		return &SyntaxError{text, indent + 1, fmt.Sprintf("%q is not a measured quantity", name), forms}
	}
	p, err := strconv.ParseFloat(percent, 64)
	if err != nil || p <= 0 || p >= 100 {
		return &SyntaxError{text, indent + 2, "a percentile must be above 0 and below 100", "write max for the longest of all"}
	}
	o.Quantile = p / 100
	return nil
}

// limit reads what stands after the comparison.
func (o *Objective) limit(text string, from int) error {
	for from < len(text) && text[from] == ' ' {
		from++
	}
	value := strings.TrimRight(text[from:], " ")
	bad := func(message, hint string) error { return &SyntaxError{text, from + 1, message, hint} }
	if value == "" {
		return bad("the limit is missing", forms)
	}
	switch o.Quantity {
	case Latency, Backfilled:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return bad(fmt.Sprintf("%q is not a time", value), "write a number with its unit: 250ms, 2s, 10m")
		}
		o.Limit = milliseconds(d)
		return nil
	case Rate:
		n, ok := number(strings.TrimSuffix(value, "/s"))
		if !ok || n <= 0 {
			return bad(fmt.Sprintf("%q is not a rate", value), "write it for a second: 9900/s")
		}
		o.Limit = n
		return nil
	}
	if o.Quantity == Trend {
		perHour, ok := strings.CutSuffix(value, "/h")
		if !ok {
			return bad(fmt.Sprintf("%q is not a share of an hour", value), "write it as 5%/h")
		}
		value = perHour
	}
	percent, isPercent := strings.CutSuffix(value, "%")
	n, ok := number(percent)
	if isPercent {
		n /= 100
	}
	if !ok || n < 0 || n > 1 {
		return bad(fmt.Sprintf("%q is not a share", value), "write it as 0.1% or 0.001")
	}
	if n == 1 && !isPercent {
		return bad(fmt.Sprintf("%q would be all of them", value), "write 1% for one in a hundred, or 100%")
	}
	o.Limit = n
	return nil
}

// number reads plain digits: no exponent, sign, infinity or hexadecimal.
func number(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsInf(n, 0)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
