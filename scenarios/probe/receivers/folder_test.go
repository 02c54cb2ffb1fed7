package receivers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
)

// writeServers leaves in a folder what receivers present: server.pem, with its
// intermediate; incomplete.pem, the same without; expired.pem; the key of
// each; and server-ca.pem, the roots.
func writeServers(t *testing.T, dir string) {
	t.Helper()
	now := time.Now()
	from, to := now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	hierarchy, err := mockendpoint.NewHierarchy(mockendpoint.CurrentHierarchy, from, to) // is for servers as well
	check(t, err)
	server, err := hierarchy.Client("receiver.test", "127.0.0.1", "localhost")
	check(t, err)
	writePair(t, dir, "server", server)
	incomplete := server
	incomplete.Certificate = server.Certificate[:1]
	writePair(t, dir, "incomplete", incomplete)

	authority, err := mockendpoint.NewAuthority("receiver test authority", from, to)
	check(t, err)
	expired, err := authority.Present(mockendpoint.Expired, now, "127.0.0.1", "localhost")
	check(t, err)
	writePair(t, dir, "expired", expired)

	_, root := pem.Decode(hierarchy.Chain()) // the intermediate comes first
	write(t, filepath.Join(dir, "server-ca.pem"), slices.Concat(root, certificates(expired.Certificate[1])))
}

// writePair leaves a certificate with its chain, and its key.
func writePair(t *testing.T, dir, name string, own tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	check(t, err)
	write(t, filepath.Join(dir, name+".pem"), certificates(own.Certificate...))
	write(t, filepath.Join(dir, name+"-key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
}

func certificates(chain ...[]byte) []byte {
	var out []byte
	for _, der := range chain {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	check(t, os.WriteFile(path, content, 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
