package witness

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint"
)

// certificates are everything that the two ends of a connection need: as
// values, and as PEM files for programs.
type certificates struct {
	dir       string
	server    tls.Certificate // for localhost and 127.0.0.1
	roots     *x509.CertPool  // that it comes from
	client    tls.Certificate
	clientCAs *x509.CertPool
	stranger  tls.Certificate // a client's, of an authority that nobody trusts
}

// newCertificates makes them, the client's by one of the two hierarchies. The
// files are ca.pem, server.pem, server-key.pem, client-ca.pem, client.pem,
// client-key.pem, stranger.pem and stranger-key.pem.
func newCertificates(g mockendpoint.Generation) *certificates {
	GinkgoHelper()
	c := &certificates{dir: GinkgoT().TempDir()}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	servers, err := mockendpoint.NewAuthority("test server CA", from, to)
	Expect(err).NotTo(HaveOccurred())
	c.server, err = servers.Server("localhost", "127.0.0.1")
	Expect(err).NotTo(HaveOccurred())
	c.roots = servers.Pool()
	c.write("ca.pem", c.server.Certificate[1])
	c.pair("server", c.server)

	trusted, err := mockendpoint.NewHierarchy(g, from, to)
	Expect(err).NotTo(HaveOccurred())
	c.client, err = trusted.Client("destination.test", "client.destination.test")
	Expect(err).NotTo(HaveOccurred())
	c.clientCAs = trusted.Pool()
	Expect(os.WriteFile(c.file("client-ca.pem"), lastBlock(trusted.Chain()), 0o600)).To(Succeed())
	c.pair("client", c.client)

	other, err := mockendpoint.NewHierarchy(g, from, to)
	Expect(err).NotTo(HaveOccurred())
	c.stranger, err = other.Client("destination.test", "client.destination.test")
	Expect(err).NotTo(HaveOccurred())
	c.pair("stranger", c.stranger)
	return c
}

// lastBlock is the root of a chain: what an endpoint is told to trust. The
// intermediate must come from the client.
func lastBlock(chain []byte) []byte {
	GinkgoHelper()
	first, rest := pem.Decode(chain)
	Expect(first).NotTo(BeNil())
	root, rest := pem.Decode(rest)
	Expect(rest).To(BeEmpty(), "a chain of two")
	return pem.EncodeToMemory(root)
}

func (c *certificates) file(name string) string { return filepath.Join(c.dir, name) }

func (c *certificates) write(name string, chain ...[]byte) {
	GinkgoHelper()
	var content []byte
	for _, der := range chain {
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	Expect(os.WriteFile(c.file(name), content, 0o600)).To(Succeed())
}

// pair writes a certificate with its chain, and its key.
func (c *certificates) pair(name string, own tls.Certificate) {
	GinkgoHelper()
	c.write(name+".pem", own.Certificate...)
	der, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	Expect(err).NotTo(HaveOccurred())
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	Expect(os.WriteFile(c.file(name+"-key.pem"), key, 0o600)).To(Succeed())
}
