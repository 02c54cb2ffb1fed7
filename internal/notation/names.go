package notation

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
)

const (
	// MaxNames is how many names a range may have.
	MaxNames = 10_000_000
	maxName  = 200 // bytes
	// MaxNumber is the largest number of a range: it keeps the arithmetic of Shared within int64.
	MaxNumber = 999_999_999_999
)

// Names is a name, or a numbered range of names: "new-{1..5}" is new-1 to
// new-5. The zero value names nothing.
type Names struct {
	Prefix, Suffix string
	First, Last    int64
	Numbered       bool
}

// Len is the number of names; 0 for the zero value.
func (r Names) Len() int64 {
	switch {
	case r.Numbered:
		return r.Last - r.First + 1
	case r.Prefix == "":
		return 0
	}
	return 1
}

// At is the nth name, counted from 0.
func (r Names) At(n int64) string {
	if !r.Numbered {
		return r.Prefix
	}
	return r.Prefix + strconv.FormatInt(r.First+n, 10) + r.Suffix
}

// All yields every name in ascending order.
func (r Names) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := int64(0); n < r.Len(); n++ {
			if !yield(r.At(n)) {
				return
			}
		}
	}
}

// Contains reports whether name is in the range.
func (r Names) Contains(name string) bool {
	if !r.Numbered {
		return name == r.Prefix && name != ""
	}
	if len(name) <= len(r.Prefix)+len(r.Suffix) || !strings.HasPrefix(name, r.Prefix) || !strings.HasSuffix(name, r.Suffix) {
		return false
	}
	digits := name[len(r.Prefix) : len(name)-len(r.Suffix)]
	n, err := strconv.ParseInt(digits, 10, 64)
	// "007" is not 7: names are text.
	return err == nil && n >= r.First && n <= r.Last && strconv.FormatInt(n, 10) == digits
}

// String is the form the file uses.
func (r Names) String() string {
	if !r.Numbered {
		return r.Prefix
	}
	return r.Prefix + "{" + strconv.FormatInt(r.First, 10) + ".." + strconv.FormatInt(r.Last, 10) + "}" + r.Suffix
}

// numbered is a range; the rest of a name holds no brace.
var numbered = regexp.MustCompile(`^([^{}]*)\{([0-9]+)\.\.([0-9]+)\}([^{}]*)$`)

// IsRange reports whether a text has the form of a range.
func IsRange(text string) bool { return numbered.MatchString(text) }

// plainName leaves out # and /, which separate names in ids of recordings.
var plainName = regexp.MustCompile(`^[\pL\pN._@+:-]*$`)

// ParseNames reads a name ("member-7") or a numbered range of names
// ("member-{1..100}").
func ParseNames(text string) (Names, error) {
	m := numbered.FindStringSubmatch(text)
	r := Names{Prefix: text}
	if m != nil {
		r = Names{Prefix: m[1], Suffix: m[4], Numbered: true}
	}
	switch {
	case text == "":
		return Names{}, errors.New("the name is blank")
	case len(text) > maxName:
		return Names{}, fmt.Errorf("the name %q is longer than %d bytes", Short(text), maxName)
	case m == nil && strings.ContainsAny(text, "{}"):
		return Names{}, fmt.Errorf("%q is not a range", Short(text))
	case !plainName.MatchString(r.Prefix + r.Suffix):
		return Names{}, fmt.Errorf("the name %q has a character other than letters, digits and . _ @ + : -", Short(text))
	case m == nil:
		return r, nil
	}
	for i, bound := range []*int64{&r.First, &r.Last} {
		digits := m[2+i]
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > MaxNumber {
			return Names{}, fmt.Errorf("the number %s is too large", Short(digits))
		}
		// 007 would name member-7, which nobody who writes it expects.
		if strconv.FormatInt(n, 10) != digits {
			return Names{}, fmt.Errorf("the number %s starts with a zero", Short(digits))
		}
		*bound = n
	}
	switch {
	case r.First > r.Last:
		return Names{}, fmt.Errorf("the range %s runs backwards", text)
	case r.Len() > MaxNames:
		return Names{}, fmt.Errorf("the range %s has more than %d names", text, MaxNames)
	}
	return r, nil
}

// Number is the number of a name within its range; false for a name outside
// it and for a single name, which has no number.
func (r Names) Number(name string) (int64, bool) {
	if !r.Numbered || !r.Contains(name) {
		return 0, false
	}
	n, err := strconv.ParseInt(name[len(r.Prefix):len(name)-len(r.Suffix)], 10, 64)
	return n, err == nil
}
