package mutants

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// The volume of plays is not for every test run; `make mutants` asks for it.
var (
	run   = flag.Bool("mutants", false, "build and play every mutant, and write the matrix")
	named = flag.Bool("named", false, "with -mutants: play each with the cases that must find it alone; the matrix stays")
	fresh = flag.Bool("missing", false, "with -mutants: play those that were not measured as they are now, and the others with new cases, and add to the matrix")
	only  = flag.String("only", "", "with -mutants: those whose id matches the regular expression; the matrix stays")
)

const (
	root       = "../.."
	matrixPath = "matrix.json"
	pagePath   = root + "/docs/reference/mutants.md"
)

// A mutant whose patch no longer applies, or that names a rule or case that is
// gone, would silently prove nothing. A matrix older than a mutant is not an
// error here: `make mutants` writes it anew.
func TestMutantsAreWellFormed(t *testing.T) {
	all, cases := tree(t)
	if len(all) < 60 {
		t.Errorf("%d mutants; the library is proved by at least 60", len(all))
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if _, err := m.Apply(root); err != nil {
			t.Error(err)
		}
		if m.Title == "" || len(m.Kills) == 0 || m.Old == m.New {
			t.Errorf("%s: a mutant has a title, kills at least one case, and changes something", m.ID)
		}
		if _, ok := rules.Clause(m.Rule); !ok {
			t.Errorf("%s: rule %q is not in rules.yaml", m.ID, m.Rule)
		}
		for _, id := range m.Kills {
			i := slices.IndexFunc(cases, func(c *scenarios.Scenario) bool { return c.ID == id })
			if i < 0 || !slices.Contains(cases[i].Rules, scenarios.RuleOf(m.Rule)) {
				t.Errorf("%s: case %s does not exist or does not cite %s", m.ID, id, m.Rule)
			}
		}
	}
}

// tree is every mutant and every case that is there now.
func tree(t *testing.T) ([]Mutant, []*scenarios.Scenario) {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	return all, cases
}

func TestMutants(t *testing.T) {
	if !*run {
		t.Skip("needs the flag -mutants: a play of the library for each; `make mutants` gives it")
	}
	all, cases := tree(t)
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(m Mutant) bool { return !wanted.MatchString(m.ID) })
	if len(all) == 0 {
		t.Fatalf("no mutant matches %q", *only)
	}
	if *named {
		playNamed(t, all, cases)
		return
	}
	var measured Matrix
	if *fresh {
		if measured, err = LastMeasured(); err != nil {
			t.Fatal(err)
		}
	}
	red := playAll(t, all, func(many string, apart []Mutant) [][]string {
		return measured.unmeasured(all, cases, near(t, all, apart, many, cases))
	})
	if t.Failed() {
		return // what was not played was not measured
	}
	red = measured.with(red, all, cases)
	killed := 0
	for i, m := range all {
		missing := without(m.Kills, red[i])
		verdict := "killed"
		if len(missing) > 0 {
			verdict = "SURVIVED " + strings.Join(missing, ", ")
			t.Errorf("mutant %s (%s) breaks %s, and these cases do not see it: %s", m.ID, m.Title, m.Rule, strings.Join(missing, ", "))
		} else {
			killed++
		}
		fmt.Printf("%-32s %-26s %-9s by %s\n", m.ID, m.Rule, verdict, few(red[i]))
	}
	fmt.Printf("%d mutants (%s), %d killed\n", len(all), areas(all), killed)
	if *only != "" {
		return
	}
	x := matrixOf(all, red, cases)
	distinct(t, x, cases)
	for path, content := range map[string]string{matrixPath: x.text(), pagePath: x.page()} {
		if err := os.WriteFile(filepath.FromSlash(path), []byte(content), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// few are the first of many cases and how many there are besides.
func few(ids []string) string {
	const most = 4
	if len(ids) <= most {
		return strings.Join(ids, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], " "), len(ids)-most)
}

// playAll plays each mutant, as many at a time as there are processors, and
// returns the cases that turned red. choose says with which cases, by the
// binary of many mutants and those that are not in it: nil are all, and with
// none a mutant is not played.
func playAll(t *testing.T, all []Mutant, choose func(many string, apart []Mutant) [][]string) [][]string {
	b, ok := buildsOf(t, all, "many mutants", build)
	if !ok {
		return nil
	}
	if red := play(t, "unchanged", b.many, 0); len(red) > 0 {
		t.Fatalf("cases are red without any mutant: %v", red)
	}
	chosen := choose(b.many, b.apart)
	red := make([][]string, len(all))
	played := func(i int) bool { return chosen[i] == nil || len(chosen[i]) > 0 }
	b.each(played, func(i int, binary string, number int) { red[i] = play(t, all[i].ID, binary, number, chosen[i]...) })
	return red
}

func isOneOf(m Mutant, some []Mutant) bool {
	return slices.ContainsFunc(some, func(o Mutant) bool { return o.ID == m.ID })
}

// near are, for each mutant, the cases that come by it, and all for one that
// has a build of its own.
func near(t *testing.T, all, apart []Mutant, many string, cases []*scenarios.Scenario) [][]string {
	by := reach(t, many, cases)
	out := make([][]string, len(all))
	for i, m := range all {
		if !isOneOf(m, apart) {
			out[i] = append([]string{}, by[i+1]...)
			slices.Sort(out[i])
		}
	}
	return out
}

// areas counts mutants by area: "55 engine, 14 endpoint".
func areas(all []Mutant) string {
	count := map[string]int{}
	for _, m := range all {
		count[m.Area()]++
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	return strings.Join(names, ", ")
}

// distinct fails for a case that kills no mutant, and for two that kill the
// same ones: it proves nothing that is not proved without it.
func distinct(t *testing.T, x Matrix, cases []*scenarios.Scenario) {
	kills := map[string][]string{}
	for _, m := range x.Mutants {
		for _, id := range slices.Concat(m.By, m.Also) {
			kills[id] = append(kills[id], m.ID)
		}
	}
	by := map[string]string{}
	for _, c := range cases {
		set := strings.Join(kills[c.ID], " ")
		switch twin, there := by[set]; {
		case set == "":
			t.Errorf("case %s kills no mutant: add the mutant it is there for", c.ID)
		case there:
			t.Errorf("cases %s and %s kill the same mutants: %s", twin, c.ID, set)
		}
		by[set] = c.ID
	}
}
