package strictjson

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSameNumber(t *testing.T) {
	huge := strings.Repeat("9", 400)
	for _, same := range [][2]string{
		{"1", "1"}, {"1.10", "1.1"}, {"11e-1", "1.1"}, {"1e2", "100"}, {"1E+2", "100.000"}, {"0.001", "1e-3"}, {"-0", "0"}, {"0e999", "-0.000"},
		{"1e400", "10e399"}, {"1e400", "0.1e401"}, {"12e" + huge, "1.2e1" + strings.Repeat("0", 400)}, {"1e-1" + strings.Repeat("0", 400), "0.1e-" + huge},
		{"1e1000000000000000000", "10e999999999999999999"}, {"1e00000000000000000000001", "10"},
	} {
		if !SameNumber(same[0], same[1]) || !SameNumber(same[1], same[0]) {
			t.Errorf("%.60s and %.60s are not the same number", same[0], same[1])
		}
	}
	for _, other := range [][2]string{
		{"1", "-1"}, {"9007199254740993", "9007199254740992"}, {"1e400", "1e401"}, {"1e-400", "0"}, {"0.1", "0.10000000000000001"},
		{"1e" + huge, "1e-" + huge}, {"1e" + huge, "10e" + huge}, {"1", "01"}, {"1", "1.0x"}, {"1.", "1"}, {"", ""}, {"1", `"1"`}, {"1", " 1"}, {"NaN", "NaN"},
	} {
		if SameNumber(other[0], other[1]) {
			t.Errorf("%.60s and %.60s are the same number", other[0], other[1])
		}
	}
}

// math/big as an independent witness, for exponents that it reads.
func TestSameNumberIsExact(t *testing.T) {
	spelling := rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign") + rapid.StringMatching(`(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?`).Draw(t, "mantissa")
		if rapid.Bool().Draw(t, "exponential") {
			s += fmt.Sprintf("e%d", rapid.IntRange(-4, 4).Draw(t, "exponent"))
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := spelling.Draw(t, "a"), spelling.Draw(t, "b")
		x, okX := new(big.Rat).SetString(a)
		y, okY := new(big.Rat).SetString(b)
		if want := okX && okY && x.Cmp(y) == 0; SameNumber(a, b) != want {
			t.Fatalf("SameNumber(%s, %s) = %t", a, b, !want)
		}
	})
}

// The sum of a long exponent and a small number, with math/big as a witness.
func TestSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		integer := rapid.StringMatching(`[-+]?([0-9]{1,40}|10{18,30}|9{18,30})`).Draw(t, "integer")
		small := rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "small")
		n, _ := new(big.Int).SetString(integer, 10)
		if want := n.Add(n, big.NewInt(int64(small))).String(); sum(integer, small) != want {
			t.Fatalf("sum(%s, %d) = %s; want %s", integer, small, sum(integer, small), want)
		}
	})
}
