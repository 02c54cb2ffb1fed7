package mutants

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

//go:embed matrix.json
var matrixFile []byte

// Matrix is what `make mutants` measured: the cases that turned red under each
// mutant, when the whole library was played.
type Matrix struct {
	Cases   []string   `json:"cases"`   // ids of the cases that were played, in their order
	Mutants []Measured `json:"mutants"` // in the order of their ids
}

// Measured is one mutant as it was played. Title, area and rule are those of
// then, so that the page made of a matrix is true for it.
type Measured struct {
	ID     string   `json:"id"`
	Digest string   `json:"digest"` // of the mutant's file
	Area   string   `json:"area"`
	Rule   string   `json:"rule"`
	Title  string   `json:"title"`
	By     []string `json:"by"`             // cases that turned red and cite the rule
	Also   []string `json:"also,omitempty"` // the other cases that turned red
}

// Red reports whether a case turned red under the mutant.
func (m Measured) Red(id string) bool {
	return slices.Contains(m.By, id) || slices.Contains(m.Also, id)
}

// LastMeasured is the matrix that comes with this version.
func LastMeasured() (Matrix, error) {
	var m Matrix
	d := json.NewDecoder(bytes.NewReader(matrixFile))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Matrix{}, fmt.Errorf("matrix.json: %w", err)
	}
	return m, nil
}

// Find is what was measured of a mutant, unless the mutant has changed since.
func (x Matrix) Find(m Mutant) (Measured, bool) {
	i := slices.IndexFunc(x.Mutants, func(o Measured) bool { return o.ID == m.ID && o.Digest == m.Digest })
	if i < 0 {
		return Measured{}, false
	}
	return x.Mutants[i], true
}

// Stale lists, a line each, mutants and cases that were not measured, and those
// that were measured and are gone.
func (x Matrix) Stale(all []Mutant, cases []*scenarios.Scenario) []string {
	var out []string
	for _, m := range all {
		i := slices.IndexFunc(x.Mutants, func(o Measured) bool { return o.ID == m.ID })
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("mutant %s was not measured", m.ID))
		case x.Mutants[i].Digest != m.Digest:
			out = append(out, fmt.Sprintf("mutant %s has changed since it was measured", m.ID))
		}
	}
	for _, o := range x.Mutants {
		if !slices.ContainsFunc(all, func(m Mutant) bool { return m.ID == o.ID }) {
			out = append(out, fmt.Sprintf("mutant %s was measured and is gone", o.ID))
		}
	}
	for _, c := range cases {
		if !slices.Contains(x.Cases, c.ID) {
			out = append(out, fmt.Sprintf("case %s was not measured", c.ID))
		}
	}
	for _, id := range x.Cases {
		if !slices.ContainsFunc(cases, func(c *scenarios.Scenario) bool { return c.ID == id }) {
			out = append(out, fmt.Sprintf("case %s was measured and is gone", id))
		}
	}
	return out
}
