package notation

import (
	"strconv"
	"strings"
)

// Shared counts the names that two ranges have in common, without expanding
// either: "m-{1..100}" and "m-1{0..9}" share ten.
func (r Names) Shared(o Names) int64 {
	switch {
	case r.Len() == 0 || o.Len() == 0:
		return 0
	case !r.Numbered && !o.Numbered:
		if r.Prefix == o.Prefix {
			return 1
		}
		return 0
	case !r.Numbered:
		return o.Shared(r)
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
	for digits := 1; digits <= len(strconv.Itoa(MaxNumber)); digits++ {
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
func (r Names) sharedOfLength(o Names, n, m int) int64 {
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
func (r Names) bound(template []byte, least, most int64) (int64, int64) {
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
