package scenarios

import (
	"fmt"
	"path"
	"strings"
	"sync"
)

// KnownFailing is the list of cases that are known to fail. A listed case is
// still played. Its failure is expected, its pass is a failure, and a line that
// matches no case is one too: the list cannot go stale. An inconclusive case is
// never excused.
type KnownFailing struct {
	mu       sync.Mutex // cases are played in parallel
	patterns []*pattern
}

// pattern is one line of the list.
type pattern struct {
	glob string
	pos  Position
	used bool
}

// ParseKnownFailing reads a list: a pattern a line, as of path.Match ("*" is
// anything but a slash), blank lines and # comments left out. All problems are
// returned at once as Problems.
func ParseKnownFailing(file string, content []byte) (*KnownFailing, error) {
	k := &KnownFailing{}
	var problems Problems
	seen := map[string]int{}
	for i, line := range strings.Split(string(content), "\n") {
		glob, _, _ := strings.Cut(line, "#")
		if glob = strings.TrimSpace(glob); glob == "" {
			continue
		}
		pos := Position{file, i + 1, 1}
		if _, err := path.Match(glob, ""); err != nil {
			problems = append(problems, Problem{pos, fmt.Sprintf("%q is not a pattern", glob), "write the id of a case, or a pattern such as retry/*"})
			continue
		}
		if first, twice := seen[glob]; twice {
			problems = append(problems, Problem{pos, fmt.Sprintf("%q is already in line %d", glob, first), "leave one out"})
			continue
		}
		seen[glob] = i + 1
		k.patterns = append(k.patterns, &pattern{glob: glob, pos: pos})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return k, nil
}

// Match reports whether a case is listed, and where: the first line that
// matches. Every line that matches counts as used. A nil list has no case.
func (k *KnownFailing) Match(id string) (at Position, listed bool) {
	if k == nil {
		return at, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.patterns {
		if ok, _ := path.Match(p.glob, id); ok { // the pattern was tried when it was read
			if !listed {
				at, listed = p.pos, true
			}
			p.used = true
		}
	}
	return at, listed
}

// Stale lists the lines that matched no case so far.
func (k *KnownFailing) Stale() Problems {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var stale Problems
	for _, p := range k.patterns {
		if !p.used {
			stale = append(stale, Problem{p.pos, fmt.Sprintf("%q matches no case of this run", p.glob), "remove the line, or fix the pattern"})
		}
	}
	return stale
}
