package generate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// name draws names as scenarios have them, and worse.
func name() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`[a-z]{1,8}-[0-9]{1,9}(-v[0-9])?`), rapid.StringN(1, 40, 200))
}

// A profile is a function of seed and name, and holds nothing empty.
func TestPersonIsAFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, name := rapid.Uint64().Draw(t, "seed"), name().Draw(t, "name")
		p := Person(seed, name)
		if diff := cmp.Diff(p, Person(seed, name)); diff != "" {
			t.Fatal(diff)
		}
		full(t, "attributes", p.Attributes)
		var keys []string
		for key := range p.Attributes {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		if diff := cmp.Diff(slices.Sorted(slices.Values(Attributes())), keys); diff != "" {
			t.Fatal(diff)
		}
		wellFormed(t, p)
	})
}

// full reports a leaf that is empty or of a type that no profile has.
func full(t *rapid.T, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			t.Errorf("%s is empty", path)
		}
		for key, e := range v {
			full(t, path+"."+key, e)
		}
	case string:
		if v == "" || strings.TrimSpace(v) != v || strings.Contains(v, "#") {
			t.Errorf("%s is %q", path, v)
		}
	case int64, bool:
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s is %v", path, v)
		}
	default:
		t.Errorf("%s is a %T", path, value)
	}
}

var forms = map[string]*regexp.Regexp{
	"crm":             regexp.MustCompile(`^C-[0-9A-F]{20}$`),
	"email":           regexp.MustCompile(`^[a-z]+\.[a-z]+\.[a-z0-9_-]+@example\.(com|org)$`),
	"email_lc_sha256": regexp.MustCompile(`^[0-9a-f]{64}$`),
	"phone":           regexp.MustCompile(`^\+[1-9][0-9]{14}$`),
}

func wellFormed(t *rapid.T, p Profile) {
	ids, order := map[string]string{}, []string{}
	for _, i := range p.Identities {
		if forms[i.Namespace] == nil || !forms[i.Namespace].MatchString(i.ID) {
			t.Errorf("identity %v", i)
		}
		ids[i.Namespace], order = i.ID, append(order, i.Namespace)
	}
	if want := Namespaces()[:len(order)]; len(order) < 3 || !slices.Equal(order, want) {
		t.Errorf("namespaces %v", order)
	}
	if Digest(" "+strings.ToUpper(ids["email"])) != ids["email_lc_sha256"] {
		t.Errorf("%s is not the digest of %s", ids["email_lc_sha256"], ids["email"])
	}
	if local, _, _ := strings.Cut(ids["email"], "@"); len(local) > 64 {
		t.Errorf("the local part of %s is too long", ids["email"])
	}
	if mail := p.Attributes["personalEmail"].(map[string]any)["address"]; mail != ids["email"] {
		t.Errorf("the address is %s, the identity %s", mail, ids["email"])
	}
}

// Names that differ in little: numbers with and without leading zeros, digits
// before and after, another letter.
func TestNoSharedIdentity(t *testing.T) {
	const all = 100_000
	owners := make(map[Identity]string, 4*all)
	phones := 0
	for _, pattern := range []string{"member-%d", "m-%d-v2", "x%d", "0x%d", "M-%d", "m-%d", "1%d", "ü%d", "@%d", "%d-2026000"} {
		for n := range all / 10 {
			name := fmt.Sprintf(pattern, n)
			p := Person(1, name)
			for _, i := range append(p.Identities, Identity{"mobile", p.Attributes["mobilePhone"].(map[string]any)["number"].(string)}) {
				if other, taken := owners[i]; taken && other != name {
					t.Fatalf("%s and %s share %v", other, name, i)
				}
				owners[i] = name
				if i.Namespace == "phone" {
					phones++
				}
			}
		}
	}
	if share := float64(phones) / all; math.Abs(share-withPhone) > 0.01 {
		t.Errorf("%.3f have a phone; want %.1f", share, withPhone)
	}
}

