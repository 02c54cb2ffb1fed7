// Package share gives tests of volume the part of their cases that a run of CI
// plays: another part for each commit, and all of them in the end.
package share

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Share is part K of N, counted from 0. The zero value is the whole. It is a
// flag.Value, which reads "K/N".
type Share struct{ k, n int }

// String implements flag.Value.
func (s *Share) String() string { return fmt.Sprintf("%d/%d", s.k, max(1, s.n)) }

// Set implements flag.Value.
func (s *Share) Set(text string) error {
	first, second, ok := strings.Cut(text, "/")
	k, errK := strconv.Atoi(first)
	n, errN := strconv.Atoi(second)
	if !ok || errK != nil || errN != nil || k < 0 || k >= n {
		return errors.New("write K/N with 0 <= K < N")
	}
	s.k, s.n = k, n
	return nil
}

// Has reports whether number i of a list, counted from 0, is part of it.
func (s *Share) Has(i int) bool { return i%max(1, s.n) == s.k }

// Of is the part of a list.
func Of[T any](s *Share, all []T) (out []T) {
	for i, x := range all {
		if s.Has(i) {
			out = append(out, x)
		}
	}
	return out
}
