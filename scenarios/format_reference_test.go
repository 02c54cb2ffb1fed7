package scenarios_test

import (
	"os"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// Examples in the reference of the format must work as they are.
var _ = Describe("The reference of the scenario format", func() {
	blocks := func() []string {
		content, err := os.ReadFile("../docs/reference/scenario-format.md")
		Expect(err).NotTo(HaveOccurred())
		var out []string
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(content), -1) {
			out = append(out, m[1])
		}
		Expect(out).To(HaveLen(6), "a complete scenario, four fragments, and among them the one about OAuth 2")
		return out
	}

	It("shows a scenario that passes", func(ctx SpecContext) {
		sc, err := scenarios.Parse("my.yaml", []byte(blocks()[0]))
		Expect(err).NotTo(HaveOccurred())
		Expect(scenarios.Lint(sc)).To(BeEmpty())
		rules, err := scenarios.Rules()
		Expect(err).NotTo(HaveOccurred())
		lines, err := simulate.Play(ctx, sc, memory.New(), 1)
		Expect(err).NotTo(HaveOccurred())
		Expect(check.Judge(sc, rules, lines).Verdict).To(Equal(reports.Pass))
	})

	It("shows fragments that are one scenario together", func() {
		b := blocks()
		for _, all := range []string{strings.Join(slices.Concat(b[1:2], b[3:]), "\n"), b[2]} {
			_, err := scenarios.Parse("fragments.yaml", []byte("title: fragments\nrules: [trig-enter]\nothers: allowed\n"+all))
			Expect(err).NotTo(HaveOccurred())
		}
	})
})
