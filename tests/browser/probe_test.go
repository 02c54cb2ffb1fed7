package browser

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/probe/receivers"
)

// wrongOnes are the receivers whose reports are checked, with the words that a
// reader must see first: those of the true cause, and those of the fix.
var wrongOnes = []struct{ name, cause, fix string }{
	{"aws-api-gateway-without-the-route", "AWS API Gateway: No deployed stage has this path with POST", "deploy the API again"},
	{"azure-api-management-wants-a-key", "requires a subscription key", "Ocp-Apim-Subscription-Key"},
	{"google-cloud-run-private", "invoked by signed-in callers alone", "Cloud Run Invoker"},
	{"cloudflare-blocks", "blocks the request", "skips these checks"},
	{"django-csrf", "CSRF middleware refuses a POST without its token", "csrf_exempt"},
	{"express-100kB", "express.json() accepts 100 kB", "limit: '5mb'"},
	{"throttles-with-403", "refuses the pace, not the message", "answer 429 or 503 with Retry-After"},
	{"starts-cold", "accepts the same message a moment later", "starts cold"},
	{"drops-namespaces", "does not store it as it was sent", "whatever its namespace"},
	{"known-and-not-permitted", "refuses right credentials", "the permission to POST"},
}

// probedBy is the report of a probe of a receiver in this process.
func probedBy(name string) *reports.Report {
	GinkgoHelper()
	all, err := receivers.Wrong()
	Expect(err).NotTo(HaveOccurred())
	for _, r := range all {
		if r.Name != name {
			continue
		}
		front := receivers.NewFront(r, "s3cret-token")
		server := httptest.NewUnstartedServer(front)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.Start()
		defer func() { server.Close(); front.Close() }()
		rules, err := scenarios.Rules()
		Expect(err).NotTo(HaveOccurred())
		c := probe.Config{Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL + "/profiles", MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1,
			Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: "s3cret-token"}},
			Limits: scenarios.Limits{Rate: 200, Requests: 600, Burst: 10}, Load: scenarios.StatedLoad{Rate: 25, For: time.Second}, Rules: rules, Version: "devel",
			Pause: 50 * time.Millisecond, State: scenarios.ReadBack{URL: server.URL + "/state", Header: "Authorization: Bearer s3cret-token", Within: 300 * time.Millisecond}}
		c.ReadBack = probe.NewReadBack(c.State, nil, nil)
		report, err := probe.New(c).Run(context.Background())
		Expect(err).NotTo(HaveOccurred())
		return report
	}
	Fail("no receiver " + name)
	return nil
}

var _ = Describe("The report of a wrong receiver", Serial, func() {
	for _, w := range wrongOnes {
		It("shows the true cause of "+w.name+", and the fix, without scrolling", func() {
			r := probedBy(w.name)
			Expect(r.Verdict).To(Equal(reports.Fail))
			for _, width := range []int64{wide, narrow} {
				t := opened(r, look{width, 844, "light", false})
				for part, words := range map[string]string{".first .cause": w.cause, ".first .fix": w.fix} {
					Expect(js[string](t, fmt.Sprintf(`document.querySelector(%q)?.innerText ?? ""`, part))).To(ContainSubstring(words), "%s at %d", part, width)
					Expect(js[bool](t, fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().bottom <= innerHeight`, part))).To(BeTrue(), "%s is below the fold at %d", part, width)
				}
				Expect(js[bool](t, `document.documentElement.scrollWidth <= innerWidth`)).To(BeTrue(), "the page is wider than %d", width)
				t.picture("probe-" + strings.ReplaceAll(w.name, ", ", "-") + fmt.Sprint("-", width))
				t.quiet()
			}
		})
	}
})
