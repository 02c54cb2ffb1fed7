package simulate

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/token"
	"github.com/httpdest/httpdest/scenarios"
)

// receiverHost is what the simulation's dialler resolves; the mock endpoint
// answers there.
const receiverHost = "receiver.test"

// authHost is where its token endpoint answers.
const authHost = "auth.test"

// onlyDataflow is what the engine calls a dataflow without a key.
const onlyDataflow = "dataflow"

// mappedBefore is how long before the start of a scenario an activated
// dataflow was mapped: long enough for its backfill to be over.
const mappedBefore = 7 * 24 * time.Hour

// directory translates the audiences.
func directory(sc *scenarios.Scenario) (audience.Directory, map[string]profile.AudienceRef) {
	refs := map[string]profile.AudienceRef{}
	all := make([]audience.Audience, 0, len(sc.Audiences))
	for _, a := range sc.Audiences {
		ref := uploadRef(a)
		refs[a.Key] = ref
		all = append(all, audience.Audience{Ref: ref, Name: a.Name, Type: a.Type, Origin: a.Origin, Labels: a.Labels, MergePolicy: a.MergePolicy,
			CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, Status: audience.Status(a.Status)})
	}
	return audience.NewDirectory(all...), refs
}

// endpointOf is the URL of the destination.
func endpointOf(sc *scenarios.Scenario) string {
	if sc.Destination.Endpoint == "mock" {
		return endpointURL(sc)
	}
	return sc.Destination.Endpoint
}

// endpointURL is where the mock endpoint of a scenario is reached.
func endpointURL(sc *scenarios.Scenario) string {
	host := hostOf(receiverHost, sc.Destination.Key)
	if sc.Endpoint.TLS == string(mockendpoint.Plain) {
		return "http://" + host + "/profiles"
	}
	return "https://" + host + "/profiles"
}

// dataflowOf translates destination and dataflow.
func dataflowOf(sc *scenarios.Scenario, refs map[string]profile.AudienceRef) dataflow.Dataflow {
	d := sc.Destination
	f := dataflow.Dataflow{
		ID: cmp.Or(sc.Dataflow.Key, onlyDataflow),
		Destination: dataflow.Destination{
			Name: d.Name, Endpoint: endpointOf(sc),
			Auth:    authentication(sc),
			Headers: d.Headers, QueryParameters: d.QueryParameters, MarketingActions: d.MarketingActions, PlainHost: hostOf(receiverHost, d.Key),
			IncludeSegmentNames: d.IncludeSegmentNames, IncludeSegmentTimestamps: d.IncludeSegmentTimestamps,
			IncludeMappedAudiencesOnly: d.IncludeMappedAudiencesOnly,
			MTLS:                       dataflow.MTLS(d.MTLS), Retry: policy(d.Retry),
			Alerts: alerts(d.Alerts), ExtendedAlerts: d.ExtendedAlerts,
			MaxProfilesPerRequest: d.MaxProfilesPerRequest, BatchEncoding: d.BatchEncoding, Readings: readings(d.Readings),
		},
		Schedule:    sc.Dataflow.Schedule,
		MaxInFlight: sc.Dataflow.MaxInFlight,
		AnyProfile:  !sc.Dataflow.RequireMembership,
		Suppressed:  suppressed(sc.Dataflow.Triggers),
	}
	for _, key := range sc.Dataflow.Audiences {
		ref, known := refs[key]
		if !known {
			ref = profile.AudienceRef{Namespace: "ups", ID: key} // for the engine to refuse
		}
		f.Audiences = append(f.Audiences, ref)
	}
	for _, x := range sc.Dataflow.Exclude {
		named := func(id profile.ID) bool { return x.Profiles.Contains(string(id)) }
		f.Exclusions = append(f.Exclusions, dataflow.Exclusion{Profiles: named, Reason: x.Reason})
	}
	for _, path := range sc.Dataflow.Attributes {
		f.Attributes = append(f.Attributes, profile.Path(path))
	}
	return f
}

// authentication translates the authentication of the data calls.
func authentication(sc *scenarios.Scenario) dataflow.Auth {
	a := sc.Destination.Auth
	out := dataflow.Auth{
		Kind: dataflow.AuthKind(a.Type), Token: dataflow.Secret(a.Token.Reveal()),
		TokenURL: a.TokenURL, Credentials: dataflow.Credentials(a.Credentials),
		ClientID: a.ClientID, ClientSecret: dataflow.Secret(a.ClientSecret.Reveal()),
		Username: a.Username, Password: dataflow.Secret(a.Password.Reveal()), URLEncodeBasic: a.URLEncodeBasic,
	}
	if rest, mock := strings.CutPrefix(a.TokenURL, "mock"); mock {
		scheme := "https"
		if sc.Endpoint.TLS == string(mockendpoint.Plain) {
			scheme = "http"
		}
		out.TokenURL = scheme + "://" + hostOf(authHost, sc.Destination.Key) + "/token" + rest
	}
	return out
}

// issuer is the token endpoint of the mock; nil where no tokens are fetched.
func issuer(sc *scenarios.Scenario) *token.Issuer {
	a, e := sc.Destination.Auth, sc.Endpoint.Token
	if !a.FetchesTokens() {
		return nil
	}
	return token.New(token.Options{
		ClientID: a.ClientID, ClientSecret: e.ClientSecret.Reveal(), Username: a.Username, Password: a.Password.Reveal(),
		ExpiresIn: e.ExpiresIn, Refresh: e.Refresh, Rotate: e.Rotate, Seed: sc.Seed,
	})
}

