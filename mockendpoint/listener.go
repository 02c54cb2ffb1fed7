package mockendpoint

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
)

// Listener is the TLS configuration of a listener. The zero value accepts
// connections without TLS.
type Listener struct {
	Name        string // in the journal; may be empty
	Mode        Mode   // "" means Plain
	Certificate tls.Certificate
	ClientCAs   *x509.CertPool // that a client certificate must come from
	// MinVersion and MaxVersion bound the TLS versions, as tls.VersionTLS12; 0
	// means TLS 1.2 and the newest.
	MinVersion, MaxVersion uint16
	CipherSuites           []uint16 // those of TLS 1.2, in any order; nil means Go's secure ones
}

// versions are those that crypto/tls serves, by the number people say.
var versions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// ParseVersion reads a TLS version: 1.0, 1.1, 1.2 or 1.3, or TLSv1.0 and so on.
func ParseVersion(text string) (uint16, error) {
	v, ok := versions[strings.TrimPrefix(text, "TLSv")]
	if !ok {
		return 0, fmt.Errorf("unknown TLS version %q: use 1.0, 1.1, 1.2 or 1.3", text)
	}
	return v, nil
}

// ParseCipherSuites reads names of cipher suites of TLS 1.2, such as
// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256. Those of TLS 1.3 cannot be chosen.
func ParseCipherSuites(names ...string) ([]uint16, error) {
	var out []uint16
	known := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	for _, name := range names {
		i := slices.IndexFunc(known, func(s *tls.CipherSuite) bool { return s.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("unknown cipher suite %q: use any of %s", name, cipherNames())
		case !slices.Contains(known[i].SupportedVersions, tls.VersionTLS12):
			return nil, fmt.Errorf("cipher suite %s belongs to TLS 1.3, whose suites cannot be chosen", name)
		}
		out = append(out, known[i].ID)
	}
	return out, nil
}

// cipherNames are the secure suites of TLS 1.2.
func cipherNames() string {
	var names []string
	for _, s := range tls.CipherSuites() {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ", ")
}

// Check returns why no client could use the listener; nil when one could.
func (l Listener) Check() error {
	low, high := l.MinVersion, l.MaxVersion
	if low == 0 {
		low = tls.VersionTLS12
	}
	if high != 0 && low > high {
		return fmt.Errorf("the lowest TLS version, %s, is above the highest, %s", tls.VersionName(low), tls.VersionName(high))
	}
	if len(l.CipherSuites) > 0 && low == tls.VersionTLS13 {
		return fmt.Errorf("cipher suites can be chosen up to TLS 1.2, and the lowest version is %s", tls.VersionName(low))
	}
	return nil
}

func (l Listener) encrypted() bool { return l.Mode != Plain && l.Mode != "" }

// tlsConfig is that of one connection. The token endpoint asks for a client
// certificate in every mode but insists on none.
func (e *Endpoint) tlsConfig(a arrival) *tls.Config {
	l := a.as
	c := &tls.Config{
		Certificates:           []tls.Certificate{l.Certificate},
		ClientCAs:              l.ClientCAs,
		MinVersion:             l.MinVersion,
		MaxVersion:             l.MaxVersion,
		CipherSuites:           l.CipherSuites,
		NextProtos:             []string{"http/1.1"},
		SessionTicketsDisabled: true, // every handshake is a full one: what it asks for is what is tested
		Time:                   e.options.Now,
	}
	if c.MinVersion == 0 && (c.MaxVersion == 0 || c.MaxVersion >= tls.VersionTLS12) {
		c.MinVersion = tls.VersionTLS12
	}
	if a.tokens {
		c.ClientAuth = tls.RequestClientCert
		return c
	}
	switch l.Mode {
	case MTLSOnly:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	case MTLSOptional:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case Plain, TLS:
		c.ClientAuth = tls.NoClientCert
	}
	return c
}
