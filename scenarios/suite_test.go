package scenarios_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

func TestScenarios(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "the library of scenarios")
}

// One spec per file, labelled with its rules, failing at the line of the YAML
// file: a thin wrapper over the runner that the command uses.
var _ = Describe("Scenario", func() {
	all, err := scenarios.Find("library")
	if err != nil {
		It("loads", func() { Fail(err.Error()) })
		return
	}
	rules, err := scenarios.Rules()
	if err != nil {
		It("loads its rules", func() { Fail(err.Error()) })
		return
	}
	It("library is there", func() { Expect(len(all)).To(BeNumerically(">=", 20)) })
	for _, sc := range all {
		file, err := filepath.Abs(sc.Pos.File)
		if err != nil {
			file = sc.Pos.File
		}
		It(sc.ID+": "+sc.Title, Label(sc.Rules...), types.CodeLocation{FileName: file, LineNumber: sc.Pos.Line}, func(ctx SpecContext) {
			lines, err := simulate.Play(ctx, sc, memory.New(), 1)
			Expect(err).NotTo(HaveOccurred())
			c := check.Judge(sc, rules, lines)
			if c.Verdict == reports.Pass {
				return
			}
			AddReportEntry("case", c)
			Fail(bad(file, c))
		})
	}
})

// bad lists every check of a case that did not pass, each at its line of the
// file.
func bad(file string, c reports.Case) string {
	var b strings.Builder
	for _, k := range c.Checks {
		if k.Verdict != reports.Pass {
			fmt.Fprintf(&b, "%s:%d:%d: %s: %s (%s)\n  expected  %s\n  actual    %s\n", file, k.Line, k.Column, k.Verdict, k.Title, k.Rule, k.Expected, k.Actual)
		}
	}
	return b.String()
}

// The Ginkgo suite must not hide what the command would show: playing with
// ctx done is an error, not a pass.
var _ = Describe("A run that is interrupted", func() {
	It("has no verdict", func() {
		all, err := scenarios.Find("library/trigger/enter.yaml")
		Expect(err).NotTo(HaveOccurred())
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err = simulate.Play(ctx, all[0], memory.New(), 1)
		Expect(err).To(MatchError(context.Canceled))
	})
})
