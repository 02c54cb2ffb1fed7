package scenarios

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/scenarios/generate"
)

// population is a scenario with the given profiles, and audiences a and b.
func population(t testing.TB, profiles string) *Scenario {
	t.Helper()
	s, err := Parse("t.yaml", []byte("title: t\nrules: [trig-enter]\nseed: 3\naudiences: {a: {}, b: {}}\nexpect: []\nprofiles:\n"+profiles))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB, s *Scenario, name string) Initial {
	t.Helper()
	i, ok := s.Initial(name)
	if !ok {
		t.Fatalf("no profile %s", name)
	}
	return i
}

func TestGenerateGiven(t *testing.T) {
	s := population(t, `
  x-{1..9}: {generate: {seed: 7, audiences: {a: 0.3, b: 12.5%}, attributes: [person, loyalty], identities: [crm, email]}}
  y: {generate: {}}
  z: {generate: {seed: 0, audiences: {a: 0, b: 100%}, attributes: [], identities: phone}}
`)
	same(t, "x", s.Profiles[0].Generate, &Generate{Seed: new(uint64(7)), Audiences: []AudienceShare{{"a", 0.3}, {"b", 0.125}},
		Attributes: []string{"person", "loyalty"}, Identities: []string{"crm", "email"}})
	same(t, "y", s.Profiles[1].Generate, &Generate{})
	same(t, "z", s.Profiles[2].Generate, &Generate{Seed: new(uint64(0)), Audiences: []AudienceShare{{"a", 0}, {"b", 1}},
		Attributes: []string{}, Identities: []string{"phone"}})
}

// Without generate, a profile is its group with its number in place of {n}.
func TestInitialOfAGroup(t *testing.T) {
	s := population(t, `
  m-{1..9}: {audiences: [a], attributes: {mail: "m{n}@x", deep: {n: "{n}"}}, identities: {crm: "c-{n}"}}
  none: {identities: none}
  bare:
`)
	same(t, "m-7", start(t, s, "m-7"), Initial{Attributes: map[string]any{"mail": "m7@x", "deep": map[string]any{"n": "7"}},
		Identities: []Identity{{"ecid", ECID(3, "m-7")}, {"crm", "c-7"}}, Memberships: []Membership{{Audience: "a", Qualified: day}}})
	same(t, "none", start(t, s, "none"), Initial{Identities: []Identity{}})
	same(t, "bare", start(t, s, "bare"), Initial{Identities: []Identity{{"ecid", ECID(3, "bare")}}})
	for _, name := range []string{"m-0", "m-10", "m-07", "", "m", "nobody"} {
		if i, ok := s.Initial(name); ok {
			t.Errorf("Initial(%q) = %v", name, i)
		}
		if _, ok := s.Memberships(name); ok {
			t.Errorf("Memberships(%q) is there", name)
		}
	}
}

// The group's own values are laid over the generated ones.
func TestInitialOverGenerated(t *testing.T) {
	s := population(t, `
  all: {generate: {}}
  own-{1..9}:
    generate: {}
    attributes: {person: {name: {firstName: Doc}}, loyalty: "{n}", extra: 1}
    identities: {Email: " Own-{n}@X.org ", crm: ["c1-{n}", "c2-{n}"], local: "l{n}"}
  few: {generate: {attributes: [loyalty], identities: [phone, crm]}}
  nothing: {generate: {attributes: [], identities: []}}
  none: {generate: {}, identities: none}
`)
	got, made := start(t, s, "all"), generate.Person(3, "all")
	same(t, "all attributes", got.Attributes, made.Attributes)
	if len(got.Identities) != len(made.Identities)+1 || got.Identities[1] != Identity(made.Identities[0]) {
		t.Errorf("identities of all: %v", got.Identities)
	}

	got, made = start(t, s, "own-4"), generate.Person(3, "own-4")
	want := made.Attributes
	want["person"].(map[string]any)["name"].(map[string]any)["firstName"] = "Doc"
	want["loyalty"], want["extra"] = "4", json.Number("1")
	same(t, "own attributes", got.Attributes, want)
	ids := []Identity{{"ecid", ECID(3, "own-4")}, {"email_lc_sha256", generate.Digest("own-4@x.org")}}
	if len(made.Identities) == 4 {
		ids = append(ids, Identity(made.Identities[3]))
	}
	same(t, "own identities", got.Identities, append(ids, Identity{"Email", " Own-4@X.org "}, Identity{"crm", "c1-4"}, Identity{"crm", "c2-4"}, Identity{"local", "l4"}))

	few := start(t, s, "few")
	if len(few.Attributes) != 1 || few.Attributes["loyalty"] == nil || few.Identities[1].Namespace != "crm" || len(few.Identities) > 3 {
		t.Errorf("few: %v", few)
	}
	same(t, "nothing", start(t, s, "nothing"), Initial{Identities: []Identity{{"ecid", ECID(3, "nothing")}}})
	if none := start(t, s, "none"); len(none.Identities) != 0 || len(none.Attributes) == 0 {
		t.Errorf("none: %v", none)
	}
}

