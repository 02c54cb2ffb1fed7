package main

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
)

// guides are pages that belong to no single command: `httpdest help TOPIC`.
//
//go:embed docs/*.md
var guides embed.FS

// topic is the name of a guide and its first line, which says what it is about.
type topic struct{ name, about, page string }

// topics are the guides in the order of their names. They are part of the
// binary: reading them cannot fail.
func topics() []topic {
	var out []topic
	names, _ := fs.Glob(guides, "docs/*.md")
	for _, name := range names {
		page, _ := guides.ReadFile(name)
		title, _, _ := strings.Cut(string(page), "\n")
		out = append(out, topic{strings.TrimSuffix(path.Base(name), ".md"), strings.TrimPrefix(title, "# "), string(page)})
	}
	return out
}

// help prints a guide, or the help of the command that the arguments name. A
// guide comes first: `httpdest rules --help` still is the help of the command.
func (a *app) help(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		if i := slices.IndexFunc(topics(), func(t topic) bool { return t.name == args[0] }); i >= 0 {
			return a.guide(topics()[i])
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

// guide prints a page. The one on rules ends with what is made from the checks.
func (a *app) guide(t topic) error {
	if t.name == "rules" {
		p, err := loadProof()
		if err != nil {
			return err
		}
		t.page += waysPage(p)
	}
	_, err := fmt.Fprint(a.stdout, t.page)
	return err
}

// listTopics ends the help of httpdest itself.
func (a *app) listTopics() error {
	var b strings.Builder
	b.WriteString("\nGuides, by httpdest help TOPIC:\n")
	for _, t := range topics() {
		fmt.Fprintf(&b, "  %-13s %s\n", t.name, t.about)
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
	for _, t := range topics() {
		names = append(names, t.name)
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
		for _, t := range topics() {
			out = append(out, cobra.CompletionWithDesc(t.name, t.about))
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
