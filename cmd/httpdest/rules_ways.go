package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
)

// exercisedBy says what has to happen so that a rule is exercised.
func exercisedBy(r scenarios.Rule) string {
	var facts []string
	for _, word := range r.Premise {
		if f, ok := scenarios.FindFact(word); ok {
			facts = append(facts, f.Happens)
		}
	}
	return strings.Join(facts, ", and ")
}

// words joins ways for a reader.
func words(ways []check.Way) string {
	out := make([]string, len(ways))
	for i, w := range ways {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// named counts the cases of the library with a line of expect for a rule.
func (p proof) named(rule string) int {
	n := 0
	for _, s := range p.cases {
		if slices.ContainsFunc(s.Expect, func(e scenarios.Expectation) bool { return scenarios.RuleOf(e.Rule) == rule }) {
			n++
		}
	}
	return n
}

// inRun is the ways by which a rule can fail in a run, lines of the library
// included; none for a rule of receivers.
func (p proof) inRun(r scenarios.Rule) []check.Way {
	ways := check.InRun(r.ID)
	if p.named(r.ID) > 0 {
		ways = append(ways, check.ByExpect)
	}
	return ways
}

func (p proof) waysInRun(r scenarios.Rule) string {
	if r.Side == "receiver" {
		return "not judged: use httpdest probe"
	}
	text := "can fail by: " + words(p.inRun(r))
	if n := p.named(r.ID); n > 0 {
		text += fmt.Sprintf(" (in %s)", count(n, "library case"))
	}
	return text
}

func waysInJudge(r scenarios.Rule) string {
	ways := check.InJudge(r.ID)
	if len(ways) == 0 {
		return "not judged: a capture does not tell"
	}
	return "can fail by: " + words(ways) + "; the capture must tell: " + strings.Join(r.Needs, ", ")
}

// waysPage is the part of the guide to rules that is made from the checks
// themselves: by which of them each rule can fail.
func waysPage(p proof) string {
	var b strings.Builder
	b.WriteString("\n## By which checks each rule can fail\n\n")
	b.WriteString("run: invariant, what every recording is held against; oracle, the export rules\n" +
		"stated a second time; expect, a line of the library that names the rule with\n`rule:`. judge: capture, what the requests say; " +
		"oracle, where --scenario tells the\nhistory. probe: rules of receivers.\n\n")
	fmt.Fprintf(&b, "    %-5s %-26s %-26s %s\n", "", "rule", "run", "judge")
	for _, r := range p.rules {
		run, judge := words(p.inRun(r)), words(check.InJudge(r.ID))
		if r.Side == "receiver" {
			run, judge = "probe", ""
		}
		line := fmt.Sprintf("    %-5s %-26s %-26s %s", r.Ref, r.ID, run, judge)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	b.WriteString("\n## What exercises a rule\n\nThe words of `premise` in the catalogue, and what each stands for:\n\n")
	for _, f := range scenarios.Facts() {
		fmt.Fprintf(&b, "    %-28s %s\n", f.Word, f.Happens)
	}
	b.WriteString("\n## What a capture must tell\n\nThe words of `needs`:\n\n")
	for _, n := range scenarios.Needs() {
		fmt.Fprintf(&b, "    %-28s %s\n", n.Word, n.Means)
	}
	return b.String()
}
