package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// RootMarker is the name of a file that makes its folder the root of case ids,
// where neither a .git nor a go.mod is there to do so. Its content is not read.
const RootMarker = ".httpdest-root"

// rootMarkers make their folder a root of case ids.
var rootMarkers = []string{RootMarker, ".git", "go.mod"}

// CaseIDs returns the id of the case in each file: its path below the root,
// with slashes and without the extension. root "" is the nearest folder above
// the file that holds a RootMarker, a .git or a go.mod; without one, the id is
// the file's folder and name. An id therefore depends on where the file is, and
// never on the working directory or on how the path was typed. Files that would
// share an id, since no root or different roots are above them, take in as many
// more folders as tell them apart. A file given twice has its id twice.
//
// The error names a file outside root, or a path that cannot be resolved.
func CaseIDs(root string, files ...string) ([]string, error) {
	if root != "" {
		resolved, err := rootOf(root)
		if err != nil {
			return nil, err
		}
		root = resolved
	}
	roots := map[string]string{} // by folder: many files share few folders
	placed := make([]placedFile, len(files))
	for i, file := range files {
		whole, err := resolvedPath(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		folder := filepath.Dir(whole)
		if _, known := roots[folder]; !known {
			roots[folder] = nearestRoot(folder)
		}
		below := roots[folder]
		if root != "" {
			below = root
		}
		rel, err := filepath.Rel(below, whole)
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return nil, fmt.Errorf("%s is outside the root %s", file, root)
		}
		placed[i] = placeOf(whole, rel)
	}
	return distinctIDs(placed), nil
}

// rootOf resolves the folder of --root.
func rootOf(root string) (string, error) {
	info, err := os.Stat(root)
	if err != nil {
		return "", fmt.Errorf("the root %s: %w", root, withoutPath(err))
	}
	if !info.IsDir() {
		return "", fmt.Errorf("the root %s is not a folder", root)
	}
	whole, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(whole)
}

// resolvedPath is the one path of a file: absolute, its folder without symbolic
// links. A link that is the file itself stays, for it is where the user put it.
func resolvedPath(file string) (string, error) {
	whole, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(whole))
	if err != nil {
		return "", withoutPath(err)
	}
	return filepath.Join(folder, filepath.Base(whole)), nil
}

// nearestRoot is the nearest folder with a marker, or the parent of the folder.
func nearestRoot(folder string) string {
	for at := folder; ; {
		for _, marker := range rootMarkers {
			if _, err := os.Stat(filepath.Join(at, marker)); err == nil {
				return at
			}
		}
		up := filepath.Dir(at)
		if up == at {
			return filepath.Dir(folder)
		}
		at = up
	}
}

// placedFile is a file whose id is the last taken parts of its path.
type placedFile struct {
	whole  string   // the absolute path
	parts  []string // of it, without the extension
	taken  int
	suffix string // the extension, where another file differs by nothing else
}

func placeOf(whole, rel string) placedFile {
	parts := func(path string) []string {
		path = filepath.ToSlash(strings.TrimSuffix(path, filepath.Ext(path)))
		return strings.Split(strings.Trim(path, "/"), "/")
	}
	return placedFile{whole: whole, parts: parts(whole), taken: len(parts(rel))}
}

func (p placedFile) id() string { return strings.Join(p.parts[len(p.parts)-p.taken:], "/") + p.suffix }

// distinctIDs widens ids until different files have different ones.
func distinctIDs(placed []placedFile) []string {
	for widened := true; widened; {
		byID := map[string][]*placedFile{}
		for i := range placed {
			byID[placed[i].id()] = append(byID[placed[i].id()], &placed[i])
		}
		widened = false
		for _, same := range byID {
			widened = widen(same) || widened
		}
	}
	ids := make([]string, len(placed))
	for i, p := range placed {
		ids[i] = p.id()
	}
	return ids
}

// widen gives files with one id longer ids, unless all are the same file.
func widen(same []*placedFile) (widened bool) {
	first := same[0]
	for _, p := range same {
		if p.whole != first.whole && slices.Equal(p.parts, first.parts) { // in.har and in.jsonl
			for _, q := range same {
				q.suffix = filepath.Ext(q.whole)
			}
			return true
		}
	}
	if !slices.ContainsFunc(same, func(p *placedFile) bool { return p.whole != first.whole }) {
		return false
	}
	for _, p := range same {
		if p.taken < len(p.parts) {
			p.taken, widened = p.taken+1, true
		}
	}
	return widened
}
