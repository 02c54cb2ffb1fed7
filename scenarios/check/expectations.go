package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// mismatch is one thing that is not as a line expects it.
type mismatch struct{ what, want, got string }

// expectations judges every line of `expect:`, and what no line expects.
func (v *view) expectations() []reports.Check {
	var out []reports.Check
	met := map[string]int{} // exports of a profile that lines have met so far
	changes := map[string]int{}
	decisions, tokens, lookups := 0, 0, 0
	for i := range v.scenario.Expect {
		e := &v.scenario.Expect[i]
		var title string
		var wrong []mismatch
		switch {
		case e.Decision != "":
			decisions++
			title = fmt.Sprintf("mTLS decision %d", decisions)
			wrong = v.decision(e, decisions)
		case e.Token != "":
			title, wrong = v.tokenRequests(e, tokens)
			tokens += max(1, e.Times)
		case e.Handshakes != "":
			title, wrong = v.handshakes(e)
		case e.Problem != "":
			title, wrong = v.problem(e)
		case e.Run != nil || e.Totals != nil || e.Alert != nil || e.Latency != nil:
			out = append(out, v.monitoring(e, changes)...)
			continue
		case e.Lookup != nil:
			lookups++
			title = fmt.Sprintf("lookup %d", lookups)
			wrong = v.lookup(e, lookups)
		default:
			title = v.title(e, met)
			wrong = v.exportsOf(e, met)
		}
		out = append(out, verdicts(e, title, wrong)...)
	}
	if decisions > 0 && len(v.decisions) > decisions {
		out = append(out, v.unexpected(fmt.Sprintf("%d mTLS decisions", decisions), fmt.Sprintf("%d", len(v.decisions)),
			"add a `decision:` line for each, or none"))
	}
	if tokens > 0 && len(v.tokens) > tokens {
		out = append(out, v.unexpected(fmt.Sprintf("%d token requests", tokens), fmt.Sprintf("%d", len(v.tokens)),
			"add a `token:` line for each, or none"))
	}
	if lookups > 0 && len(v.lookups) > lookups {
		out = append(out, v.unexpected(fmt.Sprintf("%d lookups", lookups), fmt.Sprintf("%d", len(v.lookups)),
			"add a `lookup:` line for each, or none"))
	}
	return slices.Concat(out, v.surplusAlerts(changes), v.otherProblems(), v.others(met))
}

// clauseOf is the number of the clause that a line proves.
func clauseOf(e *scenarios.Expectation) string {
	rules, err := scenarios.Rules()
	if err != nil {
		panic("check: " + err.Error()) // the scenario was read with them
	}
	c, _ := rules.Clause(e.Rule)
	return c.Ref
}

// verdicts makes the checks of one line: a pass, or a failure for each of the
// first few mismatches.
func verdicts(e *scenarios.Expectation, title string, wrong []mismatch) []reports.Check {
	check := reports.Check{Rule: scenarios.RuleOf(e.Rule), Verdict: reports.Pass, Title: title, File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column}
	if check.Rule != e.Rule {
		check.Clause = clauseOf(e)
	}
	if len(wrong) == 0 {
		return []reports.Check{check}
	}
	const few = 5
	var out []reports.Check
	for i, m := range wrong {
		if i == few {
			check.Title, check.Expected, check.Actual = fmt.Sprintf("%s: and %d more like these", title, len(wrong)-few), "", ""
			return append(out, check)
		}
		check.Verdict, check.Title, check.Expected, check.Actual = reports.Fail, m.what, m.want, m.got
		out = append(out, check)
	}
	return out
}

// title names what an export line is about.
func (v *view) title(e *scenarios.Expectation, met map[string]int) string {
	if e.None {
		return fmt.Sprintf("%s is never exported", e.Profiles)
	}
	first := met[e.Profiles.At(0)] + 1
	title := fmt.Sprintf("export %d of %s", first, e.Profiles)
	if e.Times > 1 {
		title = fmt.Sprintf("exports %d to %d of %s", first, first+e.Times-1, e.Profiles)
	}
	if len(e.Because) > 0 {
		title += " because " + strings.Join(e.Because, ", ")
	}
	return title
}

