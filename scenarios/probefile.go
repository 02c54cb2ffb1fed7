package scenarios

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Probe is the configuration of a probe of a receiver: the destination block of
// a scenario, and how far the probe may go.
type Probe struct {
	Destination  Destination
	Audiences    []string // ids of audiences that the receiver knows, in the namespace ups; none: made up
	CA           string   // PEM file of what the server's certificate must come from; "": the system's
	Certificates string   // folder of the test hierarchies; "": mTLS is not planned
	ExpiredToken Secret   // an expired one; "" without one to show
	ReadBack     ReadBack
	Firewall     Firewall
	Limits       Limits
	Load         StatedLoad
	Pos          Position
}

// ReadBack is how to read the stored state of a profile; without URL and
// Command it is not read.
type ReadBack struct {
	URL     string        // GET URL/ECID
	Header  Secret        // "Name: value" of that request; "" none
	Command []string      // called with the ECID behind it; prints the state, or nothing
	Within  time.Duration // after an answer the state must be there
	Ignore  []string      // dotted paths of the state that change by themselves
	Pos     Position
}

// Enabled reports whether there is a way to look.
func (b ReadBack) Enabled() bool { return b.URL != "" || len(b.Command) > 0 }

// Firewall is the addresses that the owner's firewall allows (R110).
type Firewall struct {
	Allow  string // file with an address or a CIDR block a line; "": not given
	Region string // of the organisation
}

// Limits are what the probe keeps to, whatever it would like to send.
type Limits struct {
	Rate     int // requests a second, a burst aside
	Requests int // in all
	Burst    int // requests at once
}

// StatedLoad is the rate that the receiver is said to hold.
type StatedLoad struct {
	Rate   int // requests a second
	For    time.Duration
	Stated bool // by the owner; otherwise it is a default
}

// The default limits of a probe: low enough for any receiver that is fit for
// the destination.
const (
	DefaultProbeRate     = 20
	DefaultProbeRequests = 600
	DefaultProbeBurst    = 20
	DefaultLoadRate      = 10
	DefaultLoadFor       = 10 * time.Second
	DefaultReadWithin    = 5 * time.Second
)

// NewProbe is the probe of an endpoint with everything at its default.
func NewProbe(endpoint string) *Probe {
	p := &Probe{Destination: Destination{Name: "probe", Endpoint: endpoint, Auth: Auth{Type: "none"}, Retry: Retry{Policy: "documented"},
		MaxProfilesPerRequest: 1, BatchEncoding: "array", MTLS: "auto"}}
	p.defaults()
	return p
}

func (p *Probe) defaults() {
	p.Limits = Limits{DefaultProbeRate, DefaultProbeRequests, DefaultProbeBurst}
	p.Load = StatedLoad{Rate: DefaultLoadRate, For: DefaultLoadFor}
	p.ReadBack.Within = DefaultReadWithin
}

// LoadProbe reads the configuration of a probe. Files it names are next to it.
// The error is Problems, all of them.
func LoadProbe(file string) (*Probe, error) {
	content, err := contentOf(file)
	if err != nil {
		return nil, err
	}
	p, err := ParseProbe(filepath.ToSlash(file), content)
	if err != nil {
		return nil, err
	}
	for _, name := range []*string{&p.CA, &p.Certificates, &p.Firewall.Allow} {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(file), filepath.FromSlash(*name))
		}
	}
	return p, nil
}

