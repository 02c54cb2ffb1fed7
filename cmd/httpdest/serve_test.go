package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
)

// clientFiles writes NAME.pem and NAME-key.pem.
func clientFiles(t *testing.T, dir, name string, own tls.Certificate) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})))
	write(t, filepath.Join(dir, name+"-key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// A certificate that serves for nothing is refused at the start, with the file
// and what is wrong with it, and not found out by failed attempts.
func TestServeRefusesBadCertificates(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	a, err := mockendpoint.NewAuthority("test client CA", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for name, life := range map[string][2]time.Time{
		"good":    {now.Add(-time.Hour), now.Add(time.Hour)},
		"other":   {now.Add(-time.Hour), now.Add(time.Hour)},
		"expired": {now.Add(-2 * time.Hour), now.Add(-time.Hour)},
		"early":   {now.Add(time.Hour), now.Add(2 * time.Hour)},
	} {
		own, err := a.ClientValid("client", life[0], life[1], "client.test")
		if err != nil {
			t.Fatal(err)
		}
		clientFiles(t, dir, name, own)
	}
	write(t, filepath.Join(dir, "garbage.pem"), "\x00\x01 garbage")
	write(t, filepath.Join(dir, "hollow.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	write(t, filepath.Join(dir, "serve.yaml"), "audiences: {a: {}}\ndestination: {name: crm, endpoint: \"https://receiver.test/\"}\ndataflow: {audiences: [a]}\n")

	for name, c := range map[string]struct{ cert, key, ca, want string }{
		"no certificate file":          {"nowhere.pem", "good-key.pem", "", "nowhere.pem: no such file"},
		"no key file":                  {"good.pem", "nowhere.pem", "", "nowhere.pem: no such file"},
		"a certificate alone":          {"good.pem", "", "", "a certificate without its key"},
		"the key of another":           {"good.pem", "other-key.pem", "", "other-key.pem: tls: private key does not match public key"},
		"a certificate of garbage":     {"garbage.pem", "good-key.pem", "", "garbage.pem is not a PEM file"},
		"a key of garbage":             {"good.pem", "garbage.pem", "", "garbage.pem is not a PEM file"},
		"a certificate that is none":   {"hollow.pem", "good-key.pem", "", "hollow.pem with the key"},
		"the two the wrong way round":  {"good-key.pem", "good.pem", "", "good-key.pem with the key"},
		"a certificate that expired":   {"expired.pem", "expired-key.pem", "", "expired.pem expired on " + now.Add(-time.Hour).UTC().Format("2006-01-02")},
		"one that is not valid yet":    {"early.pem", "early-key.pem", "", "early.pem is not valid before "},
		"no file of authorities":       {"good.pem", "good-key.pem", "nowhere.pem", "nowhere.pem: no such file"},
		"authorities that are garbage": {"good.pem", "good-key.pem", "garbage.pem", "garbage.pem is not a PEM file"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"serve", "--config", filepath.Join(dir, "serve.yaml"), "--data", filepath.Join(dir, "data")}
			for flag, file := range map[string]string{"--cert": c.cert, "--key": c.key, "--ca": c.ca} {
				if file != "" {
					args = append(args, flag, filepath.Join(dir, file))
				}
			}
			var stdout, stderr bytes.Buffer
			if got := run(context.Background(), args, &stdout, &stderr, func(string) string { return "" }); got != exitUsage {
				t.Errorf("exit status %d; want %d", got, exitUsage)
			}
			if said := stderr.String(); !strings.Contains(said, "certificates: ") || !strings.Contains(said, c.want) || !strings.Contains(said, "hint: give PEM files") {
				t.Errorf("stderr = %q; want %q and a hint", said, c.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout = %q; it must not listen", stdout.String())
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("it made a store")
			}
		})
	}
}
