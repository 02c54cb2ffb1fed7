package mockendpoint

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// Generation is one of the two hierarchies that the sender's client certificate
// comes from. While the platform moves from one to the other, an endpoint must
// trust the roots of both.
type Generation string

// The current certificates serve for servers and clients; the new ones for
// clients only, which an endpoint that asks for more refuses.
const (
	CurrentHierarchy Generation = "current"
	NewerHierarchy   Generation = "new"
)

// Hierarchy is a throwaway root with an intermediate authority below it, built
// like the real one of its generation.
type Hierarchy struct {
	Generation   Generation
	root         *Authority
	intermediate *Authority
	uses         []x509.ExtKeyUsage
}

// NewHierarchy makes a hierarchy of a generation, valid from notBefore to
// notAfter.
func NewHierarchy(g Generation, notBefore, notAfter time.Time) (*Hierarchy, error) {
	h := &Hierarchy{Generation: g, uses: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	switch g {
	case CurrentHierarchy:
		h.uses = append(h.uses, x509.ExtKeyUsageServerAuth)
	case NewerHierarchy:
	default:
		return nil, fmt.Errorf("unknown hierarchy %q: use %s or %s", g, CurrentHierarchy, NewerHierarchy)
	}
	var err error
	if h.root, err = NewAuthority(fmt.Sprintf("httpdest test root, %s hierarchy", g), notBefore, notAfter); err != nil {
		return nil, err
	}
	h.intermediate, err = h.root.below(fmt.Sprintf("httpdest test intermediate, %s hierarchy", g), h.uses)
	return h, err
}

// Client issues a client certificate that is sent with its intermediate.
func (h *Hierarchy) Client(commonName string, hosts ...string) (tls.Certificate, error) {
	return h.intermediate.sign(h.intermediate.leaf(commonName, hosts, h.uses...))
}

// ClientValid is Client for a certificate with a life of its own.
func (h *Hierarchy) ClientValid(commonName string, notBefore, notAfter time.Time, hosts ...string) (tls.Certificate, error) {
	template := h.intermediate.leaf(commonName, hosts, h.uses...)
	template.NotBefore, template.NotAfter = notBefore, notAfter
	return h.intermediate.sign(template)
}

// Pool trusts the root, as an endpoint should.
func (h *Hierarchy) Pool() *x509.CertPool { return h.root.Pool() }

// Chain is the intermediate and the root in PEM, what `openssl verify -CAfile`
// takes.
func (h *Hierarchy) Chain() []byte {
	var out []byte
	for _, a := range []*Authority{h.intermediate, h.root} {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})...)
	}
	return out
}
