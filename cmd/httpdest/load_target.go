package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// loadDefaults is the configuration of a load test without one.
const loadDefaults = `audiences: {customers: {name: Customers}, newsletter: {name: Newsletter}, newcomers: {name: Newcomers}}
destination: {endpoint: "http://127.0.0.1/"}
dataflow:
  audiences: [customers, newsletter]
  maxInFlight: 64
  attributes: [person.name.firstName, personalEmail.address, homeAddress.city, loyalty.points, loyalty.tier]
`

// mockLoadFlags are what the mock endpoint is like under load.
type mockLoadFlags struct {
	tls, latency, errors string
	rate                 float64
}

func (f *mockLoadFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.tls, "mock-tls", "plain", "of mock: plain, tls, mtls-optional or mtls-only")
	s.StringVar(&f.latency, "mock-latency", "", "of mock: answer times, 40ms or 'p50=120ms p95=600ms'")
	s.StringVar(&f.errors, "mock-errors", "0%", "of mock: share answered 503")
	s.Float64Var(&f.rate, "mock-rate", 0, "of mock: requests a second that it takes, a token bucket; what is more is answered 429")
}

// settings checks them.
func (f mockLoadFlags) settings(seed uint64, bearer string) (loadtest.MockSettings, error) {
	s := loadtest.MockSettings{Mode: mockendpoint.Mode(f.tls), Rate: f.rate, Bearer: bearer, Seed: seed}
	switch s.Mode {
	case mockendpoint.Plain, mockendpoint.TLS, mockendpoint.MTLSOptional, mockendpoint.MTLSOnly:
	default:
		return s, failure{exitUsage, fmt.Errorf("--mock-tls %q", f.tls), "give plain, tls, mtls-optional or mtls-only"}
	}
	if !between(0, f.rate, fastest) {
		return s, failure{exitUsage, fmt.Errorf("--mock-rate %v", f.rate), "give requests a second, up to a million"}
	}
	errs, err := loadtest.ParseBetween(f.errors)
	if err != nil {
		return s, usage("--mock-errors", err)
	}
	if s.Errors = errs.Likely; errs.High > 1 {
		return s, failure{exitUsage, fmt.Errorf("--mock-errors %s is more than everything", f.errors), "give a share, such as 5%"}
	}
	if f.latency != "" {
		l, err := loadtest.ParseLatency(f.latency)
		if err != nil {
			return s, usage("--mock-latency", err)
		}
		s.Latency = &l
	}
	return s, nil
}

// loadTarget is a receiver with what is sent to it.
type loadTarget struct {
	name, host string
	address    string         // without the query
	authority  string         // host and port
	roots      *x509.CertPool // that its certificate must come from; nil: the system's
	service    *simulate.Service
	settings   engine.Settings
	wire       *live.Wire
	mock       *loadtest.Mock // nil for a URL
	population *loadtest.Population
}

func (t *loadTarget) close() error {
	t.wire.Close()
	if t.mock == nil {
		return nil
	}
	return t.mock.Close()
}

// configuration is that of --config, or one that maps what is generated.
func (f loadFlags) configuration() (*scenarios.Scenario, error) {
	if f.config == "" {
		sc, err := scenarios.ParseService("load.yaml", []byte(loadDefaults), time.Now().UTC())
		if err != nil {
			panic("httpdest: its own configuration of a load test: " + err.Error())
		}
		return sc, nil
	}
	sc, err := scenarios.LoadService(f.config)
	if err != nil {
		return nil, failure{exitUsage, err, ""}
	}
	return sc, nil
}

// addCredentials adds the flags of what a receiver wants to see, as in probe.
func (f *loadFlags) addCredentials(s *pflag.FlagSet) {
	s.StringVar(&f.bearer, "bearer", "", "bearer token; "+secretForms)
	s.StringVar(&f.headers, "headers", "", "custom headers, header1:value1,header2:value2; "+secretForms)
	s.StringVar(&f.query, "query", "", "query parameters, parameter1=value&parameter2=value; "+secretForms)
	addReceiverFiles(s, &f.cert, &f.key, &f.ca)
}

// addReceiverFiles adds the flags by which a receiver is reached over TLS.
func addReceiverFiles(s *pflag.FlagSet, cert, key, ca *string) {
	s.StringVar(cert, "cert", "", "PEM file of the client certificate and its chain")
	s.StringVar(key, "key", "", "PEM file of its key")
	s.StringVar(ca, "ca", "", "PEM file of the authorities the endpoint's certificate must come from (default: the system's)")
}

// secrets are the flags that may name where a secret is.
func (f *loadFlags) secrets() map[string]*string {
	return map[string]*string{"--bearer": &f.bearer, "--headers": &f.headers, "--query": &f.query}
}

// credentials lays the flags over the configuration.
func (f loadFlags) credentials(d *scenarios.Destination) {
	if f.bearer != "" {
		d.Auth = scenarios.Auth{Type: "bearer", Token: scenarios.Secret(f.bearer)}
	}
	if f.headers != "" {
		d.Headers = f.headers
	}
	if f.query != "" {
		d.QueryParameters = f.query
	}
}

