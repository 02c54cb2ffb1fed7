package notation

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "15s": 15 * time.Second, "2.5s": 2500 * time.Millisecond, "1d12h": 36 * time.Hour, "30d": 720 * time.Hour,
		"0.5d": 12 * time.Hour, "1h30m": 90 * time.Minute, "7ns": 7, "36500d": Longest, "1µs": time.Microsecond,
	} {
		if got, err := ParseDuration(text); got != want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "-5s", "+5s", "5 s", "s", "5y", "36500d1ns", "99999999999999999999h", "1e3s", ".5s", "00"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v; want an error", text, got)
		}
	}
}

// Accepted times are within range, and the times that Go prints are read back.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"0", "15s", "1d12h", "2.5s", "-1h", "100y", "99999999999d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 || d > Longest {
			t.Errorf("ParseDuration(%q) = %v", text, d)
		}
		if again, err := ParseDuration(d.String()); again != d || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", d.String(), again, err, d)
		}
	})
}

// A name that is accepted prints as it was written and contains its ends.
func FuzzRange(f *testing.F) {
	for _, text := range []string{"member-7", "member-{1..100}", "{1..5}", "a{0..0}b", "a{5..1}", "a{01..2}", "{n}", "x{1..2}{3..4}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseNames(text)
		if err != nil {
			if r.Len() != 0 {
				t.Errorf("ParseNames(%q) = %v with %v", text, r, err)
			}
			return
		}
		if r.String() != text || !r.Contains(r.At(0)) || !r.Contains(r.At(r.Len()-1)) || r.Contains(r.At(r.Len())) && r.Numbered {
			t.Errorf("ParseNames(%q) = %+v", text, r)
		}
	})
}

// smallRange draws ranges that are likely to collide: few letters, and digits
// on both sides of the number.
func smallRange(t *rapid.T, label string) Names {
	side := rapid.StringMatching(`[a1-20]{0,2}`)
	if rapid.IntRange(0, 4).Draw(t, label+" plain") == 0 {
		return Names{Prefix: rapid.StringMatching(`[a1-20]{1,5}`).Draw(t, label)}
	}
	first := rapid.Int64Range(0, 130).Draw(t, label+" first")
	return Names{Prefix: side.Draw(t, label+" prefix"), Suffix: side.Draw(t, label+" suffix"), Numbered: true,
		First: first, Last: first + rapid.Int64Range(0, 130).Draw(t, label+" length")}
}

// At, All, Contains, Number and Len tell the same set.
func TestNamesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := smallRange(t, "range")
		names := slices.Collect(r.All())
		if int64(len(names)) != r.Len() {
			t.Fatalf("%s: All has %d names, Len is %d", r, len(names), r.Len())
		}
		for i, name := range names {
			number, ok := r.Number(name)
			if name != r.At(int64(i)) || !r.Contains(name) || ok != r.Numbered || ok && number != r.First+int64(i) {
				t.Fatalf("%s: name %d is %q, number %d", r, i, name, number)
			}
		}
		name := rapid.StringMatching(`[a1-20]{0,6}`).Draw(t, "name")
		if r.Contains(name) != slices.Contains(names, name) {
			t.Fatalf("%s: Contains(%q) = %v", r, name, r.Contains(name))
		}
	})
}

// Counting the common names without expanding is counting them.
func TestSharedNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := smallRange(t, "a"), smallRange(t, "b")
		want := int64(0)
		for name := range a.All() {
			if b.Contains(name) {
				want++
			}
		}
		if got, back := a.Shared(b), b.Shared(a); got != want || back != want {
			t.Fatalf("%s and %s share %d or %d names; want %d", a, b, got, back, want)
		}
	})
}

// A million names cost nothing.
func TestSharedIsFast(t *testing.T) {
	a := Names{Prefix: "m-", First: 1, Last: MaxNumber, Numbered: true}
	b := Names{Prefix: "m-1", First: 0, Last: 9_999_999, Numbered: true}
	// Every name of b is one of a.
	if got := a.Shared(b); got != b.Len() {
		t.Errorf("shared = %d; want %d", got, b.Len())
	}
	if got := a.Shared(Names{}); got != 0 {
		t.Errorf("shared with nothing = %d", got)
	}
}
