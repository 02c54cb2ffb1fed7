package scenarios

import (
	"fmt"
	"strconv"
	"strings"
)

// didYouMean is the hint for an unknown word: the nearest known one, or else
// all known ones.
func didYouMean(word string, known []string) string {
	if best := nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	// A catalogue of rules or a thousand profiles would not help in a hint.
	const most = 40
	switch {
	case len(known) == 0:
		return "this file defines none"
	case len(known) > most:
		return "known here: " + strings.Join(known[:most], ", ") + ", …"
	}
	return "known here: " + strings.Join(known, ", ")
}

// nearest is the known word closest to word, or "" when none is close: more
// than a third of the letters wrong is another word.
func nearest(word string, known []string) string {
	lower := strings.ToLower(word)
	best, limit := "", max(1, len(word)/3)
	for _, k := range known {
		if len(k) > len(word)+limit || len(word) > len(k)+limit {
			continue
		}
		if n := distance(lower, strings.ToLower(k)); n <= limit {
			best, limit = k, n-1
		}
		if limit < 0 {
			break
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour; swaps are the commonest slip of the keyboard.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	var before []int
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(row[j]+1, next[j-1]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// oneOf joins words for a message: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// plural counts things in a message.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
