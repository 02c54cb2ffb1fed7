package probe_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/reports"
)

var _ = Describe("an answer that is too large or is not HTTP", func() {
	// answering is a report about a receiver whose answers to messages of more than
	// 60 kB have a header of a size.
	answering := func(header int, only string) *reports.Report {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if body, _ := io.ReadAll(q.Body); len(body) > 60_000 {
				w.Header().Set("X-Received", strings.Repeat("x", header))
			}
			w.WriteHeader(http.StatusNoContent)
		}))
		defer server.Close()
		c := config(server.URL)
		c.Only = regexp.MustCompile(only)
		return probed(c)
	}

	DescribeTable("headers of answers", func(size int, verdict reports.Verdict, words string) {
		r := answering(size, "^(message/profile/audiences-250|answer/headers)$")
		k := caseOf(r, "answer/headers").Checks[0]
		Expect(k.Verdict).To(Equal(verdict))
		Expect(k.Title + ": " + k.Actual).To(ContainSubstring(words))
		Expect(failed(r)).To(BeEmpty())
	},
		Entry("small ones pass", 10, reports.Pass, "bytes at most"),
		Entry("those that most servers accept pass", 8000, reports.Pass, "bytes at most"),
		Entry("larger ones are worth knowing", 20_000, reports.Unspecified, "headers of 200"),
	)

	It("fails the answer, and not the form of the message", func() {
		r := answering(64<<10, "^message/profile/audiences-250$")
		Expect(failed(r)).To(Equal([]string{"rcv-2xx"}))
		k := caseOf(r, "message/profile/audiences-250").Checks[0]
		Expect(k).To(And(HaveField("Class", "unreadable"), HaveField("Actual", ContainSubstring("headers of more than 64 kB")), HaveField("Fix", ContainSubstring("shorter headers"))))
	})

	It("says so of a body of more than a megabyte", func() {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body)
			_, _ = io.WriteString(w, strings.Repeat("x", 1<<20+1))
		}))
		defer server.Close()
		c := config(server.URL)
		c.Only = regexp.MustCompile("^message/plain$")
		r := probed(c)
		k := caseOf(r, "message/plain").Checks[0]
		Expect(k).To(And(HaveField("Rule", "rcv-2xx"), HaveField("Class", "unreadable"), HaveField("Actual", ContainSubstring("a body of more than a megabyte")), HaveField("Fix", ContainSubstring("without a body"))))
	})

	It("quotes what came instead of a response, as the transport reports it", func() {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, "220 mail ready\r\n")
				_ = conn.Close()
			}
		}))
		defer server.Close()
		c := config(server.URL)
		c.Only = regexp.MustCompile("^message/plain$")
		k := caseOf(probed(c), "message/plain").Checks[0]
		Expect(k).To(And(HaveField("Class", "unreadable"), HaveField("Actual", ContainSubstring(`malformed HTTP status code "mail"`))))
	})
})
