package strictjson

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Number is the exact value of a number: Digits × 10^Exponent, negated when
// Negative. Digits has no zeros at either end. Exponent is an integer in decimal
// digits, since no type of Go holds every exponent that can be written. Zero is
// Number{}, whatever its sign and exponent. Two spellings have the same value
// exactly when their Numbers are ==. Nothing is rounded, and reading one takes
// time linear in its length.
type Number struct {
	Negative bool
	Digits   string
	Exponent string
}

// IsNumber reports whether text is the spelling of a JSON number (RFC 8259 §6).
func IsNumber(text string) bool {
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false
	}
	last := text[len(text)-1]
	return last >= '0' && last <= '9' && jsontext.Value(text).IsValid()
}

// ParseNumber returns the value of a number; ok is false when text is not the
// spelling of one.
func ParseNumber(text string) (n Number, ok bool) {
	if !IsNumber(text) {
		return Number{}, false
	}
	text, negative := strings.CutPrefix(text, "-")
	exponent := "0"
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		text, exponent = text[:at], text[at+1:]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	kept := strings.TrimRight(digits, "0")
	if kept == "" {
		return Number{}, true
	}
	return Number{negative, kept, sum(exponent, len(digits)-len(kept)-len(fraction))}, true
}

// SameNumber reports whether two spellings are numbers of the same value: 1.10
// and 1.1 and 11e-1 are; 9007199254740993 and 9007199254740992 are not.
func SameNumber(a, b string) bool {
	x, okX := ParseNumber(a)
	y, okY := ParseNumber(b)
	return okX && okY && x == y
}

// sum adds a small number to an integer of any length, in its shortest spelling.
func sum(integer string, small int) string {
	magnitude, negative := strings.CutPrefix(strings.TrimPrefix(integer, "+"), "-")
	magnitude = strings.TrimLeft(magnitude, "0")
	const fits = 18 // digits, and a sum with any length of a text, in an int64
	if len(magnitude) <= fits {
		n, _ := strconv.ParseInt("0"+magnitude, 10, 64)
		if negative {
			n = -n
		}
		return strconv.FormatInt(n+int64(small), 10)
	}
	// The integer is the larger of the two by far: its sign stays.
	if negative {
		small = -small
	}
	digits := []byte(magnitude)
	carry := small
	for at := len(digits) - 1; at >= 0 && carry != 0; at-- {
		n := int(digits[at]-'0') + carry
		carry = n / 10
		if n %= 10; n < 0 {
			n, carry = n+10, carry-1
		}
		digits[at] = byte('0' + n)
	}
	out := string(digits)
	if carry > 0 {
		out = strconv.Itoa(carry) + out
	}
	out = strings.TrimLeft(out, "0")
	if negative {
		out = "-" + out
	}
	return out
}
