package faultspec

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// Range selects the first to the last of something counted from 1; Last 0 means no end. The zero Range selects all.
type Range struct{ First, Last int }

// rangeForm is "1", "1-2" or "2-".
var rangeForm = regexp.MustCompile(`^([1-9][0-9]{0,8})(-([1-9][0-9]{0,8})?)?$`)

// ParseRange reads "1", "1-2" or "2-"; false for anything else. A range may run backwards.
func ParseRange(text string) (Range, bool) {
	m := rangeForm.FindStringSubmatch(text)
	if m == nil {
		return Range{}, false
	}
	first, _ := strconv.Atoi(m[1]) // the form has digits alone
	last, _ := strconv.Atoi(m[3])  // or nothing, for no end
	if m[2] == "" {
		last = first
	}
	return Range{first, last}, true
}

// Backwards reports whether the range ends before it begins.
func (r Range) Backwards() bool { return r.Last != 0 && r.Last < r.First }

// String is the form that ParseRange reads.
func (r Range) String() string {
	switch r.Last {
	case 0:
		return fmt.Sprintf("%d-", max(1, r.First))
	case r.First:
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// MarshalJSON implements json.Marshaler: 1, "1-2" or "2-".
func (r Range) MarshalJSON() ([]byte, error) {
	if r.First == r.Last && r.Last != 0 {
		return []byte(r.String()), nil
	}
	return strconv.AppendQuote(nil, r.String()), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Range) UnmarshalJSON(text []byte) error {
	read, ok := ParseRange(string(bytes.Trim(text, `"`)))
	if !ok {
		return fmt.Errorf("%.60s is not a count: write 1, \"1-2\", or \"2-\" for the second and all after it", text)
	}
	if *r = read; r.Backwards() {
		return fmt.Errorf("%s runs backwards: write \"%d-%d\"", text, r.Last, r.First)
	}
	return nil
}
