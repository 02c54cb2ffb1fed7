package mockendpoint_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("A request that cannot be read", func() {
	const good = "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"

	// refused sends bytes that net/http refuses after some requests it takes.
	refused := func(conn net.Conn, s served, before int, sent string) (answer *http.Response, entry journal.Request) {
		defer func() { Expect(conn.Close()).To(Succeed()) }()
		_, err := io.WriteString(conn, strings.Repeat(good, before)+sent)
		Expect(err).NotTo(HaveOccurred())
		in := bufio.NewReader(conn)
		for range before + 1 {
			answer, err = http.ReadResponse(in, nil)
			Expect(err).NotTo(HaveOccurred())
			_, err = io.Copy(io.Discard, answer.Body)
			Expect(err).NotTo(HaveOccurred())
		}
		requests := s.journal.Requests()
		Expect(requests).To(HaveLen(before + 1))
		return answer, requests[before]
	}

	DescribeTable("is in the journal before the client has the answer",
		func(before int, sent string, status int, reason string) {
			s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) { o.Bearer = "s3cret-t0ken" })
			conn, err := net.Dial("tcp", s.address)
			Expect(err).NotTo(HaveOccurred())
			answer, entry := refused(conn, s, before, sent)
			Expect(answer.StatusCode).To(Equal(status))
			Expect(entry.Status).To(Equal(status))
			Expect(entry.Refused).To(Equal("the request cannot be read: " + reason))
			Expect(entry.Number).To(Equal(before + 1))
			Expect(string(entry.Head)).NotTo(ContainSubstring("s3cret-t0ken"))
			Expect(s.journal.Handshakes()).To(BeEmpty())
		},
		Entry("a request line of one word", 0, "nonsense\r\n\r\n", 400, "Bad Request"),
		Entry("no host", 0, "POST /in HTTP/1.1\r\nX-Key: s3cret-t0ken\r\n\r\n", 400, "missing required Host header"),
		Entry("two hosts", 0, "POST /in HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "Bad Request"),
		Entry("a space in a header's name", 0, "POST /in HTTP/1.1\r\nHost: h\r\nX Key: 1\r\n\r\n", 400, "invalid header name"),
		Entry("a control character in a header's name", 0, "POST /in HTTP/1.1\r\nHost: h\r\nX\x01Key: 1\r\n\r\n", 400, "Bad Request"),
		Entry("a length that is not a number", 0, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: two\r\n\r\n{}", 400, "Bad Request"),
		Entry("two lengths", 0, "POST /in HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 400, "Bad Request"),
		Entry("another coding", 0, "POST /in HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n{}", 501, "Not Implemented"),
		Entry("another protocol", 0, "POST /in HTTP/9.1\r\nHost: h\r\n\r\n", 505, "HTTP Version Not Supported: unsupported protocol version"),
		Entry("another expectation", 0, "POST /in HTTP/1.1\r\nHost: h\r\nExpect: much\r\nContent-Length: 2\r\n\r\n{}", 417, "Expectation Failed"),
		Entry("a head without an end", 0, "POST /in HTTP/1.1\r\nHost: h\r\nX-Long: "+strings.Repeat("x", 1<<20+4096-36), 431, "Request Header Fields Too Large"),
		Entry("one behind two that are answered", 2, "POST /in HTTP/1.1\r\n\r\n", 400, "missing required Host header"),
	)

	It("says what can be told of it", func() {
		s := serve(mockendpoint.TLS, nil)
		conn, err := tls.Dial("tcp", s.address, s.trusting())
		Expect(err).NotTo(HaveOccurred())
		_, entry := refused(conn, s, 0, "PUT /some where HTTP/1.1\r\nX-Key: 1\r\n\r\n")
		Expect(entry.Method).To(Equal("PUT"))
		Expect(entry.Target).To(Equal("/some where"))
		Expect(entry.Proto).To(Equal("HTTP/1.1"))
		Expect(entry.Headers).To(Equal([]journal.Header{{Name: "X-Key", Value: "1"}}))
		Expect(entry.TLS).To(Equal("TLS 1.3"))
	})
})
