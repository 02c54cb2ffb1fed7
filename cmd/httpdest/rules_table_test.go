package main

import (
	"os"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// The page with the table is the one that the command prints.
func TestGeneratedClauses(t *testing.T) {
	p, err := loadProof()
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.table()
	if err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/reference/clauses.md"
	if *writePages {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Error("docs/reference/clauses.md is not what `httpdest rules table` prints: run `make docs`")
	}
}

// Every statement has a row with its level, its sources and a proof.
func TestTable(t *testing.T) {
	p, err := loadProof()
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.table()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		if cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), `\|`, "¦"), " | "); len(cells) == 9 {
			rows[strings.Trim(cells[0], "| ")] = cells
		}
	}
	for _, c := range p.rules.All() {
		cells := rows[c.Ref+" `"+c.ID+"`"]
		if cells == nil {
			t.Errorf("%s has no row of nine cells", c.ID)
			continue
		}
		if cells[1] != c.Level || cells[3] == "" || strings.Trim(cells[8], "| ") == "" || cells[7] == "" {
			t.Errorf("%s lacks its level, a source, a case or a mutant: %q", c.ID, cells)
		}
		if scenarios.RuleOf(c.ID) != c.ID && c.Reading != cells[6] {
			t.Errorf("%s: the choice is %q", c.ID, cells[6])
		}
	}
}
