package scenarios

import (
	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// readEndpoint reads `endpoint:`, or that of one of several destinations. Destination and
// profiles must be known.
func (r *reader) readEndpoint(n *yaml.Node) Endpoint {
	o := r.object(n, "endpoint")
	e := Endpoint{Bearer: r.to.Auth.Token}
	if o != nil {
		e.Pos = r.pos(o.node)
	}
	e.TLS = o.word("tls", "tls", "plain", "mtls-optional", "mtls-only")
	r.readHandshake(o, &e)
	e.Require = r.requirements(o.take("require"))
	if token, given := o.secret("bearer"); given {
		e.Bearer = token
		if r.to.Auth.FetchesTokens() {
			r.problem(o.at("bearer"), "use token: {…} for what it issues, or leave it out", "bearer does not go with %s: the endpoint accepts the tokens it issued", r.to.Auth.Type)
		}
	}
	e.Token = r.tokenEndpoint(o)
	if e.TLS == "plain" && r.to.MTLS == "always" {
		r.problem(o.at("tls"), "use another tls, or mtls: auto", "tls: plain cannot carry the certificate of mtls: always")
	}
	ids := map[string]bool{}
	for i, c := range r.list(o.take("faults"), "faults") {
		f := r.fault(c, i+1)
		if f.ID != "" && ids[f.ID] {
			r.problem(c, "give each fault its own id", "two faults with the id %s", f.ID)
		}
		if e.TLS == "plain" && f.Phase == faultspec.Handshake {
			r.problem(c, "use at: accept, or another tls", "tls: plain has no handshake")
		}
		ids[f.ID] = true
		e.Faults = append(e.Faults, f)
	}
	o.end()
	return e
}
