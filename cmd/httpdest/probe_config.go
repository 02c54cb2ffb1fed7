package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/internal/pemfile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// configure reads the configuration, the flags over it, and the files that it
// names: what is wrong is said before anything is sent.
func (f probeFlags) configure(cmd *cobra.Command, args []string, getenv func(string) string) (probe.Config, error) {
	p, err := f.read(args)
	if err != nil {
		return probe.Config{}, err
	}
	if err := f.over(p, cmd); err != nil {
		return probe.Config{}, err
	}
	if err := p.Expand(getenv); err != nil {
		return probe.Config{}, failure{exitUsage, err, "export them, or write the values into the file"}
	}
	rules, err := scenarios.Rules()
	if err != nil {
		return probe.Config{}, failure{exitUsage, err, ""}
	}
	c := probe.Config{Destination: simulate.Destination(p.Destination), Audiences: p.Audiences, Expired: dataflow.Secret(p.ExpiredToken.Reveal()),
		Idle: f.idle, Cold: f.cold, State: p.ReadBack, Limits: p.Limits, Load: p.Load, Rules: rules, File: f.config, Version: version()}
	if invalid := dataflow.Errors(c.Destination.Problems()); len(invalid) > 0 {
		return c, failure{exitUsage, dataflow.Invalid(invalid), "fix the configuration"}
	}
	for what, raw := range map[string]string{"the endpoint": p.Destination.Endpoint, "read-back": p.ReadBack.URL} {
		if err := reachable(what, raw); err != nil {
			return c, err
		}
	}
	if p.CA != "" {
		c.CAFile = p.CA
		if c.Roots, err = pemfile.Pool(p.CA); err != nil {
			return c, failure{exitUsage, fmt.Errorf("--ca: %w", err), "give a PEM file of certificates"}
		}
	}
	if p.Certificates != "" && c.Destination.URL().Scheme == "http" {
		return c, failure{exitUsage, errors.New("client certificates and an endpoint in plain http"), "write the endpoint as https://, or leave --certificates out"}
	}
	if p.Certificates != "" {
		c.ClientsDir = p.Certificates
		if c.Clients, err = probe.ReadClients(p.Certificates); err != nil {
			return c, failure{exitUsage, err, "make the folder with httpdest probe --write-certificates DIR"}
		}
	}
	c.ReadBack = probe.NewReadBack(p.ReadBack, c.Roots, c.Clients.Current())
	c.Histories = probe.RandomHistories{Count: f.histories, Seed: f.seed, Play: playsHistory(c)}
	if f.histories > 0 && !cmd.Flags().Changed("requests") && p.Limits.Requests == scenarios.DefaultProbeRequests {
		c.Limits.Requests += f.histories*probe.HistoryRequests + historiesToSpare
	}
	return c, firewallOf(p.Firewall, &c)
}

// read is the probe of the file, or of the URL alone.
func (f probeFlags) read(args []string) (*scenarios.Probe, error) {
	var p *scenarios.Probe
	switch {
	case f.config != "":
		var err error
		if p, err = scenarios.LoadProbe(f.config); err != nil {
			return nil, failure{exitUsage, err, ""}
		}
		if len(args) > 0 {
			p.Destination.Endpoint = args[0]
		}
	case len(args) > 0:
		p = scenarios.NewProbe(args[0])
	case f.print != "":
		p = scenarios.NewProbe("http://127.0.0.1/")
	default:
		return nil, failure{exitUsage, errors.New("nothing to probe"), "give a URL, or --config FILE; httpdest probe --init writes one"}
	}
	return p, nil
}

// stated is the form of --load.
var stated = regexp.MustCompile(`^([0-9]+)/s(?::(.+))?$`)

