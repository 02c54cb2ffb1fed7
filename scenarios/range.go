package scenarios

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	nameHint = "write a name such as member-7, or a range such as member-{1..100}"
	maxRange = 10_000_000 // names
	maxName  = 200        // bytes
	// maxNumber keeps the arithmetic of shared within int64.
	maxNumber = 999_999_999_999
)

// numbered is a range; the rest of a name holds no brace.
var numbered = regexp.MustCompile(`^([^{}]*)\{([0-9]+)\.\.([0-9]+)\}([^{}]*)$`)

// plainName leaves out # and /, which separate names in ids of recordings.
var plainName = regexp.MustCompile(`^[\pL\pN._@+:-]*$`)

// ParseNameRange reads a name ("member-7") or a numbered range of names
// ("member-{1..100}").
func ParseNameRange(text string) (NameRange, error) {
	m := numbered.FindStringSubmatch(text)
	r := NameRange{Prefix: text}
	if m != nil {
		r = NameRange{Prefix: m[1], Suffix: m[4], Numbered: true}
	}
	switch {
	case text == "":
		return NameRange{}, errors.New("the name is blank")
	case len(text) > maxName:
		return NameRange{}, fmt.Errorf("the name %q is longer than %d bytes", short(text), maxName)
	case m == nil && strings.ContainsAny(text, "{}"):
		return NameRange{}, fmt.Errorf("%q is not a range", short(text))
	case !plainName.MatchString(r.Prefix + r.Suffix):
		return NameRange{}, fmt.Errorf("the name %q has a character other than letters, digits and . _ @ + : -", short(text))
	case m == nil:
		return r, nil
	}
	for i, bound := range []*int64{&r.First, &r.Last} {
		digits := m[2+i]
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > maxNumber {
			return NameRange{}, fmt.Errorf("the number %s is too large", short(digits))
		}
		// 007 would name member-7, which nobody who writes it expects.
		if strconv.FormatInt(n, 10) != digits {
			return NameRange{}, fmt.Errorf("the number %s starts with a zero", short(digits))
		}
		*bound = n
	}
	switch {
	case r.First > r.Last:
		return NameRange{}, fmt.Errorf("the range %s runs backwards", text)
	case r.Len() > maxRange:
		return NameRange{}, fmt.Errorf("the range %s has more than %d names", text, maxRange)
	}
	return r, nil
}

// Number is the number of a name within its range; false for a name outside
// it and for a single name, which has no number.
func (r NameRange) Number(name string) (int64, bool) {
	if !r.Numbered || !r.Contains(name) {
		return 0, false
	}
	n, err := strconv.ParseInt(name[len(r.Prefix):len(name)-len(r.Suffix)], 10, 64)
	return n, err == nil
}

// shared counts the names that two ranges have in common, without expanding
// either: "m-{1..100}" and "m-1{0..9}" share ten.
func (r NameRange) shared(o NameRange) int64 {
	switch {
	case r.Len() == 0 || o.Len() == 0:
		return 0
	case !r.Numbered && !o.Numbered:
		if r.Prefix == o.Prefix {
			return 1
		}
		return 0
	case !r.Numbered:
		return o.shared(r)
	case !o.Numbered:
		if r.Contains(o.Prefix) {
			return 1
		}
		return 0
	case r.Prefix == o.Prefix && r.Suffix == o.Suffix:
		return max(0, min(r.Last, o.Last)-max(r.First, o.First)+1)
	}
	// A common name fixes how many digits each number has, so there are at most
	// as many cases as a number can have digits.
	total := int64(0)
	for digits := 1; digits <= len(strconv.Itoa(maxNumber)); digits++ {
		others := len(r.Prefix) + digits + len(r.Suffix) - len(o.Prefix) - len(o.Suffix)
		if others >= 1 {
			total += r.sharedOfLength(o, digits, others)
		}
	}
	return total
}

// open stands for a digit of a number not known yet.
const open = '\x00'

// sharedOfLength counts the common names in which the number of r has n digits
// and that of o has m. Laid over each other, the two names leave one block of
// digits open to both; each number is a constant plus the block times a power
// of ten, so its bounds are bounds of the block.
func (r NameRange) sharedOfLength(o NameRange, n, m int) int64 {
	a := r.Prefix + strings.Repeat(string(open), n) + r.Suffix
	b := o.Prefix + strings.Repeat(string(open), m) + o.Suffix
	name, width := make([]byte, len(a)), 0
	for i := range name {
		isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
		switch {
		case a[i] == b[i]:
			name[i] = a[i]
			if a[i] == open {
				width++
			}
		case a[i] == open && isDigit(b[i]):
			name[i] = b[i]
		case b[i] == open && isDigit(a[i]):
			name[i] = a[i]
		default:
			return 0
		}
	}
	least, most := int64(0), power10(width)-1
	least, most = r.bound(name[len(r.Prefix):len(r.Prefix)+n], least, most)
	least, most = o.bound(name[len(o.Prefix):len(o.Prefix)+m], least, most)
	return max(0, most-least+1)
}

// bound narrows the open block to the numbers of the range that have exactly
// as many digits as the template.
func (r NameRange) bound(template []byte, least, most int64) (int64, int64) {
	base, step := int64(0), int64(0)
	for i, c := range template {
		base *= 10
		if c == open {
			step = power10(len(template) - 1 - i)
		} else {
			base += int64(c - '0')
		}
	}
	low, high := power10(len(template)-1), power10(len(template))-1
	if len(template) == 1 {
		low = 0
	}
	low, high = max(low, r.First)-base, min(high, r.Last)-base
	switch {
	case step == 0 && (low > 0 || high < 0), high < 0:
		return 1, 0
	case step == 0:
		return least, most
	case low > 0:
		least = max(least, (low+step-1)/step)
	}
	return least, min(most, high/step)
}

func power10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// nameRange reads a name or a range of names.
func (d *decoder) nameRange(n *yaml.Node, what string) NameRange {
	text := d.text(n, what)
	if n == nil || !isText(n) {
		return NameRange{}
	}
	r, err := ParseNameRange(text)
	if err != nil {
		d.problem(n, nameHint, "%s: %s", what, err)
	}
	return r
}
