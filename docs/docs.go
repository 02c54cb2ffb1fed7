// Package docs holds the guides of httpdest, one Markdown file each. The files
// are part of the binary, and `httpdest help TOPIC` prints the same text that
// readers see in this folder.
package docs

import (
	"embed"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed tutorials how-to reference explanation
var files embed.FS

// Kinds are the folders of this package, in the order in which readers need
// them: a lesson, directions for one job, facts to look up, and reasons.
var Kinds = []string{"tutorials", "how-to", "reference", "explanation"}

// Page is one guide.
type Page struct {
	Name  string // the topic: the name of the file without .md
	Kind  string // the folder, one of Kinds
	Title string // the heading, without the leading #
	Text  string // the whole file
}

// Pages returns every guide in the order of the names. Names are unique across
// folders; a test of this package checks that.
func Pages() []Page {
	var out []Page
	names, _ := fs.Glob(files, "*/*.md") // the files are in the binary: reading them cannot fail
	for _, name := range names {
		text, _ := files.ReadFile(name)
		title, _, _ := strings.Cut(string(text), "\n")
		out = append(out, Page{
			Name:  strings.TrimSuffix(path.Base(name), ".md"),
			Kind:  path.Dir(name),
			Title: strings.TrimPrefix(title, "# "),
			Text:  string(text),
		})
	}
	slices.SortFunc(out, func(a, b Page) int { return strings.Compare(a.Name, b.Name) })
	return out
}
