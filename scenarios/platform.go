package scenarios

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Platform is what the platform itself offers to the owner of an endpoint.
type Platform struct {
	Certificates []Certificate // at least one; the first is the destination's own
	Pos          Position
}

// Certificate is a client certificate of the platform in the first period of
// its life. It is reissued for periods of the same length (R133).
type Certificate struct {
	CommonName string
	SAN        []string // host names
	Issued     time.Time
	Expires    time.Time
	Pos        Position
}

// Lookup is one request to the platform.
type Lookup struct {
	What    string   // public-certificate, egress-addresses
	Page    string   // "" leaves the parameter out; as it is sent, so that it may be wrong
	Limit   string   // the same
	Without []string // headers that the request lacks
	Region  string   // egress-addresses
	Address string   // egress-addresses
}

// LookedUp is what a lookup must have given; nil and false mean not checked.
type LookedUp struct {
	What         string
	Status       int
	Total, Count *int64
	Certificates []ExpectedCertificate // exactly those of the page, in its order
	HasResults   bool                  // `certificates:` was given: [] is an empty list
	Links        []string              // exactly these: next, prev, page
	HasLinks     bool
	Allowed      *bool
}

// ExpectedCertificate is one result; "" and nil mean not checked.
type ExpectedCertificate struct {
	CommonName string
	SAN        []string
	Expires    time.Time
}

// The certificate of a scenario that describes none, and its life.
const (
	defaultCommonName = "httpdest test client"
	defaultSAN        = "client.test"
	certificateLife   = 365 * day
	certificateAge    = 30 * day // at Start
	shortestLife      = 61 * day // it is reissued 60 days before its end
)

var (
	lookups       = []string{"public-certificate", "egress-addresses"}
	lookupHeaders = []string{"Authorization", "Content-Type", "x-gw-ims-org-id", "x-api-key"}
	linkNames     = []string{"next", "prev", "page"}
)

// readPlatform reads `platform:`. Start must be known.
func (r *reader) readPlatform(n *yaml.Node) {
	p := Platform{}
	o := r.object(n, "platform")
	if o != nil {
		p.Pos = r.pos(o.node)
	}
	for _, c := range r.list(o.take("certificates"), "certificates") {
		p.Certificates = append(p.Certificates, r.certificate(c))
	}
	if o.has("certificates") && len(p.Certificates) == 0 {
		r.problem(o.at("certificates"), "leave the key out for one by default", "certificates is empty")
	}
	o.end()
	if len(p.Certificates) == 0 {
		issued := r.scenario.Start.Add(-certificateAge)
		p.Certificates = []Certificate{{CommonName: defaultCommonName, SAN: []string{defaultSAN}, Issued: issued, Expires: issued.Add(certificateLife)}}
	}
	r.scenario.Platform = p
}

// certificate reads one entry; `{}` is complete.
func (r *reader) certificate(n *yaml.Node) Certificate {
	c := Certificate{CommonName: defaultCommonName, Issued: r.scenario.Start.Add(-certificateAge), Pos: r.pos(n)}
	o := r.object(n, "a certificate")
	if name := o.line("commonName"); name != "" {
		c.CommonName = name
	}
	c.SAN = r.words(o.take("san"), "san", r.hostName)
	if !o.has("san") {
		c.SAN = []string{defaultSAN}
	}
	issued, hasIssued := o.instant("issued")
	expires, hasExpires := o.instant("expires")
	switch {
	case hasIssued:
		c.Issued = issued
	case hasExpires:
		c.Issued = expires.Add(-certificateLife)
	}
	c.Expires = c.Issued.Add(certificateLife)
	if hasExpires {
		c.Expires = expires
	}
	if c.Expires.Sub(c.Issued) < shortestLife && o != nil {
		r.problem(o.at("expires"), "let it live for at least 61 days",
			"the certificate expires after %g days, and is reissued 60 days before that", c.Expires.Sub(c.Issued).Hours()/24)
	}
	if c.Issued.After(r.scenario.Start) {
		r.problem(o.at("issued"), "let it be issued before", "the certificate is issued after the start")
	}
	o.end()
	return c
}

