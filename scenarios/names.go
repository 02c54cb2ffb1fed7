package scenarios

import (
	"iter"
	"strconv"
	"strings"
)

// NameRange is a name, or a numbered range of names: "new-{1..5}" is new-1 to
// new-5. The zero value names nothing.
type NameRange struct {
	Prefix, Suffix string
	First, Last    int64
	Numbered       bool
}

// Len is the number of names; 0 for the zero value.
func (r NameRange) Len() int64 {
	switch {
	case r.Numbered:
		return r.Last - r.First + 1
	case r.Prefix == "":
		return 0
	}
	return 1
}

// At is the nth name, counted from 0.
func (r NameRange) At(n int64) string {
	if !r.Numbered {
		return r.Prefix
	}
	return r.Prefix + strconv.FormatInt(r.First+n, 10) + r.Suffix
}

// All yields every name in ascending order.
func (r NameRange) All() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := int64(0); n < r.Len(); n++ {
			if !yield(r.At(n)) {
				return
			}
		}
	}
}

// Contains reports whether name is in the range.
func (r NameRange) Contains(name string) bool {
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
func (r NameRange) String() string {
	if !r.Numbered {
		return r.Prefix
	}
	return r.Prefix + "{" + strconv.FormatInt(r.First, 10) + ".." + strconv.FormatInt(r.Last, 10) + "}" + r.Suffix
}