// exportsOf compares a line with the next exports of each profile it names.
func (v *view) exportsOf(e *scenarios.Expectation, met map[string]int) []mismatch {
	var wrong []mismatch
	for name := range e.Profiles.All() {
		if e.None {
			for _, x := range v.byProfile[name] {
				wrong = append(wrong, mismatch{name + " is never exported", "no export", x.describe(v)})
			}
			met[name] = len(v.byProfile[name])
			continue
		}
		for range max(1, e.Times) {
			n := met[name]
			met[name]++
			if n >= len(v.byProfile[name]) {
				wrong = append(wrong, mismatch{fmt.Sprintf("export %d of %s", n+1, name), "an export" + because(e.Because), fmt.Sprintf("%s was exported %d times", name, len(v.byProfile[name]))})
				continue
			}
			wrong = append(wrong, v.compare(e, v.byProfile[name][n])...)
		}
	}
	return wrong
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " because " + strings.Join(reasons, ", ")
}

// describe is an export on one line.
func (x *exported) describe(v *view) string {
	return fmt.Sprintf("export %d of %s, %s after start%s", x.number, x.Profile, duration(x.At.Sub(v.scenario.Start)), because(x.Because))
}

// compare looks at everything a line says about one export.
func (v *view) compare(e *scenarios.Expectation, x *exported) []mismatch {
	var wrong []mismatch
	add := func(what, want, got string) {
		if want != got {
			wrong = append(wrong, mismatch{fmt.Sprintf("%s: %s", x.ID, what), want, got})
		}
	}
	if e.Because != nil {
		want := slices.Sorted(slices.Values(e.Because))
		add("because", strings.Join(want, ", "), strings.Join(slices.Sorted(slices.Values(x.Because)), ", "))
	}
	if got := x.At.Sub(v.scenario.Start); e.At != nil && !v.near(got, *e.At) {
		add("time of the decision, after start", duration(*e.At), duration(got))
	}
	if e.Within != nil {
		wrong = append(wrong, v.within(e, x)...)
	}
	attempts := x.attempts()
	if e.Outcomes != nil {
		got := make([]string, len(attempts))
		for i, a := range attempts {
			got[i] = a.Outcome
		}
		add("outcomes of its attempts", list(e.Outcomes), list(got))
	}
	if got := waits(x, attempts); e.After != nil && !slices.EqualFunc(got, e.After, v.near) {
		add("waits before its attempts", list(durations(e.After)), list(durations(got)))
	}
	if e.Certificate != "" {
		wrong = append(wrong, v.certificate(e, x)...)
	}
	if e.Together > 0 {
		got := "it was never attempted"
		if len(attempts) > 0 {
			got = fmt.Sprint(len(attempts[0].Exports))
		}
		add("exports in its message", fmt.Sprint(e.Together), got)
	}
	return append(wrong, v.content(e, x)...)
}

func (x *exported) attempts() []*recording.Attempt {
	if x.message == nil {
		return nil
	}
	return x.message.attempts
}

// waits are the times from the end of one attempt to the start of the next;
// the first, from the decision.
func waits(x *exported, attempts []*recording.Attempt) []time.Duration {
	var out []time.Duration
	last := x.At
	for _, a := range attempts {
		out = append(out, a.At.Sub(last))
		last = a.EndedAt
	}
	return out
}

