package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/mockendpoint"
)

// listenFlags say where the mock endpoint listens, and how.
type listenFlags struct {
	listen      []string // ADDRESS, or MODE://ADDRESS?setting=…
	tls         string   // mode of listeners without one of their own
	certificate string
	minTLS      string
	maxTLS      string
	ciphers     []string
}

func (f *listenFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.listen, "listen", []string{"127.0.0.1:0"}, "address and port, port 0 takes a free one; or MODE://ADDRESS, with ?certificate=, min=, max=, ciphers= and name=; repeat it for more listeners on one journal")
	flags.StringVar(&f.tls, "tls", "", "plain, tls, mtls-optional or mtls-only (default: that of the scenario, or tls)")
	flags.StringVar(&f.certificate, "certificate", "", "what is wrong with the certificate of the server: expired, not-yet-valid, wrong-host, unknown-ca, self-signed, missing-intermediate (default: nothing)")
	flags.StringVar(&f.minTLS, "min-tls", "", "lowest TLS version: 1.0 to 1.3 (default 1.2)")
	flags.StringVar(&f.maxTLS, "max-tls", "", "highest TLS version (default: the newest)")
	flags.StringSliceVar(&f.ciphers, "ciphers", nil, "cipher suites of TLS 1.2, by name and separated by commas (default: all secure ones)")
}

// listening is one listener to be.
type listening struct {
	address string // to listen on
	host    string // of address
	kind    mockendpoint.Presented
	as      mockendpoint.Listener // without certificates
}

// all takes the flags apart; otherwise is what the scenario says, where there is
// one.
func (f listenFlags) all(otherwise mockendpoint.Listener, kind string) ([]listening, error) {
	base := url.Values{}
	for name, value := range map[string]string{"certificate": f.certificate, "min": f.minTLS, "max": f.maxTLS, "ciphers": strings.Join(f.ciphers, ",")} {
		if value != "" {
			base.Set(name, value)
		}
	}
	if kind != "" && kind != string(mockendpoint.Proper) && f.certificate == "" {
		base.Set("certificate", kind)
	}
	if otherwise.Mode == "" {
		otherwise.Mode = mockendpoint.TLS
	}
	if f.tls != "" {
		otherwise.Mode = mockendpoint.Mode(f.tls)
		if !slices.Contains(listenModes, otherwise.Mode) {
			return nil, failure{exitUsage, fmt.Errorf("--tls %q", f.tls), "give plain, tls, mtls-optional or mtls-only"}
		}
	}
	var out []listening
	for _, text := range f.listen {
		l, err := parseListen(text, otherwise, base)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

var listenModes = []mockendpoint.Mode{mockendpoint.Plain, mockendpoint.TLS, mockendpoint.MTLSOptional, mockendpoint.MTLSOnly}

// listenSettings are what the query of a --listen may say.
var listenSettings = []string{"certificate", "min", "max", "ciphers", "name"}

// parseListen reads one --listen; base is what the other flags say.
func parseListen(text string, as mockendpoint.Listener, base url.Values) (listening, error) {
	wrong := func(err error, hint string) (listening, error) {
		return listening{}, failure{exitUsage, fmt.Errorf("--listen %s: %w", text, err), hint}
	}
	const example = "give ADDRESS:PORT, such as 127.0.0.1:8443 or :0, or mtls-only://127.0.0.1:8443?name=strict"
	l := listening{address: text, as: as}
	settings := base
	if mode, rest, ok := strings.Cut(text, "://"); ok {
		address, query, _ := strings.Cut(rest, "?")
		l.address, l.as.Mode = strings.TrimSuffix(address, "/"), mockendpoint.Mode(mode)
		own, err := url.ParseQuery(query)
		if err != nil {
			return wrong(err, example)
		}
		settings = url.Values{}
		for name, values := range base {
			settings[name] = values
		}
		for name, values := range own {
			if !slices.Contains(listenSettings, name) {
				return wrong(fmt.Errorf("no setting %q", name), "there are "+strings.Join(listenSettings, ", "))
			}
			settings[name] = values
		}
	}
	host, _, err := net.SplitHostPort(l.address)
	if err != nil {
		return wrong(err, example)
	}
	l.host = host
	if err := l.settle(settings); err != nil {
		return wrong(err, "")
	}
	return l, nil
}

// settle takes in what the settings of a listener say.
func (l *listening) settle(settings url.Values) (err error) {
	if !slices.Contains(listenModes, l.as.Mode) {
		return fmt.Errorf("unknown mode %q: use plain, tls, mtls-optional or mtls-only", l.as.Mode)
	}
	if l.as.Mode == mockendpoint.Plain {
		for _, name := range []string{"certificate", "min", "max", "ciphers"} {
			if settings.Has(name) {
				return fmt.Errorf("an endpoint without TLS has no %s", name)
			}
		}
	}
	l.as.Name = settings.Get("name")
	if l.kind, err = mockendpoint.ParsePresented(settings.Get("certificate")); err != nil {
		return err
	}
	for name, into := range map[string]*uint16{"min": &l.as.MinVersion, "max": &l.as.MaxVersion} {
		if text := settings.Get(name); text != "" {
			if *into, err = mockendpoint.ParseVersion(text); err != nil {
				return err
			}
		}
	}
	if text := settings.Get("ciphers"); text != "" {
		if l.as.CipherSuites, err = mockendpoint.ParseCipherSuites(strings.Split(text, ",")...); err != nil {
			return err
		}
	}
	return l.as.Check()
}

// certify gives every listener its certificate.
func certify(all []listening, files certificateFiles) error {
	var hosts []string
	modes := map[mockendpoint.Mode]bool{}
	broken := false
	for _, l := range all {
		hosts, modes[l.as.Mode] = append(hosts, l.host), true
		broken = broken || l.kind != mockendpoint.Proper
	}
	keys, err := files.load(modes, hosts)
	if err != nil {
		return err
	}
	if broken && files.certificate != "" {
		certificate, key := files.pair()
		return failure{exitUsage, fmt.Errorf("--certificate cannot be combined with %s", certificate),
			"leave " + certificate + " and " + key + " out: --certificate makes a throwaway certificate with that defect"}
	}
	for i := range all {
		l := &all[i]
		if l.as.Mode == mockendpoint.Plain {
			continue
		}
		l.as.ClientCAs = keys.clients
		if l.as.Certificate, err = keys.server(l.kind); err != nil {
			return err
		}
	}
	return nil
}

// endpointKeys are what the listeners of the endpoint show and trust.
type endpointKeys struct {
	own     *tls.Certificate // of the files; nil: throwaway ones
	servers *mockendpoint.Authority
	hosts   []string
	clients *x509.CertPool
}

func (k endpointKeys) server(kind mockendpoint.Presented) (tls.Certificate, error) {
	if k.own != nil {
		return *k.own, nil
	}
	return k.servers.Present(kind, time.Now(), k.hosts...)
}
