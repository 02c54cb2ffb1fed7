package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/internal/pemfile"
	"github.com/httpdest/httpdest/mockendpoint"
)

// certificateFiles are where the certificates of a server come from, or go to.
type certificateFiles struct {
	certificate, key, clientCA, dir string
	prefix                          string // of the flags of the first two
}

// add adds the flags. The certificate of a proxy's listeners has a prefix, as the
// other one is for its receiver.
func (f *certificateFiles) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.certificate, f.prefix+"cert", "", "PEM file of the server certificate and its chain")
	flags.StringVar(&f.key, f.prefix+"key", "", "PEM file of its key")
	flags.StringVar(&f.clientCA, "client-ca", "", "PEM file of what client certificates must come from")
	flags.StringVar(&f.dir, "ca-dir", "", "folder to write ca.pem, client.pem and client-key.pem to: a throwaway CA for the client")
}

// pair names the flags of certificate and key.
func (f certificateFiles) pair() (certificate, key string) {
	return "--" + f.prefix + "cert", "--" + f.prefix + "key"
}

// load reads the certificate of a server and what its clients' must come from,
// or makes throwaway ones for localhost and the hosts it listens on.
func (f certificateFiles) load(modes map[mockendpoint.Mode]bool, hosts []string) (k endpointKeys, err error) {
	given := cmp.Or(f.certificate, f.key, f.clientCA) != ""
	certificate, key := f.pair()
	wanted := modes[mockendpoint.MTLSOptional] || modes[mockendpoint.MTLSOnly]
	switch {
	case len(modes) == 1 && modes[mockendpoint.Plain] && (given || f.dir != ""):
		return k, failure{exitUsage, errors.New("an endpoint without TLS has no certificates"), "leave " + certificate + ", " + key + ", --client-ca and --ca-dir out, or give another --tls"}
	case len(modes) == 1 && modes[mockendpoint.Plain]:
		return k, nil
	case given && f.dir != "":
		return k, failure{exitUsage, errors.New("--ca-dir makes its own certificates"), "leave " + certificate + ", " + key + " and --client-ca out, or --ca-dir"}
	case (f.certificate == "") != (f.key == ""):
		return k, failure{exitUsage, fmt.Errorf("%s and %s belong together", certificate, key), "give both"}
	case wanted && f.clientCA == "" && f.dir == "":
		return k, failure{exitUsage, errors.New("client certificates are asked for, and no client could have one to trust"), "give --client-ca FILE, or --ca-dir DIR for a throwaway one"}
	}
	k, err = f.throwaway(hosts)
	if err == nil && f.certificate != "" {
		var own tls.Certificate
		own, err = pemfile.Pair(f.certificate, f.key)
		k.own = &own
	}
	if err == nil && f.clientCA != "" {
		k.clients, err = pemfile.Pool(f.clientCA)
	}
	if err != nil {
		return k, failure{exitUsage, fmt.Errorf("certificates: %w", err), "give PEM files"}
	}
	return k, nil
}

// inForce reports whether a certificate is valid at a time, and when it is.
func inForce(file string, own tls.Certificate, now time.Time) error {
	leaf, err := x509.ParseCertificate(own.Certificate[0])
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	case now.After(leaf.NotAfter):
		return fmt.Errorf("%s expired on %s", file, leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%s is not valid before %s", file, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// warnIncomplete warns of a certificate whose file lacks the issuer: peers that do
// not know the intermediate refuse it.
func warnIncomplete(w io.Writer, certificate, key string) {
	if certificate == "" {
		return
	}
	own, err := pemfile.Pair(certificate, key) // what is wrong with it was said
	if err == nil && pemfile.Incomplete(own) {
		fmt.Fprintf(w, "httpdest: warning: %s holds a certificate without its issuer: append the intermediate, or peers may refuse it\n", certificate)
	}
}

// throwaway makes an authority for the server and one for the clients, and
// writes what a client needs where a folder is given. They are older than any
// certificate that is to have expired.
func (f certificateFiles) throwaway(hosts []string) (k endpointKeys, err error) {
	from, to := time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0)
	if k.servers, err = mockendpoint.NewAuthority("httpdest throwaway server CA", from, to); err != nil {
		return k, err
	}
	issuer, err := mockendpoint.NewAuthority("httpdest throwaway client CA", from, to)
	if err != nil {
		return k, err
	}
	k.clients, k.hosts = issuer.Pool(), []string{"localhost", "127.0.0.1", "::1"}
	for _, host := range hosts {
		if host != "" && !slices.Contains(k.hosts, host) {
			k.hosts = append(k.hosts, host)
		}
	}
	if f.dir == "" {
		return k, nil
	}
	proper, err := k.servers.Server(k.hosts...)
	if err != nil {
		return k, err
	}
	client, err := issuer.Client("httpdest throwaway client", "client.test")
	if err != nil {
		return k, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		return k, err
	}
	return k, f.write(proper.Certificate[1], client.Certificate[0], key)
}

// write leaves the files for a client in the folder. Nobody else may read the
// key.
func (f certificateFiles) write(authority, client, key []byte) error {
	if err := os.MkdirAll(f.dir, private); err != nil {
		return err
	}
	for _, file := range []struct {
		name, kind string
		content    []byte
		mode       os.FileMode
	}{
		{"ca.pem", "CERTIFICATE", authority, 0o644},
		{"client.pem", "CERTIFICATE", client, 0o644},
		{"client-key.pem", "PRIVATE KEY", key, 0o600},
	} {
		path := filepath.Join(f.dir, file.name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.content}), file.mode); err != nil {
			return err
		}
	}
	return nil
}
