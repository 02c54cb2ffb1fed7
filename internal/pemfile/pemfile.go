// Package pemfile reads certificates and keys from PEM files, and explains in
// plain words what another kind of file is and how to convert it.
package pemfile

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Pair reads a certificate with its chain, and its key. The errors name the
// file.
func Pair(certificate, key string) (tls.Certificate, error) {
	var content [2][]byte
	for i, file := range []string{certificate, key} {
		var err error
		if content[i], err = Read(file); err != nil {
			return tls.Certificate{}, err
		}
	}
	own, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return own, fmt.Errorf("%s with the key %s: %w", certificate, key, err)
	}
	return own, nil
}

// Pool reads authorities.
func Pool(file string) (*x509.CertPool, error) {
	content, err := Read(file)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return p, nil
}

// Read reads a PEM file whose keys are not encrypted.
func Read(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if problem := Problem(content); problem != nil {
		return nil, fmt.Errorf("%s %w", file, problem)
	}
	return content, nil
}

// Problem returns why the content is not a usable PEM file; nil when it is one.
func Problem(content []byte) error {
	if len(bytes.TrimSpace(content)) == 0 {
		return errors.New("is empty")
	}
	found := false
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found = true
		if strings.HasPrefix(block.Type, "ENCRYPTED ") || block.Headers["DEK-Info"] != "" {
			return errors.New("is encrypted: decrypt it with openssl pkey -in FILE -out PLAIN")
		}
	}
	switch {
	case found:
		return nil
	case len(content) > 4 && content[0] == 0x30 && bytes.Contains(content, pkcs12):
		return errors.New("is PKCS#12 and not PEM: convert it with openssl pkcs12 -in FILE -nodes -out PEM")
	case content[0] == 0x30:
		return errors.New("is DER and not PEM: convert it with openssl x509 -inform der -in FILE -out PEM")
	}
	return errors.New("is not a PEM file")
}

// pkcs12 is the object identifier of PKCS#7 data, which every PKCS#12 file has.
var pkcs12 = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01}

// Incomplete reports whether a certificate comes without its issuer, although
// it did not sign itself: peers that do not know the intermediate cannot verify
// it.
func Incomplete(own tls.Certificate) bool {
	if len(own.Certificate) != 1 {
		return false
	}
	leaf, err := x509.ParseCertificate(own.Certificate[0])
	return err == nil && !bytes.Equal(leaf.RawIssuer, leaf.RawSubject)
}
