package mockendpoint

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Presented is what is wrong with the certificate that a server presents.
type Presented string

// The certificates a client must refuse, and the one it must not. A client that
// goes on with one of the others would send profiles to anybody.
const (
	Proper              Presented = "proper"
	Expired             Presented = "expired"
	NotYetValid         Presented = "not-yet-valid"
	WrongHost           Presented = "wrong-host"
	UnknownCA           Presented = "unknown-ca"
	SelfSigned          Presented = "self-signed"
	MissingIntermediate Presented = "missing-intermediate"
)

// AllPresented are the kinds, the proper one first.
var AllPresented = []Presented{Proper, Expired, NotYetValid, WrongHost, UnknownCA, SelfSigned, MissingIntermediate}

// ParsePresented reads a kind; "" is the proper one.
func ParsePresented(text string) (Presented, error) {
	if text == "" {
		return Proper, nil
	}
	if p := Presented(text); slices.Contains(AllPresented, p) {
		return p, nil
	}
	names := make([]string, len(AllPresented))
	for i, p := range AllPresented {
		names[i] = string(p)
	}
	return "", fmt.Errorf("unknown certificate %q: use one of %s", text, strings.Join(names, ", "))
}

// otherHost is what the certificate of WrongHost is for.
const otherHost = "another-host.test"

// Present issues a server certificate of a kind for hosts. Its defect holds at
// now, and for at least an hour after.
func (a *Authority) Present(kind Presented, now time.Time, hosts ...string) (tls.Certificate, error) {
	template := a.leaf(hosts[0], hosts, x509.ExtKeyUsageServerAuth)
	switch kind {
	case Proper, "":
		return a.sign(template)
	case Expired:
		template.NotBefore, template.NotAfter = now.AddDate(0, -3, 0), now.AddDate(0, 0, -1)
		return a.sign(template)
	case NotYetValid:
		template.NotBefore, template.NotAfter = now.AddDate(0, 0, 1), now.AddDate(0, 3, 0)
		return a.sign(template)
	case WrongHost:
		return a.Server(otherHost)
	case UnknownCA:
		other, err := NewAuthority("httpdest unknown CA", a.certificate.NotBefore, a.certificate.NotAfter)
		if err != nil {
			return tls.Certificate{}, err
		}
		return other.Server(hosts...)
	case SelfSigned:
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
		return selfSigned(template)
	case MissingIntermediate:
		below, err := a.below("httpdest intermediate that is not sent", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth})
		if err != nil {
			return tls.Certificate{}, err
		}
		own, err := below.Server(hosts...)
		if err == nil {
			own.Certificate = own.Certificate[:1]
		}
		return own, err
	}
	return tls.Certificate{}, fmt.Errorf("unknown certificate %q", kind)
}
