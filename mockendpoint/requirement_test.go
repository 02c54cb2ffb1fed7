package mockendpoint_test

import (
	"net/netip"
	"os/exec"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/payload"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// anExport is the least that a data call carries.
const anExport = `{"segmentMembership":{"ups":{"a":{"status":"realized","lastQualificationTime":"2022-01-11T21:24:39Z"}}}}`

var _ = Describe("what the endpoint requires", func() {
	demanding := func(change func(*mockendpoint.Requirements)) served {
		return serve(mockendpoint.Plain, func(o *mockendpoint.Options) {
			o.Require = mockendpoint.Requirements{
				ContentType: "application/json",
				Headers:     []mockendpoint.Field{{Name: "X-Api-Key", Value: "very-secret-key", Secret: true}, {Name: "X-Tenant"}},
				Query:       []mockendpoint.Field{{Name: "source", Value: "test"}},
				Payload:     payload.Export(),
			}
			if change != nil {
				change(&o.Require)
			}
		})
	}
	good := []string{"--header", "Content-Type: application/json; charset=utf-8", "--header", "X-Api-Key: very-secret-key", "--header", "X-Tenant: acme"}

	DescribeTable("of a data call", func(body string, without string, instead string, change func(*mockendpoint.Requirements), status, reason string) {
		s := demanding(change)
		arguments := []string{"--data", body}
		for i := 1; i < len(good); i += 2 {
			header := good[i]
			if without != "" && strings.HasPrefix(header, without) {
				if header = instead; header == "" {
					continue
				}
			}
			arguments = append(arguments, "--header", header)
		}
		got, _ := s.curl(arguments...)
		Expect(got).To(Equal(status))
		entry := s.journal.Requests()[0]
		Expect(entry.Refused).To(Equal(reason))
		Expect(entry.Status).To(BeNumerically(">", 0))
	},
		Entry("all is there", anExport, "", "", nil, "200", ""),
		Entry("another type", anExport, "Content-Type", "Content-Type: text/plain", nil, "415", "the content type is not application/json"),
		Entry("no type that curl would not add", anExport, "Content-Type", "", nil, "415", "the content type is not application/json"),
		Entry("no key", anExport, "X-Api-Key", "", nil, "400", "header X-Api-Key is missing"),
		Entry("a wrong key", anExport, "X-Api-Key", "X-Api-Key: guess", nil, "400", "header X-Api-Key does not have the required value"),
		Entry("an empty header", anExport, "X-Tenant", "X-Tenant;", nil, "400", "header X-Tenant is empty"),
		Entry("a parameter with another value", anExport, "", "", func(r *mockendpoint.Requirements) { r.Query[0].Value = "prod" }, "400", "query parameter source does not have the required value"),
		Entry("no parameter", anExport, "", "", func(r *mockendpoint.Requirements) { r.Query[0].Name = "stage" }, "400", "query parameter stage is missing"),
		Entry("no export", `{"person":1}`, "", "", nil, "422", "the body: missing property 'segmentMembership'"),
		Entry("an address that is not on the list", anExport, "", "", func(r *mockendpoint.Requirements) { r.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, "403", "the address is not on the allowlist"),
		Entry("an address that is on the list", anExport, "", "", func(r *mockendpoint.Requirements) {
			r.Sources = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("127.0.0.0/8")}
		}, "200", ""),
		Entry("an empty list", anExport, "", "", func(r *mockendpoint.Requirements) { r.Sources = []netip.Prefix{} }, "403", "the address is not on the allowlist"),
	)

	It("is told in the answer, without a value, and kept out of the journal", func() {
		s := demanding(func(r *mockendpoint.Requirements) {
			r.Query[0] = mockendpoint.Field{Name: "source", Secret: true, Value: "prod"}
		})
		needs("curl")
		out, err := exec.Command("curl", "--silent", "--noproxy", "*", "--header", good[1], "--header", good[3], "--header", good[5], "--data", anExport, s.url+"/p?a=1&source=very-secret-source&b=2").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(MatchJSON(`{"error":"query parameter source does not have the required value"}`))
		entry := s.journal.Requests()[0]
		Expect(entry.Target).To(Equal("/p?a=1&source=[redacted]&b=2"))
		Expect(string(entry.Head)).To(And(Not(ContainSubstring("very-secret")), ContainSubstring("X-Tenant: acme"), ContainSubstring("source=[redacted]&b=2 HTTP/1.1")))
	})

	It("holds for addresses before anything else, for OPTIONS too", func() {
		s := demanding(func(r *mockendpoint.Requirements) { r.Sources = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")} })
		status, _ := s.curl("--request", "OPTIONS")
		Expect(status).To(Equal("403"))
		status, _ = s.curl("--request", "OPTIONS", "--interface", "127.0.0.2")
		Expect(status).To(Equal("204"))
	})
})
