package containers

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// once runs a command to its end, and returns its exit status and what it wrote.
func once(ctx context.Context, arguments []string, options ...testcontainers.ContainerCustomizer) (status int, said string) {
	GinkgoHelper()
	h := startHost(ctx, wait.ForExit(), arguments, options...)
	state, err := h.State(ctx)
	Expect(err).NotTo(HaveOccurred())
	return state.ExitCode, h.said(ctx)
}

var _ = Describe("an image with nothing but the binary", func() {
	It("plays scenarios, and writes their reports", func(ctx SpecContext) {
		status, said := once(ctx, []string{"run", "--label", "max-3", "--out", "/data/out"})
		Expect(status).To(BeZero(), said)
		Expect(said).To(ContainSubstring("verdict: pass"))
	})

	It("has no authorities: serve says what to do instead of failing at every attempt", func(ctx SpecContext) {
		status, said := once(ctx, []string{"serve", "--config", "/serve.yaml", "--data", "/data/store"},
			file("/serve.yaml", configuration(to("https://"+receiverName+"/profiles", soon))))
		Expect(status).To(Equal(2), said)
		Expect(said).To(And(ContainSubstring("no certificate authorities"), ContainSubstring("hint: give --ca FILE")))
	})

	It("has no folder for temporary files unless it is named one: mock says what to do", func(ctx SpecContext) {
		status, said := once(ctx, []string{"mock"}, testcontainers.WithEnv(map[string]string{"TMPDIR": ""}))
		Expect(status).To(Equal(2), said)
		Expect(said).To(And(ContainSubstring("/tmp/httpdest-journal"), ContainSubstring("TMPDIR")))
	})

	It("has one folder that can be written to: another is refused by name", func(ctx SpecContext) {
		status, said := once(ctx, []string{"mock", "--record", "/record.jsonl"})
		Expect(status).To(Equal(2), said)
		Expect(said).To(And(ContainSubstring("/record.jsonl"), ContainSubstring("hint: give --record the path of a file that can be written")))
	})
})