// The seed of the group counts, else that of the scenario, which can change.
func TestInitialSeed(t *testing.T) {
	s := population(t, "  fixed: {generate: {seed: 9}}\n  free: {generate: {}}\n")
	other := s.WithSeed(4)
	same(t, "fixed", start(t, s, "fixed").Attributes, generate.Person(9, "fixed").Attributes)
	same(t, "fixed, another seed", start(t, other, "fixed").Attributes, generate.Person(9, "fixed").Attributes)
	same(t, "free", start(t, s, "free").Attributes, generate.Person(3, "free").Attributes)
	same(t, "free, another seed", start(t, other, "free").Attributes, generate.Person(4, "free").Attributes)
}

// Shares are met, audiences are independent, and a membership that is given
// counts more than one that is drawn.
func TestInitialShares(t *testing.T) {
	s := population(t, `
  p-{1..20000}: {generate: {audiences: {a: 0.3, b: 5%}}}
  q-{1..500}: {generate: {audiences: {a: 100%, b: 0}}, audiences: {a: {exited: 1h}}}
`)
	var a, b, both float64
	for name := range s.Profiles[0].Names.All() {
		held, _ := s.Memberships(name)
		if diff := cmp.Diff(start(t, s, name).Memberships, held); diff != "" {
			t.Fatal(diff)
		}
		in := func(key string) bool { return slices.Contains(held, Membership{Audience: key, Qualified: day}) }
		if in("a") {
			a++
		}
		if in("b") {
			b++
		}
		if in("a") && in("b") {
			both++
		}
	}
	for _, test := range []struct{ got, want float64 }{{a, 6000}, {b, 1000}, {both, 300}} {
		if math.Abs(test.got-test.want) > 4*math.Sqrt(test.want) {
			t.Errorf("%v members; want about %v", test.got, test.want)
		}
	}
	for name := range s.Profiles[1].Names.All() {
		held, _ := s.Memberships(name)
		same(t, name, held, []Membership{{Audience: "a", Exited: true, ExitedAgo: hour, Qualified: hour + day}})
	}
}

const hour = day / 24

// One profile's attributes are its own: what is laid over generated ones does
// not reach the group or another profile.
func TestInitialSharesNothingGenerated(t *testing.T) {
	s := population(t, "  p-{1..9}: {generate: {}, attributes: {person: {name: {firstName: \"N{n}\"}}}}\n")
	before := fmt.Sprint(s.Profiles[0])
	one, two := start(t, s, "p-1"), start(t, s, "p-2")
	if fmt.Sprint(one) != fmt.Sprint(start(t, s, "p-1")) || fmt.Sprint(one) == fmt.Sprint(two) || fmt.Sprint(s.Profiles[0]) != before {
		t.Error("Initial changed something")
	}
}

// A scenario whose groups were replaced, or that was made by hand, is read as
// it is now.
func TestInitialAfterAChange(t *testing.T) {
	s := population(t, "  p:\n  q-{1..3}:\n")
	s.Profiles = append([]ProfileGroup{{Names: NameRange{Prefix: "new"}}}, s.Profiles...)
	made := &Scenario{Profiles: s.Profiles}
	for _, name := range []string{"new", "p", "q-3"} {
		for _, s := range []*Scenario{s, made} {
			if g, _, ok := s.Group(name); !ok || !g.Names.Contains(name) {
				t.Errorf("Group(%s) = %v", name, g)
			}
		}
	}
	if _, ok := (&Scenario{}).Initial("p"); ok {
		t.Error("an empty scenario has a profile")
	}
}

// Thousands of groups of one name cost a lookup no more than one does.
func BenchmarkInitial(b *testing.B) {
	var many strings.Builder
	for i := range maxGroups - 1 {
		fmt.Fprintf(&many, "  g%d:\n", i)
	}
	s := population(b, many.String()+"  m-{1..1000000}: {generate: {audiences: {a: 0.1, b: 0.2}}}\n")
	for name, lookup := range map[string]func(string) (any, bool){
		"whole":       func(name string) (any, bool) { return s.Initial(name) },
		"memberships": func(name string) (any, bool) { return s.Memberships(name) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := int64(0)
			for b.Loop() {
				n++
				if _, ok := lookup(s.Profiles[maxGroups-1].Names.At(n % 1_000_000)); !ok {
					b.Fatal(n)
				}
			}
		})
	}
}

// An ecid of its own replaces the synthetic one, however the namespace is spelt.
func TestOwnECIDReplacesTheSynthetic(t *testing.T) {
	for _, test := range []struct {
		identities string
		want       int // synthetic ecids
	}{
		{"{crm: A1}", 1}, {"{ecid: [\"1\", \"2\"]}", 0}, {"{ECID: \"1\", crm: A1}", 0}, {"{ecid_web: \"1\"}", 1}, {"none", 0},
	} {
		s, err := Parse("case.yaml", []byte("title: t\nrules: [all-identities]\nprofiles: {doc: {identities: "+test.identities+"}}\nexpect: []\n"))
		if err != nil {
			t.Fatal(err)
		}
		start, _ := s.Initial("doc")
		got := 0
		for _, i := range start.Identities {
			if i == (Identity{"ecid", ECID(s.Seed, "doc")}) {
				got++
			}
		}
		if got != test.want || s.Profiles[0].Synthetic() != (test.want == 1) {
			t.Errorf("identities: %s: %d synthetic ecids, want %d", test.identities, got, test.want)
		}
	}
}