// target makes everything ready to send.
func (f loadFlags) target(to string) (t *loadTarget, err error) {
	sc, err := f.configuration()
	if err != nil {
		return nil, err
	}
	if sc.Flows != nil && !f.engine.several() {
		return nil, failure{exitUsage, fmt.Errorf("%s has several dataflows, and a load of a receiver is sent by one", f.config),
			"write destination and dataflow in the file; or give mock and --through-engine, where each dataflow has a mock of its own"}
	}
	return f.targetOf(sc.Split()[0], to)
}

// targetOf makes everything ready to send by one dataflow.
func (f loadFlags) targetOf(sc *scenarios.Scenario, to string) (t *loadTarget, err error) {
	sc.Seed = f.seed
	f.credentials(&sc.Destination)
	t = &loadTarget{name: to}
	if to == "mock" {
		s, err := f.mock.settings(f.seed, sc.Destination.Auth.Token.Reveal())
		if err != nil {
			return nil, err
		}
		if t.mock, err = loadtest.StartMock(s); err != nil {
			return nil, failure{exitUnjudged, err, ""}
		}
		to = t.mock.URL
		defer func() {
			if err != nil {
				err = errors.Join(err, t.mock.Close())
			}
		}()
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		shown := fmt.Sprintf("%q", to)
		if strings.ContainsAny(to, "@?") {
			shown = "that" // there may be a password or a key in it
		}
		return nil, failure{exitUsage, fmt.Errorf("%s is not the URL of a receiver", shown), "give http://… or https://…, without a password, or mock"}
	}
	t.address = u.Scheme + "://" + u.Host + u.Path // a query may hold a key
	if t.host, t.authority = u.Hostname(), u.Host; t.mock == nil {
		t.name = t.address
	}
	sc.Destination.Endpoint = to
	if t.service, err = simulate.NewService(sc, time.Now().UTC()); err != nil {
		return nil, failure{exitUsage, err, "fix the configuration"}
	}
	return t, errors.Join(f.open(t), f.populate(t, sc))
}

// open takes the wire.
func (f loadFlags) open(t *loadTarget) error {
	sender := delivery.Config{Destination: t.service.Flow.Flow.Destination, UserAgent: "httpdest/" + version(), Transport: delivery.Blocking}
	if err := (serveFlags{cert: f.cert, key: f.key, ca: f.ca}).certificates(&sender); err != nil {
		return failure{exitUsage, fmt.Errorf("certificates: %w", err), "give PEM files: --cert and --key together, --ca alone"}
	}
	if t.mock != nil {
		sender.Roots, sender.Certificate = t.mock.Roots, t.mock.Certificate
	} else if err := trustsSomebody(sender, f.ca); err != nil {
		return err
	}
	d := delivery.New(sender)
	t.wire, t.roots = live.NewWire(d), sender.Roots
	t.settings = t.service.SettingsFor(d.Encrypted(), d.HasCertificate())
	if f.engine.sockets > 0 {
		t.settings.MaxInFlight = f.engine.sockets
	}
	return nil
}

// populate makes profiles and updates.
func (f loadFlags) populate(t *loadTarget, sc *scenarios.Scenario) (err error) {
	mix := loadtest.DefaultMix()
	if f.mix != "" {
		if mix, err = loadtest.ParseMix(f.mix); err != nil {
			return usage("--mix", err)
		}
	}
	sizes := map[profile.AudienceRef]float64{}
	for _, x := range strings.Fields(f.sizes) {
		key, text, _ := strings.Cut(x, "=")
		ref, known := t.service.Audience(key)
		share, err := loadtest.ParseBetween(text)
		if !known || err != nil || share.High > 1 {
			return failure{exitUsage, fmt.Errorf("--sizes: %q is not an audience with its share", x), "write 'customers=100% newsletter=20%', by the keys of the configuration"}
		}
		sizes[ref] = share.Likely
	}
	t.population = loadtest.NewPopulation(loadtest.Population{Flow: t.service.Flow, Profiles: f.profiles, Sizes: sizes, Mix: mix, Seed: sc.Seed, Shard: f.part})
	return nil
}

// bodies is how many different messages are sent by turns.
const bodies = 2000

// attack is the load on the receiver alone.
func (t *loadTarget) attack(p loadtest.Pace, f loadFlags, objectives []loadtest.Objective) (a loadtest.Attack, err error) {
	a = loadtest.Attack{Pace: p, Workers: f.workers, Settings: t.settings, Perform: t.wire.Perform, To: t.name, Objectives: objectives,
		Messages: t.population.Messages(int(min(bodies, p.Total())), t.settings.Batching)}
	if f.vegeta.targets != "" {
		if a.Messages, err = f.vegeta.messages(t.address, f.part); err != nil {
			return a, err
		}
	}
	if a.ReadBack, err = f.readBackFrom(t); err != nil {
		return a, err
	}
	if t.mock != nil {
		a.Note = "the receiver is in the same process, and its CPU time with it"
	}
	if len(a.Messages) == 0 {
		return a, failure{exitUsage, errors.New("none of the updates leads to an export"), "map an attribute or an audience that the profiles have, or give larger --sizes"}
	}
	return a, nil
}