// over lays the flags over the configuration.
func (f probeFlags) over(p *scenarios.Probe, cmd *cobra.Command) error {
	d := &p.Destination
	given := cmd.Flags().Changed
	if given("bearer") {
		d.Auth = scenarios.Auth{Type: "bearer", Token: scenarios.Secret(f.bearer)}
	}
	for flag, set := range map[string]func(){
		"headers": func() { d.Headers = f.headers }, "query": func() { d.QueryParameters = f.query },
		"ca": func() { p.CA = f.ca }, "certificates": func() { p.Certificates = f.certificates },
		"batch": func() { d.MaxProfilesPerRequest = f.batch },
		"rate":  func() { p.Limits.Rate = f.rate }, "requests": func() { p.Limits.Requests = f.requests }, "burst": func() { p.Limits.Burst = f.burst },
	} {
		if given(flag) {
			set()
		}
	}
	if given("batch") && (f.batch < 2 || f.batch > 10) {
		return failure{exitUsage, fmt.Errorf("--batch %d", f.batch), "give 2 to 10 profiles in a message, or leave it out"}
	}
	if given("read-back") {
		p.ReadBack.URL, p.ReadBack.Command = f.readBack, nil
		if p.ReadBack.Header == "" && d.Auth.Type == "bearer" {
			p.ReadBack.Header = "Authorization: Bearer " + d.Auth.Token
		}
	}
	if given("load") {
		m := stated.FindStringSubmatch(f.load)
		if m == nil {
			return failure{exitUsage, fmt.Errorf("--load %q", f.load), "write a rate and for how long: 10/s:10s"}
		}
		p.Load.Stated = true
		p.Load.Rate, _ = strconv.Atoi(m[1])
		if m[2] != "" {
			d, err := scenarios.ParseDuration(m[2])
			if err != nil {
				return failure{exitUsage, fmt.Errorf("--load: %w", err), "write a rate and for how long: 10/s:10s"}
			}
			p.Load.For = d
		}
	} else {
		p.Load.Rate = min(p.Load.Rate, p.Limits.Rate)
	}
	if given("seed") && f.histories == 0 {
		return failure{exitUsage, errors.New("--seed without --histories"), "give --histories 200, or leave it out"}
	}
	return f.limitsOf(p)
}

// mostHistories bounds --histories.
const mostHistories = 100_000

// historiesToSpare are requests by which a history that fails is made smaller.
const historiesToSpare = 1000

// playsHistory is the command that plays the file of a history once more. Variables of the
// shell stand for what may hold a secret.
func playsHistory(c probe.Config) string {
	words := []string{"httpdest run NAME", `--endpoint "$ENDPOINT"`}
	if c.Destination.Auth.Kind == dataflow.AuthBearer {
		words = append(words, "--bearer '${TOKEN}'")
	}
	if c.State.URL != "" {
		words = append(words, `--read-back "$READ_BACK"`)
	}
	if c.CAFile != "" {
		words = append(words, "--ca "+c.CAFile)
	}
	if c.ClientsDir != "" {
		current := filepath.Join(c.ClientsDir, "current")
		words = append(words, "--cert "+current+".pem", "--key "+current+"-key.pem")
	}
	words = append(words, "--longest-gap 1m")
	if !ours(c.Destination.URL().Hostname()) {
		words = append(words, "--i-own-this-endpoint")
	}
	return strings.Join(words, " ")
}

// limitsOf checks what flags may have made of the limits.
func (f probeFlags) limitsOf(p *scenarios.Probe) error {
	l := p.Limits
	switch {
	case f.histories < 0 || f.histories > mostHistories:
		return failure{exitUsage, fmt.Errorf("--histories %d", f.histories), fmt.Sprintf("give a number from 1 to %d", mostHistories)}
	case f.histories > 0 && !p.ReadBack.Enabled():
		return failure{exitUsage, errors.New("--histories without a read-back"), "give --read-back URL, or readBack in the configuration: a history is judged by what is stored"}
	case l.Rate < 1 || l.Rate > 1000 || l.Burst < 1 || l.Burst > 1000 || l.Requests < 1:
		return failure{exitUsage, errors.New("--rate, --requests and --burst are numbers of requests"), "give a rate and a burst from 1 to 1000; httpdest load is for more"}
	case p.Load.Rate < 1 || p.Load.Rate > l.Rate:
		return failure{exitUsage, fmt.Errorf("a load of %d requests a second with a limit of %d", p.Load.Rate, l.Rate), "raise --rate, or lower --load"}
	case f.idle < 0 || f.cold < 0:
		return failure{exitUsage, errors.New("--idle and --cold must be 0 or more"), "write 65s, or 15m"}
	case p.Load.For < time.Second:
		return failure{exitUsage, fmt.Errorf("a load for %s", p.Load.For), "a rate needs a second or more to be one"}
	}
	return nil
}