// ParseProbe is LoadProbe for the content of a file.
func ParseProbe(name string, content []byte) (*Probe, error) {
	d := &decoder{file: name}
	root := d.document(content)
	if root == nil {
		return nil, d.result().err()
	}
	r := newReader(d, &Scenario{Pos: d.pos(root)})
	r.configurationUnderTest = true
	p := &Probe{Pos: d.pos(root)}
	p.defaults()
	r.readProbe(root, p)
	if problems := d.result(); len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

func (r *reader) readProbe(root *yaml.Node, p *Probe) {
	o := r.object(root, "a configuration of probe")
	if o == nil {
		return
	}
	destination := o.require("destination", "write destination: {endpoint: https://host/path}")
	p.Destination = r.readDestination(field{value: destination})
	if destination != nil && p.Destination.Endpoint == "mock" {
		r.problem(destination, "write endpoint: https://host/path", "destination has no endpoint to probe")
	}
	if c := p.Destination.ClientCertificate; c != "trusted" {
		r.problem(destination, "leave clientCertificate out: the probe shows all kinds", "clientCertificate: %s is for a mock endpoint", c)
	}
	if len(p.Destination.Readings) > 0 {
		r.problem(destination, "leave readings out: they are choices of the engine and of judge", "readings have no meaning for a probe")
	}
	p.Audiences = r.words(o.take("audiences"), "audiences", r.line)
	p.CA, p.Certificates = o.line("ca"), o.line("certificates")
	p.ExpiredToken, _ = o.secret("expiredToken")
	r.readBack(o.take("readBack"), &p.ReadBack)
	if f := r.object(o.take("firewall"), "firewall"); f != nil {
		p.Firewall = Firewall{r.line(f.require("allow", "name the file with the addresses that the firewall allows"), "allow"), r.line(f.require("region", "VA7, NLD2, …"), "region")}
		f.end()
	}
	r.readLimits(o.take("limits"), o.take("load"), p)
	o.end()
}

func (r *reader) readBack(n *yaml.Node, b *ReadBack) {
	o := r.object(n, "readBack")
	if o == nil {
		return
	}
	b.Pos = r.pos(o.node)
	b.URL = o.line("url")
	b.Header, _ = o.secret("header")
	for i, c := range r.oneOrList(o.take("command")) {
		b.Command = append(b.Command, r.line(c, entry("command", i)))
	}
	if d, ok := o.duration("within"); ok {
		b.Within = d
	}
	b.Ignore = r.words(o.take("ignore"), "ignore", r.line)
	switch {
	case b.URL != "" && len(b.Command) > 0:
		r.problem(o.at("url"), "give one of them", "readBack has a url and a command")
	case !b.Enabled():
		r.problem(o.node, "write url: https://host/state, or command: [./read-back]", "readBack has neither url nor command")
	}
	name, _, colon := strings.Cut(b.Header.Reveal(), ":")
	if b.Header != "" && !variable.MatchString(b.Header.Reveal()) && (!colon || strings.TrimSpace(name) == "") {
		r.problem(o.at("header"), "write \"Name: value\"", "header has no colon")
	}
	o.end()
}

func (r *reader) readLimits(limits, load *yaml.Node, p *Probe) {
	const most = 1_000_000
	if o := r.object(limits, "limits"); o != nil {
		p.Limits.Rate = int(o.integer("rate", 1, 1000, DefaultProbeRate))
		p.Limits.Requests = int(o.integer("requests", 1, most, DefaultProbeRequests))
		p.Limits.Burst = int(o.integer("burst", 1, 1000, DefaultProbeBurst))
		o.end()
	}
	p.Load.Rate = min(p.Load.Rate, p.Limits.Rate)
	if o := r.object(load, "load"); o != nil {
		p.Load.Stated = true
		p.Load.Rate = int(o.integer("rate", 1, 1000, int64(p.Load.Rate)))
		if d, ok := o.duration("for"); ok {
			p.Load.For = d
		}
		if p.Load.Rate > p.Limits.Rate {
			r.problem(o.at("rate"), "raise limits.rate, or lower it", "load: %d requests a second are more than the limit of %d", p.Load.Rate, p.Limits.Rate)
		}
		if p.Load.For < time.Second {
			r.problem(o.at("for"), "write 1s or more", "load: a rate needs at least a second")
		}
		o.end()
	}
}

// variable is a secret that stands in the environment.
var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// secrets are the places of the configuration that hold one.
func (p *Probe) secrets() map[string]*Secret {
	a := &p.Destination.Auth
	return map[string]*Secret{"auth.token": &a.Token, "auth.clientSecret": &a.ClientSecret, "auth.password": &a.Password,
		"expiredToken": &p.ExpiredToken, "readBack.header": &p.ReadBack.Header}
}

// Expand puts the values of variables in the place of secrets that are written
// ${NAME}, so that a file need not hold one. The error names variables that are
// not set.
func (p *Probe) Expand(getenv func(string) string) error {
	var missing []string
	for place, s := range p.secrets() {
		m := variable.FindStringSubmatch(s.Reveal())
		if m == nil {
			continue
		}
		value := getenv(m[1])
		if value == "" {
			missing = append(missing, fmt.Sprintf("%s for %s", m[1], place))
			continue
		}
		*s = Secret(value)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("variables that are not set: %s", strings.Join(missing, ", "))
	}
	return nil
}
