package reports

import (
	"fmt"
	"slices"
	"strings"
)

// failures prints every case that did not pass or has an open question, with
// what to look at.
func (t *printer) failures(r *Report) {
	for _, c := range r.Cases {
		open := slices.ContainsFunc(c.Checks, func(k Check) bool { return k.Verdict == Unspecified })
		if c.Verdict != Fail && c.Verdict != Inconclusive && !open || t.isAlike(&c) {
			continue
		}
		t.line("")
		t.hang("", t.mark(c.Verdict)+"  ", 6, visible(c.ID)+": "+visible(c.Title))
		shown := 0
		for _, v := range []Verdict{Fail, Inconclusive, Unspecified} {
			for _, k := range c.Checks {
				if k.Verdict == v && (v == Unspecified || c.Verdict == Fail || c.Verdict == Inconclusive) {
					t.failure(r, k)
					shown++
				}
			}
		}
		if shown == 0 {
			t.field("reason", c.Reason)
		}
		if command := Again(r, &c); command != "" && c.Verdict != Unspecified {
			t.command("again", command)
		}
	}
}

// fewAlike is how many cases without a check are printed each for itself.
const fewAlike = 3

// alike counts the reasons that more cases than that have for being without any
// check: a run that is interrupted says so once, and not of hundreds of cases.
func alike(r *Report) *tally {
	all := newTally()
	for i := range r.Cases {
		if c := &r.Cases[i]; c.Verdict == Inconclusive && len(c.Checks) == 0 {
			all.add(c.Reason)
		}
	}
	all.words = slices.DeleteFunc(all.words, func(reason string) bool { return all.n[reason] <= fewAlike })
	return all
}

func (t *printer) isAlike(c *Case) bool {
	return t.alike != nil && c.Verdict == Inconclusive && len(c.Checks) == 0 && slices.Contains(t.alike.words, c.Reason)
}

// unjudged prints how many cases each reason kept from being judged.
func (t *printer) unjudged() {
	if t.alike == nil || len(t.alike.words) == 0 {
		return
	}
	t.line("")
	for _, reason := range t.alike.words {
		t.hang("", t.mark(Inconclusive)+"  ", 6, fmt.Sprintf("%s not judged: %s", count(t.alike.n[reason], "case"), visible(reason)))
	}
}

func (t *printer) failure(r *Report, k Check) {
	place := ""
	if k.File != "" {
		place = fmt.Sprintf("%s:%d:%d: ", OneLine(k.File), k.Line, max(1, k.Column))
	}
	title := visible(k.Title)
	if k.Verdict == Unspecified {
		title = "unspecified: " + title
	}
	t.hang("  ", "", 2, place+title)
	t.field("expected", k.Expected)
	t.field("actual", k.Actual)
	t.field("it says", quoted(k.Said))
	t.field("class", k.class())
	for _, rule := range r.Rules {
		if rule.ID == k.Rule {
			t.field("rule", fmt.Sprintf("%s %s (%s): %s", rule.Ref, rule.ID, rule.Level, rule.Title))
		}
	}
	t.field("fix", k.Fix)
	t.exchange(k.Exchange)
	for i, c := range k.Causes {
		if i == fewCauses && !t.Verbose {
			t.field("", fmt.Sprintf("and %s; -v shows all", count(len(k.Causes)-i, "more likely cause")))
			break
		}
		t.field([]string{"likely", ""}[min(i, 1)], c.line())
	}
	t.command("send it", k.Reproduce)
}

// fewCauses is how many likely causes are shown without -v.
const fewCauses = 2

// exchange prints a request and its answer: in one line, and in full with -v.
func (t *printer) exchange(x *Exchange) {
	if x == nil {
		return
	}
	t.field("exchange", x.gist())
	if !t.Verbose {
		return
	}
	t.block("request", x.request())
	t.block("answer", x.answer())
}

// labelled is how far values stand from the margin.
const labelled = 14

// field prints a labelled value; one of several lines stands below its label.
func (t *printer) field(label, value string) {
	switch {
	case value == "":
	case strings.Contains(visible(value), "\n"):
		t.block(label, value)
	default:
		t.hang("    ", fmt.Sprintf("%-8s  ", label), labelled, visible(value))
	}
}

// block prints a value of several lines below its label.
func (t *printer) block(label, value string) {
	value = strings.Trim(visible(value), "\n") // what a receiver sent must not steer the terminal
	if value == "" {
		return
	}
	t.line("    %s", label)
	for _, line := range strings.Split(value, "\n") {
		t.hang("      ", "", 6, line)
	}
}

// command prints what is copied into a shell, as it is: a line break in it would
// be one in the shell.
func (t *printer) command(label, value string) {
	value = strings.TrimRight(visible(value), "\n")
	if value == "" {
		return
	}
	for i, line := range strings.Split(value, "\n") {
		if i == 0 {
			t.line("    %-8s  %s", label, line)
		} else {
			t.line("    %-8s  %s", "", line)
		}
	}
}

// hang prints a text after a head; what does not fit the terminal goes on below,
// indented by so many columns.
func (t *printer) hang(margin, head string, indent int, text string) {
	lines := []string{text}
	if t.Width > 0 {
		lines = broken(text, max(20, t.Width-indent))
	}
	for i, line := range lines {
		if i == 0 {
			t.line("%s%s%s", margin, head, line)
		} else {
			t.line("%s%s", strings.Repeat(" ", indent), Harmless(line))
		}
	}
}
