package scenarios_test

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

var _ = Describe("The configuration of a probe", func() {
	It("is the commented one that is handed out", func() {
		p, err := scenarios.ParseProbe("probe.yaml", probe.Starter())
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Expand(func(name string) string { return "value of " + name })).To(Succeed())
		Expect(p.Destination.Auth.Token.Reveal()).To(Equal("value of TOKEN"))
		Expect(p.Limits).To(Equal(scenarios.Limits{Rate: 20, Requests: 600, Burst: 20}))
	})

	It("holds what is commented out, too", func() {
		var lines []string
		for _, line := range strings.Split(string(probe.Starter()), "\n") {
			for _, key := range []string{"audiences:", "ca:", "certificates:", "expiredToken:", "readBack:", "  url:", "  header:", "  within:", "  ignore:", "firewall:", "limits:", "load:"} {
				if rest, ok := strings.CutPrefix(line, "# "+key); ok {
					line = key + rest
				}
			}
			lines = append(lines, line)
		}
		p, err := scenarios.ParseProbe("probe.yaml", []byte(strings.Join(lines, "\n")))
		Expect(err).NotTo(HaveOccurred())
		Expect(p.ReadBack).To(And(HaveField("URL", "https://127.0.0.1:8443/state"), HaveField("Ignore", []string{"updatedAt"}), HaveField("Within", 5*time.Second)))
		Expect(p.Firewall).To(Equal(scenarios.Firewall{Allow: "allow.txt", Region: "VA7"}))
		Expect(p.Load).To(Equal(scenarios.StatedLoad{Rate: 10, For: 10 * time.Second, Stated: true}))
		Expect(p.Expand(func(string) string { return "" })).To(MatchError(ContainSubstring("OLD_TOKEN for expiredToken")))
	})

	DescribeTable("refuses what is wrong with it, and says where", func(content, says string) {
		_, err := scenarios.ParseProbe("p.yaml", []byte(content))
		Expect(err).To(MatchError(ContainSubstring(says)))
	},
		Entry("nothing", "", "p.yaml"),
		Entry("no destination", "limits: {rate: 3}", "p.yaml:1:1: a configuration of probe has no destination"),
		Entry("no endpoint", "destination: {auth: {type: none}}", "destination has no endpoint to probe"),
		Entry("an unknown key", "destination: {endpoint: https://x/}\nreadback: {}", `p.yaml:2:1: unknown key "readback"`),
		Entry("two ways to read back", "destination: {endpoint: https://x/}\nreadBack: {url: https://x/, command: [./x]}", "readBack has a url and a command"),
		Entry("no way to read back", "destination: {endpoint: https://x/}\nreadBack: {within: 3s}", "readBack has neither url nor command"),
		Entry("a header without a colon", "destination: {endpoint: https://x/}\nreadBack: {url: https://x/, header: nothing}", "header has no colon"),
		Entry("more load than is allowed", "destination: {endpoint: https://x/}\nload: {rate: 50}", "load: 50 requests a second are more than the limit of 20"),
		Entry("a load of no time", "destination: {endpoint: https://x/}\nload: {for: 10ms}", "a rate needs at least a second"),
		Entry("a firewall of no region", "destination: {endpoint: https://x/}\nfirewall: {allow: a.txt}", "firewall has no region"),
		Entry("a certificate for a mock", "destination: {endpoint: https://x/, clientCertificate: none}", "is for a mock endpoint"),
	)
})

func FuzzParseProbe(f *testing.F) {
	f.Add(probe.Starter())
	f.Add([]byte("destination: {endpoint: https://x/, auth: {type: bearer, token: t}}\nlimits: {rate: 3}\nload: {rate: 2, for: 1s}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p, err := scenarios.ParseProbe("p.yaml", content)
		if (p == nil) == (err == nil) {
			t.Fatalf("probe %v and error %v", p, err)
		}
		if p != nil && (p.Load.Rate > p.Limits.Rate || p.Limits.Burst < 1 || p.Destination.Endpoint == "") {
			t.Fatalf("%+v", p)
		}
	})
}
