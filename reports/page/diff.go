package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/httpdest/httpdest/reports"
)

const (
	longestText = 20_000 // characters of a value that are shown
	mostCells   = 4 << 20
	mostPaths   = 20
	context     = 3 // equal lines that are shown around a difference
)

// difference is the expected text next to the actual one, line by line.
type difference struct {
	JSON  bool // both are, and are compared as such
	Rows  []pair
	Paths []pathChange // where they differ, as JSON
	More  int          // paths left out
	Note  string
}

// pair is a line of each side. Same is of lines that are equal, Folded of a
// number of them that are not shown.
type pair struct {
	Same        bool
	Folded      int
	Left, Right *side
}

// side is a line of which a part may differ; nil where the other side alone has
// a line.
type side struct{ Before, Differs, After string }

// pathChange is a value that differs.
type pathChange struct{ Path, Expected, Actual string }

// compared lays out two values. Both as JSON where both are objects or lists of
// more than a few words: then order of keys and spaces do not count.
func compared(expected, actual string) *difference {
	d := &difference{}
	a, b := strings.TrimRight(expected, "\n"), strings.TrimRight(actual, "\n")
	left, right := parsed(a), parsed(b)
	if left != nil && right != nil && (strings.Contains(a+b, "{") || len(a)+len(b) > 120) {
		d.JSON = true
		d.walk("", left, right)
		x, y := indented(left), indented(right)
		if x == y {
			d.JSON, d.Note = false, "Equal as JSON: they differ in how they are written."
		} else {
			a, b = x, y
		}
	}
	d.Rows = folded(paired(lines(a), lines(b)))
	return d
}

// brief is what differs, in two short texts.
func (d *difference) brief(k reports.Check) (expected, actual string) {
	if d != nil && len(d.Paths) > 0 {
		p := d.Paths[0]
		return p.Path + ": " + p.Expected, p.Path + ": " + p.Actual
	}
	return shortened(k.Expected, 200), shortened(k.Actual, 200)
}

// parsed is a JSON object or list, with its numbers as they are written.
func parsed(s string) any {
	if s = strings.TrimSpace(s); s == "" || s[0] != '{' && s[0] != '[' {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil
	}
	return v
}

// indented is JSON with its keys sorted, a value a line.
func indented(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimRight(b.String(), "\n")
}

// pretty is a body as it is shown: JSON indented, anything else as it came.
func pretty(s string) string {
	var b bytes.Buffer
	if parsed(s) != nil && json.Indent(&b, []byte(s), "", "  ") == nil {
		s = b.String()
	}
	return visible(cut(s))
}

// cut keeps the beginning of a long text, and adds how much is missing.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= longestText {
		return s
	}
	all := []rune(s)
	return fmt.Sprintf("%s\n… and %d more characters", string(all[:longestText]), len(all)-longestText)
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(visible(cut(s)), "\n")
}

// walk notes where two values differ, by path.
func (d *difference) walk(path string, a, b any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(maps.Keys(x))
		for _, k := range slices.Sorted(maps.Keys(y)) {
			if _, both := x[k]; !both {
				keys = append(keys, k)
			}
		}
		for _, k := range keys {
			d.member(strings.TrimPrefix(path+"."+k, "."), x, y, k)
		}
		return
	case []any:
		y, ok := b.([]any)
		if !ok {
			break
		}
		for i := range max(len(x), len(y)) {
			at := fmt.Sprintf("%s[%d]", path, i)
			switch {
			case i >= len(x):
				d.note(at, "absent", brief(y[i]))
			case i >= len(y):
				d.note(at, brief(x[i]), "absent")
			default:
				d.walk(at, x[i], y[i])
			}
		}
		return
	}
	if x, y := brief(a), brief(b); indented(a) != indented(b) {
		d.note(path, x, y)
	}
}

func (d *difference) member(at string, x, y map[string]any, k string) {
	a, left := x[k]
	b, right := y[k]
	switch {
	case !left:
		d.note(at, "absent", brief(b))
	case !right:
		d.note(at, brief(a), "absent")
	default:
		d.walk(at, a, b)
	}
}

func (d *difference) note(path, expected, actual string) {
	if path == "" {
		path = "(the whole)"
	}
	if len(d.Paths) == mostPaths {
		d.More++
		return
	}
	d.Paths = append(d.Paths, pathChange{visible(path), expected, actual})
}

// brief is a value in one short line.
func brief(v any) string { return shortened(indented(v), 120) }

// paired puts equal lines next to each other, and the differing ones between
// them.
func paired(a, b []string) []pair {
	var out []pair
	same := func(s string) { out = append(out, pair{Same: true, Left: &side{Before: s}, Right: &side{Before: s}}) }
	start, end := 0, 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		same(a[start])
		start++
	}
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	i, j := 0, 0
	for _, m := range append(matches(x, y), [2]int{len(x), len(y)}) {
		out = append(out, changes(x[i:m[0]], y[j:m[1]])...)
		if m[0] < len(x) && m[1] < len(y) {
			same(x[m[0]])
		}
		i, j = m[0]+1, m[1]+1
	}
	for _, s := range a[len(a)-end:] {
		same(s)
	}
	return out
}

// matches are the places of a longest common subsequence; none where it would
// take too long.
func matches(x, y []string) [][2]int {
	if len(x)*len(y) > mostCells {
		return nil
	}
	width := len(y) + 1
	longest := make([]int32, (len(x)+1)*width) // of the rests from i and j
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case longest[(i+1)*width+j] >= longest[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// changes are lines that differ, side by side.
func changes(x, y []string) []pair {
	var out []pair
	for i := range max(len(x), len(y)) {
		switch {
		case i >= len(x):
			out = append(out, pair{Right: &side{Differs: y[i]}})
		case i >= len(y):
			out = append(out, pair{Left: &side{Differs: x[i]}})
		default:
			l, r := marked(x[i], y[i])
			out = append(out, pair{Left: l, Right: r})
		}
	}
	return out
}

// marked marks what differs between two lines.
func marked(a, b string) (*side, *side) {
	x, y := []rune(a), []rune(b)
	start, end := 0, 0
	for start < min(len(x), len(y)) && x[start] == y[start] {
		start++
	}
	for end < min(len(x), len(y))-start && x[len(x)-1-end] == y[len(y)-1-end] {
		end++
	}
	// A whole word is easier to read than what two words do not share.
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for start > 0 && word(x[start-1]) && (start < len(x) && word(x[start]) || start < len(y) && word(y[start])) {
		start--
	}
	for end > 0 && word(x[len(x)-end]) && (len(x)-end > start && word(x[len(x)-end-1]) || len(y)-end > start && word(y[len(y)-end-1])) {
		end--
	}
	of := func(r []rune) *side {
		return &side{string(r[:start]), string(r[start : len(r)-end]), string(r[len(r)-end:])}
	}
	return of(x), of(y)
}

// folded leaves out equal lines that are far from any difference.
func folded(all []pair) []pair {
	near := make([]bool, len(all))
	for i, p := range all {
		if !p.Same {
			for n := max(0, i-context); n <= min(len(all)-1, i+context); n++ {
				near[n] = true
			}
		}
	}
	var out []pair
	for i := 0; i < len(all); {
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		from := i
		for i < len(all) && !near[i] {
			i++
		}
		if i-from == 1 {
			out = append(out, all[from])
		} else {
			out = append(out, pair{Folded: i - from})
		}
	}
	return out
}