// reachable refuses a text that is not a URL to which a request could be sent.
func reachable(what, raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		if port := u.Port(); port == "" {
			return nil
		} else if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 {
			return nil
		}
	}
	return failure{exitUsage, fmt.Errorf("%s has no address to send to", what), "write it as https://host:port/path, with a port from 1 to 65535"}
}

// firewallOf compares the owner's list with the published addresses.
func firewallOf(w scenarios.Firewall, c *probe.Config) error {
	if w.Allow == "" {
		return nil
	}
	published, err := platform.ShippedEgress()
	if err != nil {
		return failure{exitUsage, err, ""}
	}
	list, err := os.Open(w.Allow)
	if err != nil {
		return failure{exitUsage, fmt.Errorf("firewall: %w", err), "give the file with the addresses that the firewall allows"}
	}
	defer func() { _ = list.Close() }()
	if c.Missing, err = probe.ShutOut(list, w.Region, published); err != nil {
		return failure{exitUsage, fmt.Errorf("firewall: %s: %w", w.Allow, err), "a known region, and in the file an address or a CIDR block a line"}
	}
	c.Firewall = w.Region
	return nil
}

// check refuses to send to an address that is not of this machine without its
// owner's word.
func (f probeFlags) check(c probe.Config) error {
	if f.verbose && f.quiet {
		return failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
	}
	switch {
	case f.statement == "":
	case f.implementation.Project == "" || f.implementation.Version == "":
		return failure{exitUsage, errors.New("a statement says what was probed, and in which version"), "give --project NAME and --project-version VERSION"}
	case f.pattern != "":
		return failure{exitUsage, errors.New("a statement is about all cases, and --run selects some"), "leave one of them out"}
	}
	if !f.dryRun && !f.own {
		for _, host := range hostsOf(c) {
			if !ours(host) {
				return failure{exitUsage, fmt.Errorf("%s is not of this machine", host), "probe only what you own; when you do, say so with --i-own-this-endpoint"}
			}
		}
	}
	if f.dryRun || c.Roots != nil {
		return nil
	}
	return trustsSomebody(delivery.Config{Destination: c.Destination}, "")
}

// hostsOf are the hosts that a probe sends to.
func hostsOf(c probe.Config) []string {
	hosts := []string{c.Destination.URL().Hostname()}
	for _, raw := range []string{c.Destination.Auth.TokenURL, c.State.URL} {
		if raw == "" {
			continue
		}
		if u, err := url.Parse(raw); err == nil { // a text that is not a URL was refused
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// ours reports whether a host is this machine.
func ours(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// rawCharacters are those that a URL may not hold as they are (RFC 3986).
const rawCharacters = "{}|\"<>^`\\ "

// unescaped warns of characters in the query that some servers refuse: the
// destination sends them as they are configured.
func unescaped(d dataflow.Destination) string {
	query := d.QueryParameters
	if _, more, ok := strings.Cut(d.Endpoint, "?"); ok {
		query += "&" + more
	}
	if i := strings.IndexAny(query, rawCharacters); i >= 0 {
		return fmt.Sprintf("the query holds %q as it is, which some servers refuse: write %s", query[i:i+1], url.QueryEscape(query[i:i+1]))
	}
	if _, err := url.ParseQuery(strings.ReplaceAll(query, ";", "")); err != nil {
		return "the query has a % that two hexadecimal digits do not follow, which some servers refuse: write %25"
	}
	return ""
}
