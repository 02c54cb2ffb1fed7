package mockendpoint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority is a throwaway certificate authority: it lives in memory, and
// everything it issues is valid as long as it is.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes an authority with the given common name, valid from
// notBefore to notAfter.
func NewAuthority(name string, notBefore, notAfter time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", name, err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	certificate, err := sign(template, template, key.Public().(*ecdsa.PublicKey), key)
	if err != nil {
		return nil, fmt.Errorf("certificate of authority %s: %w", name, err)
	}
	return &Authority{certificate: certificate, key: key}, nil
}

// Pool trusts the authority.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.certificate)
	return p
}

// Server issues a server certificate for host names and addresses.
func (a *Authority) Server(hosts ...string) (tls.Certificate, error) {
	return a.issue(hosts[0], x509.ExtKeyUsageServerAuth, hosts)
}

// Client issues a client certificate: the SAN is what a receiver should look
// at, the common name what it may show (domain: RFC 2818 deprecates it).
func (a *Authority) Client(commonName string, hosts ...string) (tls.Certificate, error) {
	return a.issue(commonName, x509.ExtKeyUsageClientAuth, hosts)
}

// ClientValid is Client for a certificate with a life of its own.
func (a *Authority) ClientValid(commonName string, notBefore, notAfter time.Time, hosts ...string) (tls.Certificate, error) {
	template := a.leaf(commonName, hosts, x509.ExtKeyUsageClientAuth)
	template.NotBefore, template.NotAfter = notBefore, notAfter
	return a.sign(template)
}

func (a *Authority) issue(name string, use x509.ExtKeyUsage, hosts []string) (tls.Certificate, error) {
	return a.sign(a.leaf(name, hosts, use))
}

// leaf is the content of an end-entity certificate, before it is signed.
func (a *Authority) leaf(name string, hosts []string, uses ...x509.ExtKeyUsage) *x509.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		NotBefore:   a.certificate.NotBefore,
		NotAfter:    a.certificate.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: uses,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return template
}

// sign makes a key and the certificate of the template for it.
func (a *Authority) sign(template *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	leaf, err := sign(template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, a.certificate.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// selfSigned makes a key and a certificate of the template that vouches for
// itself.
func selfSigned(template *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	leaf, err := sign(template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// below makes an authority that this one vouches for, for some uses only.
func (a *Authority) below(name string, uses []x509.ExtKeyUsage) (*Authority, error) {
	template := a.leaf(name, nil, uses...)
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	signed, err := a.sign(template)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate: signed.Leaf, key: signed.PrivateKey.(*ecdsa.PrivateKey)}, nil
}

// sign gives the template a random serial number and signs it.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
