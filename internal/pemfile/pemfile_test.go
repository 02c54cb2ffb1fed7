package pemfile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The error for a file that is not PEM names its format and how to convert it.
func TestProblem(t *testing.T) {
	block := func(kind string, headers map[string]string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: []byte("x")}))
	}
	for _, tt := range []struct{ name, content, want string }{
		{"empty", "", "is empty"},
		{"white space", " \n\t", "is empty"},
		{"text", "hello", "is not a PEM file"},
		{"PKCS#8 encrypted", block("ENCRYPTED PRIVATE KEY", nil), "is encrypted"},
		{"encrypted as OpenSSL did", block("RSA PRIVATE KEY", map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}), "is encrypted"},
		{"a certificate before an encrypted key", block("CERTIFICATE", nil) + block("ENCRYPTED PRIVATE KEY", nil), "is encrypted"},
		{"PKCS#12", "\x30\x82\x01\x00\x02\x01\x03\x30\x0b" + string(pkcs12), "is PKCS#12"},
		{"DER", "\x30\x82\x01\x00\x02\x01", "is DER"},
		{"a certificate", block("CERTIFICATE", nil), ""},
	} {
		err := Problem([]byte(tt.content))
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}

func TestPairNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	certificate, key := filepath.Join(dir, "a.pem"), filepath.Join(dir, "a-key.pem")
	for file, content := range map[string]string{certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), key: ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Pair(certificate, key); err == nil || err.Error() != key+" is empty" {
		t.Errorf("%v", err)
	}
	if _, err := Pool(certificate); err == nil {
		t.Error("no certificate is a pool")
	}
	if _, err := Pair(filepath.Join(dir, "none"), key); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func TestIncomplete(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := func(subject, issuer string) []byte {
		of := func(name string) *x509.Certificate {
			return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
		}
		der, err := x509.CreateCertificate(rand.Reader, of(subject), of(issuer), &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	leaf, root := made("leaf", "root"), made("root", "root")
	for _, tt := range []struct {
		chain [][]byte
		want  bool
	}{{[][]byte{leaf}, true}, {[][]byte{leaf, root}, false}, {[][]byte{root}, false}, {nil, false}} {
		if got := Incomplete(tls.Certificate{Certificate: tt.chain}); got != tt.want {
			t.Errorf("%d certificates: %t; want %t", len(tt.chain), got, tt.want)
		}
	}
}