// Whatever the range and the seed, its profiles have phones of their own.
func TestPhonesOfARange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		prefix := rapid.StringMatching(`[a-z]{0,3}-?`).Draw(t, "prefix")
		first := rapid.Int64Range(0, 999_999_999_000).Draw(t, "first")
		seen := map[string]bool{}
		for n := range int64(500) {
			phone := phoneNumber(seed, fmt.Sprintf("%s%d", prefix, first+n))
			if seen[phone] {
				t.Fatalf("%s%d: %s is taken", prefix, first+n, phone)
			}
			seen[phone] = true
		}
	})
}

// Every hundredth of [0,1) is drawn as often as the others, for every purpose:
// chi-square with 99 degrees of freedom is below 149 in 999 of 1000 cases.
func TestShareIsUniform(t *testing.T) {
	const draws, bins = 100_000, 100
	for _, test := range []struct {
		seed uint64
		what string
	}{{1, "delorean"}, {1, "scifi"}, {2, "delorean"}, {1 << 63, ""}} {
		var counts [bins]float64
		mean := 0.0
		for n := range draws {
			share := Share(test.seed, fmt.Sprintf("member-%d", n), test.what)
			if share < 0 || share >= 1 {
				t.Fatalf("Share = %v", share)
			}
			counts[int(share*bins)]++
			mean += share / draws
		}
		square, want := 0.0, float64(draws)/bins
		for _, n := range counts {
			square += (n - want) * (n - want) / want
		}
		if square > 149 || math.Abs(mean-0.5) > 0.005 {
			t.Errorf("seed %d, %q: chi-square %.1f, mean %.4f", test.seed, test.what, square, mean)
		}
	}
}

// Two purposes, and two seeds, are independent: half and half is a quarter.
func TestSharesAreIndependent(t *testing.T) {
	const draws = 100_000
	both, seeds := 0, 0
	for n := range draws {
		name := fmt.Sprintf("member-%d", n)
		half := Share(1, name, "a") < 0.5
		if half && Share(1, name, "b") < 0.5 {
			both++
		}
		if half && Share(2, name, "a") < 0.5 {
			seeds++
		}
	}
	for _, n := range []int{both, seeds} {
		if share := float64(n) / draws; math.Abs(share-0.25) > 0.01 {
			t.Errorf("%.3f are below both halves; want 0.25", share)
		}
	}
}

// Pinned: recordings of the past must stay judgeable.
func TestPinned(t *testing.T) {
	got := fmt.Sprintf("%v %.6f", Person(1, "member-7"), Share(1, "member-7", "delorean"))
	if want := `{map[consents:map[marketing:map[email:true push:true sms:false]] homeAddress:map[city:Malmö countryCode:SE latitude:55.5545 longitude:12.9108 postalCode:211 06 street1:Amiralsgatan 123] loyalty:map[joinDate:2020-12-15 points:1023 tier:bronze] mobilePhone:map[number:+393050283011835] person:map[birthDate:1971-02-05 gender:female name:map[firstName:Zoë lastName:Nguyễn]] personalEmail:map[address:zoe.nguyen.member-7@example.com]] [{crm C-A9B141E0294FF0AC6327} {email zoe.nguyen.member-7@example.com} {email_lc_sha256 7671617aa9faa95dbdb39cc4ee9a9ed196496597027e31481af903da99ae59b1} {phone +393050283011835}]} 0.883774`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Every word of the lists has an address.
func TestEveryNameHasAnAddress(t *testing.T) {
	for _, name := range slices.Concat(women, men, lastNames) {
		if ascii(name) == "" {
			t.Errorf("%s has no spelling", name)
		}
	}
}

func BenchmarkPerson(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Person(1, "member-123456")
	}
}

func BenchmarkShare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Share(1, "member-123456", "delorean")
	}
}
