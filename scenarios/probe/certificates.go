package probe

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/pemfile"
	"github.com/httpdest/httpdest/mockendpoint"
)

// Clients are the client certificates a receiver is shown: two it must let in,
// three it must not. Real ones cannot be had: their keys never leave the
// platform.
type Clients struct{ all map[string]tls.Certificate }

// The certificates, by the names of their files.
var clientKinds = []string{"current", "new", "expired", "untrusted"}

// certificate is one of them; nil without any.
func (c *Clients) certificate(kind string) *tls.Certificate {
	if c == nil {
		return nil
	}
	own := c.all[kind]
	return &own
}

// kindOf is the name of one of them; "" of none.
func (c *Clients) kindOf(own *tls.Certificate) string {
	for _, kind := range clientKinds {
		if c != nil && own != nil && bytes.Equal(c.all[kind].Certificate[0], own.Certificate[0]) {
			return kind
		}
	}
	return ""
}

// Current is that of the current hierarchy; nil without any.
func (c *Clients) Current() *tls.Certificate { return c.certificate("current") }

// clientHost is the SAN of the client certificates.
const clientHost = "httpdest.test"

// WriteClients makes the two hierarchies and the certificates, and leaves them
// in a folder that is not there yet: client-ca.pem is what a receiver must
// trust, current-ca.pem and new-ca.pem are its two halves. They are good for a
// year. Nobody else may read the keys.
func WriteClients(dir string, now time.Time) error {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s already exists", dir)
	}
	from, to := now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	files := map[string][]byte{}
	var chains []byte
	for _, g := range []mockendpoint.Generation{mockendpoint.CurrentHierarchy, mockendpoint.NewerHierarchy} {
		h, err := mockendpoint.NewHierarchy(g, from, to)
		if err != nil {
			return err
		}
		own, err := h.Client("httpdest probe, "+string(g)+" hierarchy", clientHost)
		if err := put(files, string(g), own, err); err != nil {
			return err
		}
		chains = append(chains, h.Chain()...)
		files[string(g)+"-ca.pem"] = h.Chain()
		if g == mockendpoint.CurrentHierarchy {
			own, err := h.ClientValid("httpdest probe, expired", now.AddDate(0, -3, 0), now.AddDate(0, 0, -1), clientHost)
			if err := put(files, "expired", own, err); err != nil {
				return err
			}
		}
	}
	files["client-ca.pem"] = chains
	stranger, err := mockendpoint.NewAuthority("httpdest authority that nobody trusts", from, to)
	if err != nil {
		return err
	}
	own, err := stranger.Client("httpdest probe, untrusted", clientHost)
	if err := put(files, "untrusted", own, err); err != nil {
		return err
	}
	return writeFolder(dir, files)
}

// put adds a certificate with its chain, and its key.
func put(files map[string][]byte, name string, own tls.Certificate, err error) error {
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		return err
	}
	var chain []byte
	for _, der := range own.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	files[name+".pem"] = chain
	files[name+"-key.pem"] = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	return nil
}

// writeFolder makes a folder with files, whole or not at all.
func writeFolder(dir string, files map[string][]byte) error {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(parent, ".certificates-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }() // gone already when all went well
	if err := os.Chmod(temporary, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, "-key.pem") {
			mode = 0o600
		}
		if err := os.WriteFile(filepath.Join(temporary, name), content, mode); err != nil {
			return err
		}
	}
	return os.Rename(temporary, dir)
}

// ReadClients reads what WriteClients left.
func ReadClients(dir string) (*Clients, error) {
	c := &Clients{map[string]tls.Certificate{}}
	for _, kind := range clientKinds {
		own, err := pemfile.Pair(filepath.Join(dir, kind+".pem"), filepath.Join(dir, kind+"-key.pem"))
		if err != nil {
			return nil, fmt.Errorf("client certificates: %w", err)
		}
		c.all[kind] = own
	}
	leaf, err := x509.ParseCertificate(c.all["current"].Certificate[0])
	if err != nil {
		return nil, err
	}
	if time.Now().After(leaf.NotAfter) {
		return nil, fmt.Errorf("the certificates in %s expired on %s", dir, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return c, nil
}
