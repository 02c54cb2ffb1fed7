package mockendpoint_test

import (
	"crypto/tls"
	"net/url"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// The token endpoint asks for a client certificate in every mode with TLS and
// takes any or none: a sender that would present its own shows it (R31).
func TestTokenEndpointAsksForACertificate(t *testing.T) {
	for _, mode := range []mockendpoint.Mode{mockendpoint.TLS, mockendpoint.MTLSOptional, mockendpoint.MTLSOnly} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			s := mockendpoint.Start(t, mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mode}, Tokens: token.New(token.Options{ExpiresIn: time.Hour})})
			strangers, err := mockendpoint.NewAuthority("strangers", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			stranger, err := strangers.Client("stranger")
			if err != nil {
				t.Fatal(err)
			}
			for name, own := range map[string]*tls.Certificate{"none": {}, "a trusted one": &s.Certificate, "a stranger's": &stranger} {
				asked := false
				config := &tls.Config{RootCAs: s.CA, MaxVersion: version, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					asked = true
					return own, nil
				}}
				u, err := url.Parse(s.TokenURL)
				if err != nil {
					t.Fatal(err)
				}
				c, err := tls.Dial("tcp", u.Host, config)
				if err != nil {
					t.Errorf("%s, %s presented: %v", mode, name, err)
					continue
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if !asked {
					t.Errorf("%s, %s: the token endpoint did not ask for a certificate", mode, tls.VersionName(version))
				}
			}
		}
	}
}