func (r *reader) hostName(n *yaml.Node, what string) string {
	s := r.line(n, what)
	if strings.ContainsAny(s, " /:") {
		r.problem(n, "write a host name such as client.test", "%s: %q is not a host name", what, short(s))
		return ""
	}
	return s
}

// lookup reads `lookup:` of a step and what goes with it.
func (r *reader) lookup(o *object) *Lookup {
	l := &Lookup{What: r.word(o.take("lookup"), "lookup", lookups...)}
	number := func(name string) string {
		n := o.take(name)
		if n != nil && (n.Kind != yaml.ScalarNode || strings.ContainsFunc(n.Value, isControl)) {
			r.wrongType(n, name, "a number", "write page: 0, counted from 0, and limit: 20")
			return ""
		}
		if n == nil {
			return ""
		}
		return n.Value
	}
	switch l.What {
	case "public-certificate":
		l.Page, l.Limit = number("page"), number("limit")
		l.Without = r.words(o.take("without"), "without", r.lookupHeader)
		o.exclude("lookup: "+l.What, "it goes with egress-addresses", "region", "address")
	case "egress-addresses":
		l.Region, l.Address = o.line("region"), o.line("address")
		o.exclude("lookup: "+l.What, "it goes with public-certificate", "page", "limit", "without")
	}
	return l
}

// lookupHeader reads the name of one of the four headers.
func (r *reader) lookupHeader(n *yaml.Node, what string) string {
	return r.word(n, what, lookupHeaders...)
}

// lookedUp reads a line about a lookup.
func (r *reader) lookedUp(o *object) *LookedUp {
	l := &LookedUp{What: r.word(o.take("lookup"), "lookup", lookups...)}
	l.Status = int(o.integer("status", 100, 599, 0))
	whole := func(name string) *int64 {
		if v, ok := r.integer(o.take(name), name, 0, 1_000_000); ok {
			return &v
		}
		return nil
	}
	l.Total, l.Count = whole("total"), whole("count")
	if n := o.take("certificates"); n != nil {
		l.HasResults = true
		for _, c := range r.list(n, "certificates") {
			l.Certificates = append(l.Certificates, r.expectedCertificate(c))
		}
	}
	if n := o.take("links"); n != nil {
		l.HasLinks = true
		l.Links = r.words(n, "links", func(n *yaml.Node, what string) string { return r.word(n, what, linkNames...) })
	}
	if o.has("allowed") {
		allowed := o.flag("allowed", false)
		l.Allowed = &allowed
	}
	switch l.What {
	case "public-certificate":
		o.exclude("lookup: "+l.What, "it goes with egress-addresses", "allowed")
	case "egress-addresses":
		o.exclude("lookup: "+l.What, "it goes with public-certificate", "total", "count", "certificates", "links")
	}
	return l
}

func (r *reader) expectedCertificate(n *yaml.Node) ExpectedCertificate {
	o := r.object(n, "an expected certificate")
	c := ExpectedCertificate{CommonName: o.line("commonName"), SAN: r.words(o.take("san"), "san", r.hostName)}
	c.Expires, _ = o.instant("expires")
	o.end()
	if o != nil && len(o.fields) == 0 {
		r.problem(n, "give commonName, san or expires", "the expected certificate is empty")
	}
	return c
}

// lookupSteps reports lines about more lookups than the history has.
func (r *reader) lookupSteps() {
	steps := 0
	for _, s := range r.scenario.History {
		if s.Action == "lookup" {
			steps++
		}
	}
	for _, e := range r.scenario.Expect {
		if e.Lookup == nil {
			continue
		}
		if steps--; steps < 0 {
			r.problemAt(e.Pos.Line, e.Pos.Column, "add a step lookup: …, or leave the line out",
				fmt.Sprintf("the history has no lookup for this line of expect about %s", e.Lookup.What))
		}
	}
}
