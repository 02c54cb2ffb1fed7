package fault

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxNames and maxNumber bound a range of names, as in scenario files.
const (
	maxNames  = 10_000_000
	maxNumber = 999_999_999_999
	maxName   = 200 // bytes
)

var (
	rangeOfNames = regexp.MustCompile(`^([^{}]*)\{(0|[1-9][0-9]*)\.\.(0|[1-9][0-9]*)\}([^{}]*)$`)
	nameForm     = regexp.MustCompile(`^[\pL\pN._@+:-]*$`)
	numberForm   = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)
)

// names reads a profile name ("doc") or a range of names ("new-{1..5}"): which
// it selects, and how many.
func names(text string) (contains func(string) bool, count int, err error) {
	m := rangeOfNames.FindStringSubmatch(text)
	switch {
	case text == "" || len(text) > maxName || m == nil && !nameForm.MatchString(text), m != nil && !nameForm.MatchString(m[1]+m[4]):
		return nil, 0, fmt.Errorf("%.60q is not a profile: write a name such as doc, or a range such as new-{1..5}", text)
	case m == nil:
		return func(name string) bool { return name == text }, 1, nil
	}
	prefix, suffix := m[1], m[4]
	first, err1 := strconv.ParseInt(m[2], 10, 64)
	last, err2 := strconv.ParseInt(m[3], 10, 64)
	if err1 != nil || err2 != nil || first > maxNumber || last > maxNumber || first > last || last-first >= maxNames {
		return nil, 0, fmt.Errorf("%.60q is not a range: write new-{1..5}, of at most %d names", text, maxNames)
	}
	return func(name string) bool {
		rest, ok := strings.CutPrefix(name, prefix)
		digits, ok2 := strings.CutSuffix(rest, suffix)
		if !ok || !ok2 || len(digits) > len(m[3]) || !numberForm.MatchString(digits) {
			return false
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		return err == nil && n >= first && n <= last
	}, int(last - first + 1), nil
}
