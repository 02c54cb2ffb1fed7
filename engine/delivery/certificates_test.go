package delivery

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"

	. "github.com/onsi/gomega"
)

// certificates are server certificates that are wrong in one way each. They
// are made here and not by the mock endpoint, which the engine's tests must
// not need.
type certificates struct {
	roots *x509.CertPool
	ca    *x509.Certificate
	key   *ecdsa.PrivateKey
}

func newCertificates() *certificates {
	c := &certificates{roots: x509.NewCertPool()}
	c.ca, c.key = authority("test CA")
	c.roots.AddCert(c.ca)
	return c
}

func authority(name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	template := template(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	key := newKey()
	return sign(template, template, key, key), key
}

func template(name string) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	Expect(err).NotTo(HaveOccurred())
	return &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	return key
}

func sign(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	Expect(err).NotTo(HaveOccurred())
	out, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// server is the configuration of a server whose certificate change spoils.
func (c *certificates) server(change func(*x509.Certificate)) *tls.Config {
	t := template("receiver")
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	if change != nil {
		change(t)
	}
	key := newKey()
	leaf := sign(t, c.ca, key, c.key)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
}

func (c *certificates) good() *tls.Config { return c.server(nil) }

func (c *certificates) expired() *tls.Config {
	return c.server(func(t *x509.Certificate) { t.NotAfter = time.Now().Add(-time.Minute) })
}

func (c *certificates) early() *tls.Config {
	return c.server(func(t *x509.Certificate) { t.NotBefore = time.Now().Add(time.Minute) })
}

func (c *certificates) otherHost() *tls.Config {
	return c.server(func(t *x509.Certificate) { t.IPAddresses, t.DNSNames = nil, []string{"elsewhere.test"} })
}

func (c *certificates) selfSigned() *tls.Config {
	t, key := template("receiver"), newKey()
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf := sign(t, t, key, key)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}
}

func (c *certificates) unknown() *tls.Config {
	other := &certificates{}
	other.ca, other.key = authority("another CA")
	return other.server(nil)
}

func (c *certificates) old() *tls.Config {
	config := c.server(nil)
	config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	return config
}
