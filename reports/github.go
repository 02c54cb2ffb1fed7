package reports

import (
	"fmt"
	"io"
	"strings"
)

// perCase bounds the annotations of one case: GitHub shows ten errors of a
// step, and one case should not take more than all of them.
const perCase = 10

// WriteGitHub writes workflow commands, which GitHub shows next to the lines of
// the scenario files: an error for each failed or inconclusive check, at most
// ten for a case, of which the last counts the rest. A failure without a check
// is reported for its case, or for the whole report: no failure is silent.
func WriteGitHub(w io.Writer, r *Report) error {
	var b strings.Builder
	for _, c := range r.Cases {
		if troubled(c.Verdict) {
			annotateCase(&b, r, c)
		}
	}
	if b.Len() == 0 && troubled(r.Verdict) {
		annotate(&b, Case{}, Check{}, fmt.Sprintf("httpdest %s: %s", r.Kind, r.Verdict),
			"no case failed, but the verdict is "+string(r.Verdict)+"; cases: "+fmt.Sprint(r.Summary.Cases))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// troubled verdicts are those to look at.
func troubled(v Verdict) bool { return v == Fail || v == Inconclusive }

// troubles are the checks of a case to look at; a case without any is its own.
func troubles(c Case) []Check {
	var all []Check
	for _, k := range c.Checks {
		if troubled(k.Verdict) {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		all = []Check{{Verdict: c.Verdict, Title: or(c.Reason, c.Title, string(c.Verdict))}}
	}
	return all
}

func annotateCase(b *strings.Builder, r *Report, c Case) {
	all := troubles(c)
	shown := all
	if len(all) > perCase {
		shown = all[:perCase-1]
	}
	for _, k := range shown {
		title := fmt.Sprintf("%s: %s", c.ID, k.Verdict)
		if rule := ruleOf(r, k); rule != nil {
			title += fmt.Sprintf(" (%s %s)", rule.Ref, rule.ID)
		}
		annotate(b, c, k, title, strings.Join(checkLines(k, false), "\n"))
	}
	if rest := len(all) - len(shown); rest > 0 {
		annotate(b, c, Check{}, fmt.Sprintf("%s: %s", c.ID, c.Verdict),
			fmt.Sprintf("and %d more checks of this case that failed or are inconclusive", rest))
	}
}

// ruleOf is the rule that a check judges, if it is one.
func ruleOf(r *Report, k Check) *Rule {
	for i := range r.Rules {
		if k.Rule != "" && r.Rules[i].ID == k.Rule {
			return &r.Rules[i]
		}
	}
	return nil
}

// annotate writes one command; what is not known of its place is left out, and
// control characters do not reach the terminal of the log.
func annotate(b *strings.Builder, c Case, k Check, title, message string) {
	file, line, column := position(c, k)
	var properties []string
	property := func(name, value string, known bool) {
		if known {
			properties = append(properties, name+"="+githubProperty.Replace(xmlText(value)))
		}
	}
	property("file", file, file != "")
	property("line", fmt.Sprint(line), file != "" && line > 0)
	property("col", fmt.Sprint(column), file != "" && line > 0 && column > 0)
	property("title", title, true)
	fmt.Fprintf(b, "::error %s::%s\n", strings.Join(properties, ","), githubMessage.Replace(xmlText(message)))
}

// Characters that a command may not contain: a line break ends it, and in
// properties a colon and a comma have a meaning.
var (
	githubMessage  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
