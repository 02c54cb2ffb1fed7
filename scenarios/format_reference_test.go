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
		Expect(out).To(HaveLen(7), "a complete scenario, six fragments, and among them those about OAuth 2 and several dataflows")
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
		around := "audiences: {delorean: {}, scifi: {}}\nprofiles: {doc: {}}\n"
		i := slices.IndexFunc(b, func(block string) bool { return strings.HasPrefix(block, "destinations:") })
		several := around + b[i]
		b = slices.Delete(b, i, i+1)
		for _, all := range []string{strings.Join(slices.Concat(b[1:2], b[3:]), "\n"), b[2], several} {
			_, err := scenarios.Parse("fragments.yaml", []byte("title: fragments\nrules: [trig-enter]\nothers: allowed\n"+all))
			Expect(err).NotTo(HaveOccurred())
		}
	})
})
