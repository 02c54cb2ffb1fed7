package mockendpoint_test

import (
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("Start", func() {
	post := func(c *http.Client, url string) (int, error) {
		answer, err := c.Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}

	It("gives what a client needs, and takes faults while it serves", func() {
		own := &journal.Memory{}
		mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mockendpoint.MTLSOnly}, Journal: own})
		Expect(post(mock.Client(), mock.URL)).To(Equal(200))
		Expect(mock.Faults.Add(fault.Fault{ID: "f", Status: 503})).To(Succeed())
		Expect(post(mock.Client(), mock.URL)).To(Equal(503))
		Expect(mock.Faults.Remove("f")).To(BeTrue())
		Expect(post(mock.Client(), mock.URL)).To(Equal(200))
		_, err := post(&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: mock.CA}}}, mock.URL)
		Expect(err).To(HaveOccurred())
		Eventually(mock.Journal.Handshakes).Should(HaveLen(1))
		Expect(own.Requests()).To(Equal(mock.Journal.Requests()))
		Expect(mock.TokenURL).To(BeEmpty())
	})

	It("ends with the test", func() {
		t := &test{}
		mock := mockendpoint.Start(t, mockendpoint.Options{})
		Expect(post(mock.Client(), mock.URL)).To(Equal(200))
		t.end()
		_, err := post(mock.Client(), mock.URL)
		Expect(err).To(HaveOccurred())
	})
})
