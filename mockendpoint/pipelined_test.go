package mockendpoint_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Bytes that a client sends at once", func() {
	// journalled sends the bytes in one write and returns what was journalled.
	journalled := func(sent string, answers int, change func(*mockendpoint.Options)) []journal.Request {
		s := serve(mockendpoint.Plain, change)
		conn, err := net.Dial("tcp", s.address)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(conn.Close()).To(Succeed()) }()
		_, err = io.WriteString(conn, sent)
		Expect(err).NotTo(HaveOccurred())
		in := bufio.NewReader(conn)
		for range answers {
			r, err := http.ReadResponse(in, nil)
			Expect(err).NotTo(HaveOccurred())
			_, err = io.Copy(io.Discard, r.Body)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(s.journal.Requests()).To(HaveLen(answers))
		return s.journal.Requests()
	}

	It("keep the headers of each of two pipelined requests", func() {
		one := "POST /one HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}"
		two := "POST /two HTTP/1.1\r\nHost: h\r\nx-two:2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
		requests := journalled(one+two+one, 3, nil)
		Expect(requests[0].Headers).To(Equal([]journal.Header{{Name: "Host", Value: "h"}, {Name: "X-One", Value: "1"}, {Name: "Content-Length", Value: "2"}}))
		Expect(requests[1].Headers).To(Equal([]journal.Header{{Name: "Host", Value: "h"}, {Name: "x-two", Value: "2"}, {Name: "Transfer-Encoding", Value: "chunked"}}))
		Expect(requests[2].Headers).To(Equal(requests[0].Headers))
		Expect(string(requests[1].Head)).To(Equal(two[:strings.Index(two, "2\r\n{}")]))
	})

	It("keep headers behind a long body", func() {
		long := strings.Repeat(" ", 3<<20)
		one := "POST /one HTTP/1.1\r\nHost: h\r\nContent-Length: 3145728\r\n\r\n" + long
		requests := journalled(one+"POST /two HTTP/1.1\r\nHost: h\r\nX-Two: 2\r\nContent-Length: 0\r\n\r\n", 2, nil)
		Expect(requests[1].Headers).To(ContainElement(journal.Header{Name: "X-Two", Value: "2"}))
	})

	It("keep a head whose lines end in a line feed alone", func() {
		sent := "POST /p HTTP/1.1\nHost: h\nX-One: 1\nAuthorization: Bearer s3cret\nContent-Length: 2\n\n{}"
		requests := journalled(sent, 1, func(o *mockendpoint.Options) { o.Bearer = "s3cret" })
		Expect(requests[0].Headers).To(ContainElements(journal.Header{Name: "X-One", Value: "1"}, journal.Header{Name: "Authorization", Value: "Bearer [redacted]"}))
		Expect(requests[0].Authorization).To(Equal(journal.Accepted))
		Expect(string(requests[0].Head)).To(Equal("POST /p HTTP/1.1\nHost: h\nX-One: 1\nAuthorization: Bearer [redacted]\nContent-Length: 2\n\n"))
	})
})
