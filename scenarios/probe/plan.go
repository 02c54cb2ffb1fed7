package probe

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// plan is every case, in order: from what must work for the others to mean
// anything to what may upset a receiver.
func (p *Prober) plan() []probeCase {
	return slices.Concat(p.encryption(), p.mutual(), p.tokens(), p.messages(), p.states(), p.histories(), p.pace(), p.refusals(), p.credentials(), p.answers(), p.firewall())
}

// Selected is how many cases the configuration names.
func (p *Prober) Selected() int {
	n := 0
	for _, t := range p.plan() {
		if p.config.Only == nil || p.config.Only.MatchString(t.id) {
			n++
		}
	}
	return n
}

// needs is why a case is not tried: a rule it takes for granted does not hold.
func (p *Prober) needs(rules ...string) string {
	for _, c := range p.cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail && slices.Contains(rules, k.Rule) {
				rule, _ := p.config.Rules.Find(k.Rule)
				return fmt.Sprintf("needs %s %s, which failed: fix that first", rule.Ref, k.Rule)
			}
		}
	}
	return ""
}

// Describe prints what a run would send, and sends nothing.
func (p *Prober) Describe(w io.Writer) error {
	var b strings.Builder
	c := p.config
	total, width := 0, 0
	all := p.plan()
	for _, t := range all {
		width = max(width, len(t.id))
	}
	fmt.Fprintf(&b, "endpoint    %s\n", p.redact.address(c.Destination.URL().String()))
	fmt.Fprintf(&b, "auth        %s\n", c.Destination.Auth.Kind)
	fmt.Fprintf(&b, "profiles    synthetic: ECIDs begin with %s, mail addresses end in @%s\n", p.people.prefix()[:28], MailDomain)
	fmt.Fprintf(&b, "limits      %d requests/s, %d in all, %d at once; stated load %d/s for %s\n\n", c.Limits.Rate, c.Limits.Requests, c.Limits.Burst, c.Load.Rate, c.Load.For)
	for _, t := range all {
		if why := t.skip(p); why != "" {
			fmt.Fprintf(&b, "%4s  %-*s  not tried: %s\n", "-", width, t.id, why)
			continue
		}
		total += t.requests
		fmt.Fprintf(&b, "%4d  %-*s  %s (%s)\n", t.requests, width, t.id, t.title, strings.Join(t.rules, ", "))
	}
	least := time.Duration(total) * time.Second / time.Duration(c.Limits.Rate)
	fmt.Fprintf(&b, "\nwould send about %s at most, in at least %s; nothing was sent\n", exactly(total, "request"), least.Round(time.Second))
	if total > c.Limits.Requests {
		fmt.Fprintf(&b, "more than the limit of %d: the last cases would be inconclusive\n", c.Limits.Requests)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
