package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
)

// readingsPage is the part of the guide to readings that is made from the list
// that the program reads scenarios by.
func readingsPage() string {
	var b strings.Builder
	b.WriteString("\n## The keys\n")
	for _, r := range scenarios.KnownReadings() {
		fmt.Fprintf(&b, "\n%s  (%s, rule %s)\n", r.Key, r.Point, r.Rule)
		writeWrapped(&b, "    ", "Chooses "+r.Title+".")
		writeWrapped(&b, "    ", "Documentation: "+r.Says)
		for i, v := range r.Values {
			note := ""
			if i == 0 {
				note = " (default)"
			}
			writeWrapped(&b, "      ", v.Word+note+": "+v.Means)
		}
		if r.Most > 0 {
			writeWrapped(&b, "      ", r.Bounds)
		}
	}
	return b.String()
}

// writeWrapped writes a text in lines of at most 88 characters.
func writeWrapped(b *strings.Builder, indent, text string) {
	const width = 88
	line := indent
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent + "  "
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// readingValues completes KEY=VALUE of --reading.
func readingValues(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, r := range scenarios.KnownReadings() {
		for _, v := range r.Values {
			out = append(out, cobra.CompletionWithDesc(r.Key+"="+v.Word, r.Title))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
