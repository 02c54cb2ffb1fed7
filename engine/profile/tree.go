package profile

import (
	"slices"
	"strings"
)

// Branch is one name on the way to a set of paths, with what comes below it.
type Branch struct {
	Name  string
	Whole bool      // a path ends here; what is below belongs to it, and Below is empty
	Below []*Branch // sorted by name
}

// Tree splits and sorts paths once for all profiles that are asked for them. A
// path within another adds nothing to it.
func Tree(paths ...Path) *Branch {
	root := &Branch{}
	for _, path := range paths {
		root.add(string(path))
	}
	return root
}

func (b *Branch) add(path string) {
	head, rest, nested := strings.Cut(path, ".")
	at, there := slices.BinarySearchFunc(b.Below, head, func(c *Branch, name string) int { return strings.Compare(c.Name, name) })
	if !there {
		b.Below = slices.Insert(b.Below, at, &Branch{Name: head})
	}
	child := b.Below[at]
	switch {
	case !nested:
		child.Whole, child.Below = true, nil
	case !child.Whole:
		child.add(rest)
	}
}
