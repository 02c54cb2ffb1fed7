package mockendpoint_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The two hierarchies of client certificates", func() {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	made := func(g mockendpoint.Generation) (*mockendpoint.Hierarchy, string) {
		GinkgoHelper()
		h, err := mockendpoint.NewHierarchy(g, from, to)
		Expect(err).NotTo(HaveOccurred())
		client, err := h.Client("the sender", "client.test")
		Expect(err).NotTo(HaveOccurred())
		dir := GinkgoT().TempDir()
		leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[0]})
		Expect(os.WriteFile(filepath.Join(dir, "client.pem"), leaf, 0o600)).To(Succeed())
		Expect(os.WriteFile(filepath.Join(dir, "chain.pem"), h.Chain(), 0o600)).To(Succeed())
		return h, dir
	}
	verify := func(chain, client, purpose string) error {
		needs("openssl")
		return exec.Command("openssl", "verify", "-CAfile", filepath.Join(chain, "chain.pem"), "-purpose", purpose, filepath.Join(client, "client.pem")).Run()
	}

	DescribeTable("openssl accepts a certificate for what its generation is for",
		func(g mockendpoint.Generation, asServer bool) {
			_, dir := made(g)
			Expect(verify(dir, dir, "sslclient")).To(Succeed())
			if asServer {
				Expect(verify(dir, dir, "sslserver")).To(Succeed())
			} else {
				Expect(verify(dir, dir, "sslserver")).NotTo(Succeed())
			}
		},
		Entry("current: servers and clients", mockendpoint.CurrentHierarchy, true),
		Entry("new: clients only", mockendpoint.NewerHierarchy, false))

	It("does not accept the one by the chain of the other", func() {
		_, current := made(mockendpoint.CurrentHierarchy)
		_, newer := made(mockendpoint.NewerHierarchy)
		Expect(verify(current, newer, "sslclient")).NotTo(Succeed())
		Expect(verify(newer, current, "sslclient")).NotTo(Succeed())
	})

	DescribeTable("lets an endpoint in that trusts the root",
		func(g mockendpoint.Generation) {
			h, _ := made(g)
			other, _ := made(map[mockendpoint.Generation]mockendpoint.Generation{
				mockendpoint.CurrentHierarchy: mockendpoint.NewerHierarchy, mockendpoint.NewerHierarchy: mockendpoint.CurrentHierarchy}[g])
			s := serve(mockendpoint.MTLSOnly, func(o *mockendpoint.Options) { o.ClientCAs = h.Pool() })
			for file, from := range map[string]*mockendpoint.Hierarchy{"right.pem": h, "wrong.pem": other} {
				client, err := from.Client("the sender", "client.test")
				Expect(err).NotTo(HaveOccurred())
				Expect(client.Leaf.ExtKeyUsage).To(ContainElement(x509.ExtKeyUsageClientAuth))
				s.write(file, client, 0)
				content, err := os.ReadFile(s.file(file))
				Expect(err).NotTo(HaveOccurred())
				content = append(content, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: client.Certificate[1]})...)
				Expect(os.WriteFile(s.file(file), content, 0o600)).To(Succeed())
			}
			status, _ := s.curl(with("--cert", s.file("right.pem"))...)
			Expect(status).To(Equal("200"))
			status, _ = s.curl(with("--cert", s.file("wrong.pem"))...)
			Expect(status).To(Equal("000"))
		},
		Entry("current", mockendpoint.CurrentHierarchy),
		Entry("new", mockendpoint.NewerHierarchy))

	It("knows no third", func() {
		_, err := mockendpoint.NewHierarchy("old", from, to)
		Expect(err).To(MatchError(`unknown hierarchy "old": use current or new`))
	})
})
