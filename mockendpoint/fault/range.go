package fault

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// Range selects the first to the last of something counted from 1; Last 0
// means no end. The zero Range selects all.
type Range struct{ First, Last int }

// Contains reports whether the nth is selected.
func (r Range) Contains(n int) bool { return n >= r.First && (r.Last == 0 || n <= r.Last) }

// rangeForm is "1", "1-2" or "2-".
var rangeForm = regexp.MustCompile(`^([1-9][0-9]{0,8})(-([1-9][0-9]{0,8})?)?$`)

// MarshalJSON implements json.Marshaler: 1, "1-2" or "2-".
func (r Range) MarshalJSON() ([]byte, error) {
	switch {
	case r.Last == 0:
		return fmt.Appendf(nil, "\"%d-\"", max(1, r.First)), nil
	case r.First == r.Last:
		return strconv.AppendInt(nil, int64(r.First), 10), nil
	}
	return fmt.Appendf(nil, "\"%d-%d\"", r.First, r.Last), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *Range) UnmarshalJSON(text []byte) error {
	m := rangeForm.FindSubmatch(bytes.Trim(text, `"`))
	if m == nil {
		return fmt.Errorf("%.60s is not a count: write 1, \"1-2\", or \"2-\" for the second and all after it", text)
	}
	r.First, _ = strconv.Atoi(string(m[1])) // the form has digits alone
	switch {
	case len(m[2]) == 0:
		r.Last = r.First
	case len(m[3]) == 0:
		r.Last = 0
	default:
		r.Last, _ = strconv.Atoi(string(m[3]))
		if r.Last < r.First {
			return fmt.Errorf("%s runs backwards: write \"%d-%d\"", text, r.Last, r.First)
		}
	}
	return nil
}
