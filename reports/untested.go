package reports

import "strings"

// untested prints what a probe left out, and the command that would test it.
func (t *printer) untested(r *Report) {
	if len(r.Untested) == 0 || t.Quiet {
		return
	}
	t.line("")
	t.line("not tested:")
	for _, u := range r.Untested {
		t.hang("  ", "", 4, visible(u.What)+", "+strings.Join(u.Rules, ", "))
		t.command("try", u.Command)
	}
}

// untested writes the same as a table.
func (m *markdown) untested(r *Report) {
	if len(r.Untested) == 0 {
		return
	}
	m.line("## Not tested\n")
	m.row("what", "rules", "command")
	m.line("| --- | --- | --- |")
	for _, u := range r.Untested {
		m.row(u.What, strings.Join(u.Rules, ", "), u.Command)
	}
	m.line("")
}

// levelOf is the highest level of the rules that a case of a probe is about:
// must, should, or "" for a report of another kind.
func levelOf(r *Report, c Case) string {
	if r.Kind != probeKind {
		return ""
	}
	level := ""
	for _, rule := range r.Rules {
		for _, id := range c.Rules {
			if rule.ID == id && (level == "" || rule.Level == "must") {
				level = rule.Level
			}
		}
	}
	return level
}

// Level is levelOf for other packages.
func (r *Report) Level(c Case) string { return levelOf(r, c) }