func alerts(all []scenarios.Alert) []dataflow.Alert {
	var out []dataflow.Alert
	for _, a := range all {
		out = append(out, dataflow.Alert{Kind: dataflow.AlertKind(a.Kind), Threshold: a.Threshold})
	}
	return out
}

// suppressed are the kinds of changes that are switched off.
func suppressed(t scenarios.Triggers) dataflow.Suppressed {
	return dataflow.Suppressed{Attribute: !t.On("attributeChanges"), Audience: !t.On("segmentationChanges"), Identity: !t.On("identityChanges"),
		External: !t.On("externalSegmentationChanges")}
}

func policy(r scenarios.Retry) retry.Policy {
	switch r.Policy {
	case "best-effort":
		return retry.BestEffort()
	case "custom":
		return retry.Policy{Name: "custom", Delays: r.Delays, Statuses: r.Statuses, ObserveRetryAfter: r.ObserveRetryAfter}
	}
	return retry.Documented()
}

// settings are the dispatcher's. Without a certificate, or without TLS, there
// is nothing to decide.
func settings(f dataflow.Dataflow, encrypted, hasCertificate bool) engine.Settings {
	s := engine.Settings{Window: f.Destination.Readings.BackfillWithin, Policy: f.Destination.Retry, MaxInFlight: f.MaxInFlight, Certificate: engine.AskEndpoint,
		Batching: engine.Batching{Max: f.Destination.MaxProfilesPerRequest, Encoding: engine.Encoding(f.Destination.BatchEncoding)}}
	switch f.Destination.Auth.Kind {
	case dataflow.AuthClientCredentials:
		s.Grant = engine.ClientCredentials
	case dataflow.AuthPassword:
		s.Grant = engine.Password
	}
	switch {
	case !encrypted || !hasCertificate || f.Destination.MTLS == dataflow.Never:
		s.Certificate = engine.NeverPresent
	case f.Destination.MTLS == dataflow.Always:
		s.Certificate = engine.AlwaysPresent
	}
	return s
}

// faultPlan arms the faults of the endpoint.
func faultPlan(sc *scenarios.Scenario) *fault.Plan {
	var faults []fault.Fault
	for i := range sc.Endpoint.Faults {
		faults = append(faults, sc.Endpoint.Faults[i].Fault)
	}
	return fault.NewPlan(sc.Seed, faults...)
}

// pki is the throwaway certificates of a run.
type pki struct {
	server  tls.Certificate
	auth    tls.Certificate        // of the token endpoint
	roots   *x509.CertPool         // that the sender trusts
	clients *x509.CertPool         // that the endpoint trusts
	own     *platform.Certificates // of the sender, by the platform's lifecycle
	has     bool                   // the destination presents them
}

// The names in the certificates of a run.
const (
	serverIssuer  = "httpdest test server CA"
	clientIssuer  = "httpdest test client CA"
	unknownIssuer = "httpdest test unknown CA"
)

// certificatesFor are those of newPKI; a model needs only those that lookups
// find.
func certificatesFor(sc *scenarios.Scenario, w Wire) (*pki, error) {
	if w != Model {
		return newPKI(sc)
	}
	p := &pki{has: sc.Destination.ClientCertificate != "none"}
	from, to := validity(sc)
	authority := sync.OnceValues(func() (*mockendpoint.Authority, error) { return mockendpoint.NewAuthority(clientIssuer, from, to) })
	var err error
	p.own, err = platformCertificates(sc, authority)
	return p, err
}

// validity is how long the authorities of a run hold: longer than any history,
// and than any certificate that was issued before it.
func validity(sc *scenarios.Scenario) (from, to time.Time) {
	from, to = sc.Start.Add(-24*time.Hour), sc.Start.AddDate(20, 0, 0)
	for _, c := range sc.Platform.Certificates {
		if c.Issued.Before(from) {
			from = c.Issued
		}
	}
	return from, to
}

// newPKI makes certificates that hold over any history from start on, and those
// of the sender when they are due.
func newPKI(sc *scenarios.Scenario) (*pki, error) {
	from, to := validity(sc)
	authority := func(name string) (*mockendpoint.Authority, error) { return mockendpoint.NewAuthority(name, from, to) }
	servers, err := authority(serverIssuer)
	if err != nil {
		return nil, err
	}
	clients, err := authority(clientIssuer)
	if err != nil {
		return nil, err
	}
	p := &pki{roots: servers.Pool(), clients: clients.Pool(), has: sc.Destination.ClientCertificate != "none"}
	if p.auth, err = servers.Server(hostOf(authHost, sc.Destination.Key)); err != nil {
		return nil, err
	}
	wrongAt := sc.Start
	if kind := mockendpoint.Presented(sc.Endpoint.Certificate); kind == mockendpoint.NotYetValid {
		wrongAt = to // however long the history
	}
	if p.server, err = servers.Present(mockendpoint.Presented(sc.Endpoint.Certificate), wrongAt, hostOf(receiverHost, sc.Destination.Key)); err != nil {
		return nil, err
	}
	issuer := clients
	if sc.Destination.ClientCertificate == "untrusted" {
		if issuer, err = authority(unknownIssuer); err != nil {
			return nil, err
		}
	}
	p.own, err = platformCertificates(sc, func() (*mockendpoint.Authority, error) { return issuer, nil })
	return p, err
}

// current is the certificate that the sender presents at a time; nil for none.
func (p *pki) current(now time.Time) *tls.Certificate {
	c, ok, err := p.own.Current(now)
	if err != nil || !ok {
		return nil // the handshake goes on without, and what it lacks is seen at the endpoint
	}
	return &c.TLS
}
