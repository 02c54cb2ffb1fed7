package mutants

import (
	"runtime"
	"sync"
	"testing"
)

// builds are binaries with mutants: one with as many as can be in one, and one for
// each of the others, which is built when its turn comes.
type builds struct {
	t     *testing.T
	all   []Mutant
	build func(t *testing.T, what string, files map[string]string) string // "" after an error
	many  string
	apart []Mutant
}

// buildsOf builds the binary with many mutants; false after an error.
func buildsOf(t *testing.T, all []Mutant, what string, build func(t *testing.T, what string, files map[string]string) string) (builds, bool) {
	files, apart, err := Together(root, all)
	if err != nil {
		t.Error(err)
		return builds{}, false
	}
	b := builds{t: t, all: all, build: build, many: build(t, what, files), apart: apart}
	return b, b.many != ""
}

// each plays the mutants, as many at a time as there are processors: play gets the
// index of a mutant, a binary, and the number that chooses the mutant in it.
func (b builds) each(wanted func(i int) bool, play func(i int, binary string, number int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, m := range b.all {
		if !wanted(i) {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if !isOneOf(m, b.apart) {
				play(i, b.many, i+1)
				return
			}
			content, err := m.Apply(root)
			if err != nil {
				b.t.Error(err)
				return
			}
			if binary := b.build(b.t, m.ID, map[string]string{m.File: string(content)}); binary != "" {
				play(i, binary, 0)
			}
		})
	}
	wg.Wait()
}

func every(int) bool { return true }
