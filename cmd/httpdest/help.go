package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/docs"
	"github.com/httpdest/httpdest/scenarios"
)

// help prints a guide, or the help of the command that the arguments name; both
// where a guide is about the command of its name.
func (a *app) help(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		pages := docs.Pages()
		if i := slices.IndexFunc(pages, func(p docs.Page) bool { return p.Name == args[0] }); i >= 0 {
			if err := a.guide(pages[i]); err != nil {
				return err
			}
			return a.usageBelow(cmd.Root(), args[0])
		}
	}
	about, rest, err := cmd.Root().Find(args)
	if err != nil || about == cmd.Root() && len(rest) > 0 {
		return noTopic(cmd.Root(), args[0])
	}
	if err := known(about, rest); err != nil {
		return err
	}
	if err := about.Help(); err != nil || about != cmd.Root() {
		return err
	}
	return a.listTopics()
}

// usageBelow ends a guide with the usage of the command of the same name, if
// there is one: whoever asks for help about probe wants the flags too.
func (a *app) usageBelow(root *cobra.Command, name string) error {
	c, rest, err := root.Find([]string{name})
	if err != nil || c == root || len(rest) > 0 {
		return nil
	}
	_, err = fmt.Fprintf(a.stdout, "\n## httpdest %s\n\n%s", name, c.UsageString())
	return err
}

// guide prints a page. Those on rules and on readings end with what is made from
// the checks and from the format.
func (a *app) guide(p docs.Page) error {
	switch p.Name {
	case "rules":
		proof, err := loadProof()
		if err != nil {
			return err
		}
		p.Text += waysPage(proof)
	case "mutants":
		if !a.whole {
			p.Text = briefMutants(p.Text)
		}
	case "readings":
		p.Text += readingsPage()
	}
	_, err := fmt.Fprint(a.stdout, p.Text)
	return err
}

// briefMutants is the guide on mutants without its matrix of a thousand lines: how
// many there are in each part of the program.
func briefMutants(page string) string {
	intro, _, _ := strings.Cut(page, "\n## ")
	var b strings.Builder
	b.WriteString(intro + "\n")
	for line := range strings.Lines(page) {
		if area, ok := strings.CutPrefix(line, "## "); ok {
			b.WriteString("- " + area)
		}
	}
	b.WriteString("\n`httpdest help mutants --all` prints every mutant and the cases that find it.\n")
	return b.String()
}

// listTopics ends the help of httpdest itself.
func (a *app) listTopics() error {
	var b strings.Builder
	b.WriteString("\nGuides, by httpdest help TOPIC:\n")
	for _, t := range docs.Pages() {
		fmt.Fprintf(&b, "  %-15s  %s\n", t.Name, t.Title)
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// noTopic names the command or guide that was probably meant.
func noTopic(root *cobra.Command, name string) error {
	f := failure{exitUsage, fmt.Errorf("no command and no guide %q", name), "httpdest help lists both"}
	if near := scenarios.Nearest(name, topicNames(root)); near != "" {
		f.hint = fmt.Sprintf("did you mean %q?", near)
	}
	return f
}

// topicNames are the words that help takes.
func topicNames(root *cobra.Command) []string {
	var names []string
	for _, t := range docs.Pages() {
		names = append(names, t.Name)
	}
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && !slices.Contains(names, c.Name()) {
			names = append(names, c.Name())
		}
	}
	return names
}

// completeTopic completes what help takes: a guide, or the path of a command.
func completeTopic(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) == 0 {
		for _, t := range docs.Pages() {
			out = append(out, cobra.CompletionWithDesc(t.Name, t.Title))
		}
	}
	if about, _, err := cmd.Root().Find(args); err == nil {
		for _, c := range about.Commands() {
			if c.IsAvailableCommand() && !slices.ContainsFunc(out, func(o cobra.Completion) bool { return strings.HasPrefix(o, c.Name()+"\t") }) {
				out = append(out, cobra.CompletionWithDesc(c.Name(), c.Short))
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
