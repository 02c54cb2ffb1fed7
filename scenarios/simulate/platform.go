package simulate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// gateway is where lookups go; nothing listens there, the handler is asked
// itself.
const gateway = "https://platform.test"

// platformCertificates are the client certificates of a scenario, issued by an
// authority when they are needed.
func platformCertificates(sc *scenarios.Scenario, issuer func() (*mockendpoint.Authority, error)) (*platform.Certificates, error) {
	subjects := make([]platform.Subject, 0, len(sc.Platform.Certificates))
	for _, c := range sc.Platform.Certificates {
		subjects = append(subjects, subjectOf(c))
	}
	issue := func(s platform.Subject, notBefore, notAfter time.Time) (tls.Certificate, error) {
		authority, err := issuer()
		if err != nil {
			return tls.Certificate{}, err
		}
		return authority.ClientValid(s.CommonName, notBefore, notAfter, s.SAN...)
	}
	return platform.NewCertificates(issue, subjects...)
}

func subjectOf(c scenarios.Certificate) platform.Subject {
	return platform.Subject{CommonName: c.CommonName, SAN: c.SAN, Issued: c.Issued, Expires: c.Expires}
}

// presentedAt is the certificate that the destination presents at a time, as
// the journal of an endpoint has it, without one having been issued.
func presentedAt(sc *scenarios.Scenario, now time.Time) *journal.Peer {
	if len(sc.Platform.Certificates) == 0 {
		return nil
	}
	own := subjectOf(sc.Platform.Certificates[0])
	periods := own.Periods(now)
	if len(periods) == 0 {
		return nil
	}
	return &journal.Peer{CommonName: own.CommonName, SAN: own.SAN, Issuer: clientIssuer, Expires: periods[len(periods)-1].Expires.UTC()}
}

// platformHandler is everything that lookups of a scenario can ask.
func platformHandler(c *platform.Certificates, now func() time.Time) (http.Handler, error) {
	addresses, err := platform.ShippedEgress()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(platform.CertificatePath, platform.CertificateHandler(c, now))
	mux.Handle(platform.EgressPath, platform.EgressHandler(addresses))
	return mux, nil
}

// lookup asks the platform and records what it answers.
func (d *driver) lookup(l *scenarios.Lookup) error {
	r, err := lookupRequest(l)
	if err != nil {
		return fmt.Errorf("lookup %s: %w", l.What, err)
	}
	a := &reply{header: http.Header{}}
	d.platform.ServeHTTP(a, r)
	line := &recording.Lookup{At: d.now, What: l.What, Query: r.URL.RawQuery, Without: l.Without, Status: a.status}
	if a.status == http.StatusOK {
		if err := facts(line, a.body.Bytes()); err != nil {
			return fmt.Errorf("lookup %s: %w", l.What, err)
		}
	}
	d.recorder.add(recording.Line{Lookup: line})
	return nil
}

// lookupRequest is the request of a lookup, with the headers it does not lack.
func lookupRequest(l *scenarios.Lookup) (*http.Request, error) {
	path, query := platform.CertificatePath, url.Values{}
	add := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	add("page", l.Page)
	add("limit", l.Limit)
	if l.What == "egress-addresses" {
		path = platform.EgressPath
		add("region", l.Region)
		add("address", l.Address)
	}
	target := gateway + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"Authorization": "Bearer of-a-user", "Content-Type": "application/json",
		"x-gw-ims-org-id": "organisation@AdobeOrg", "x-api-key": "of-a-project"} {
		if !slices.Contains(l.Without, name) {
			r.Header.Set(name, value)
		}
	}
	return r, nil
}

// reply is a ResponseWriter that keeps what is written.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *reply) Header() http.Header { return a.header }

func (a *reply) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *reply) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// facts takes out of an answer what is the same in every run: no key, no serial
// number and no signature.
func facts(line *recording.Lookup, body []byte) error {
	var document struct {
		Results []map[string]string        `json:"results"`
		Total   *int64                     `json:"total"`
		Count   *int64                     `json:"count"`
		Links   map[string]json.RawMessage `json:"_links"`
		Allowed *bool                      `json:"allowed"`
	}
	if err := strictjson.Unmarshal(body, &document); err != nil {
		return err
	}
	line.Total, line.Count, line.Allowed = document.Total, document.Count, document.Allowed
	for name := range document.Links {
		line.Links = append(line.Links, name)
	}
	slices.Sort(line.Links)
	for _, r := range document.Results {
		c := recording.FoundCertificate{CommonName: r["certCommonName"], Expiry: r["expiryDate"]}
		for name := range r {
			c.Fields = append(c.Fields, name)
		}
		slices.Sort(c.Fields)
		if block, rest := pem.Decode([]byte(r["publicCertificate"])); block != nil && strings.TrimSpace(string(rest)) == "" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return err
			}
			c.Subject, c.SAN, c.NotAfter = leaf.Subject.CommonName, leaf.DNSNames, leaf.NotAfter.UTC()
		}
		line.Certificates = append(line.Certificates, c)
	}
	return nil
}
