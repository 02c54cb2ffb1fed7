package main

import (
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var (
	manualDir     = flag.String("manual", "", "folder to write the manual pages to")
	manualVersion = flag.String("manual-version", "devel", "the version that the manual pages show")
)

// Every command that a user can call has a page with its synopsis and each of
// its flags. With -manual DIR the pages are kept: that is how a release gets
// them, without a Markdown renderer in the binary.
func TestManual(t *testing.T) {
	dir := *manualDir
	if dir == "" {
		dir = t.TempDir()
	}
	root := (&app{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}).root()
	root.DisableAutoGenTag = true
	// The date is fixed: pages of one version have the same bytes on every day.
	epoch := time.Unix(0, 0).UTC()
	header := &doc.GenManHeader{Section: "1", Date: &epoch, Source: "httpdest " + *manualVersion, Manual: "httpdest manual"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		t.Fatal(err)
	}
	pages := 0
	eachCommand(root, func(c *cobra.Command) {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-")
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Error(err)
			return
		}
		pages++
		text := strings.ReplaceAll(string(page), `\-`, "-")
		for _, want := range append(flagNames(c), name, c.Short) {
			if !strings.Contains(text, want) {
				t.Errorf("the page of %s lacks %q", name, want)
			}
		}
	})
	if pages < 20 {
		t.Errorf("%d pages; there are more commands", pages)
	}
}

// eachCommand visits a command and all below it that help lists.
func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			eachCommand(sub, visit)
		}
	}
}

// A release shows its commit; any other build shows what it knows.
func TestVersionOfARelease(t *testing.T) {
	release, commit = "v1.2.3", "0123456789abcdef"
	t.Cleanup(func() { release, commit = "", "" })
	var out strings.Builder
	for _, args := range [][]string{{"version"}, {"version", "--json"}} {
		if status := run(context.Background(), args, &out, io.Discard, func(string) string { return "" }); status != exitPass {
			t.Fatalf("exit status %d", status)
		}
	}
	for _, want := range []string{"httpdest v1.2.3 (go", ", commit 0123456789abcdef)\n", `"commit":"0123456789abcdef"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

// flagNames are the flags of a command as a user types them.
func flagNames(c *cobra.Command) []string {
	var out []string
	c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			out = append(out, "--"+f.Name)
		}
	})
	return out
}