// within checks that the first attempt starts soon enough: after the mapping
// for a backfill, after `at` or the decision for anything else.
func (v *view) within(e *scenarios.Expectation, x *exported) []mismatch {
	from, since := x.At, "the decision"
	if e.At != nil {
		from, since = v.scenario.Start.Add(*e.At), "start+"+duration(*e.At)
	} else if slices.Contains(x.Because, "backfill") {
		if at, ok := v.mappingOf(x); ok {
			from, since = at, "the mapping"
		}
	}
	what := fmt.Sprintf("%s: first attempt, after %s", x.ID, since)
	attempts := x.attempts()
	if len(attempts) == 0 {
		return []mismatch{{what, "within " + duration(*e.Within), "it was never attempted"}}
	}
	if got := attempts[0].At.Sub(from); got > *e.Within+v.tolerance || got < -v.tolerance {
		return []mismatch{{what, "within " + duration(*e.Within), duration(got)}}
	}
	return nil
}

// certificate checks both ends: what the sender presented and what the
// endpoint saw, in every attempt that shows it.
func (v *view) certificate(e *scenarios.Expectation, x *exported) []mismatch {
	words := map[bool]string{true: "presented", false: "none"}
	var wrong []mismatch
	shown := false
	for _, a := range x.attempts() {
		if !v.certificateKnown(a) {
			continue
		}
		shown = true
		if got := words[a.Certificate]; got != e.Certificate {
			wrong = append(wrong, mismatch{fmt.Sprintf("%s: certificate of attempt %d", x.ID, a.Number), e.Certificate, got})
		}
		if r := v.carried[a]; r != nil && words[r.Peer != nil] != e.Certificate {
			what := fmt.Sprintf("%s: certificate the endpoint saw in attempt %d", x.ID, a.Number)
			wrong = append(wrong, mismatch{what, e.Certificate, words[r.Peer != nil]})
		}
	}
	if !shown {
		wrong = append(wrong, mismatch{x.ID + ": certificate", e.Certificate, "no attempt got as far as that"})
	}
	return wrong
}

func (v *view) decision(e *scenarios.Expectation, n int) []mismatch {
	what := fmt.Sprintf("mTLS decision %d", n)
	if n > len(v.decisions) {
		return []mismatch{{what, e.Decision, fmt.Sprintf("%d decisions were made", len(v.decisions))}}
	}
	if d := v.decisions[n-1]; d.Result != e.Decision {
		return []mismatch{{what, e.Decision, fmt.Sprintf("%s (%s %s)", d.Result, d.First, d.Second)}}
	}
	return nil
}

func (v *view) handshakes(e *scenarios.Expectation) (title string, wrong []mismatch) {
	reasons := map[string]int{}
	n := 0
	for _, h := range v.refused {
		reasons[h.Reason]++
		if e.Reason == "" || h.Reason == e.Reason {
			n++
		}
	}
	title = "refused handshakes"
	if e.Reason != "" {
		title += " because " + e.Reason
	}
	if want := max(1, e.Times); n != want {
		wrong = []mismatch{{title, fmt.Sprint(want), fmt.Sprintf("%d (%v)", n, reasons)}}
	}
	return title, wrong
}

// others fails for every export that no line expects.
func (v *view) others(met map[string]int) []reports.Check {
	if v.scenario.OthersAllowed {
		return nil
	}
	var surplus []string
	for _, x := range v.exports {
		if x.number > met[x.Profile] {
			surplus = append(surplus, x.describe(v))
		}
	}
	if len(surplus) > 0 {
		return []reports.Check{v.unexpected("no export but those that a line expects", some(surplus), "expect it, or write `others: allowed`")}
	}
	pos := v.scenario.Pos
	return []reports.Check{{Verdict: reports.Pass, Title: "no other export", File: pos.File, Line: pos.Line, Column: pos.Column}}
}

func (v *view) unexpected(want, got, fix string) reports.Check {
	pos := v.scenario.Pos
	return reports.Check{Verdict: reports.Fail, Title: "something happened that no line expects", Expected: want, Actual: got, Fix: fix,
		File: pos.File, Line: pos.Line, Column: pos.Column}
}

func list(words []string) string { return "[" + strings.Join(words, " ") + "]" }

func durations(all []time.Duration) []string {
	out := make([]string, len(all))
	for i, d := range all {
		out[i] = duration(d)
	}
	return out
}

// duration prints a duration as a scenario writes it: 1h30m, not 1h30m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
