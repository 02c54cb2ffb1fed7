package probe

import (
	"fmt"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/reports"
)

// untested says what this probe could not show, whatever its verdict, and which
// command would show it.
func (p *Prober) untested() []reports.Untested {
	c := p.config
	var out []reports.Untested
	add := func(is bool, what, flags string, rules ...string) {
		if is {
			out = append(out, reports.Untested{What: what, Rules: p.levelled(rules), Command: p.command() + flags})
		}
	}
	add(c.ReadBack == nil, "the stored state: repetitions, order, exits, and every accepted message", " --read-back "+quote(p.stateURL()), "rcv-idempotent", "rcv-order")
	add(c.Clients == nil && p.main.sender.Encrypted(), "mutual TLS", " --certificates clients   # made by: httpdest probe --write-certificates clients", "rcv-mtls-only", "rcv-new-ca")
	add(!p.main.sender.Encrypted(), "TLS and mutual TLS: the endpoint is plain http", "   # with the endpoint as https://", "rcv-tls", "rcv-mtls-only", "rcv-new-ca")
	add(c.Destination.MaxProfilesPerRequest < 2, "messages with several profiles", " --batch 10", "rcv-batch")
	add(!c.Load.Stated, "a load that you state", " --rate 50 --load 50/s:30s", "rcv-2s")
	add(c.Firewall == "", "the addresses that the firewall allows", "   # with firewall: {allow: FILE, region: VA7} in the configuration", "rcv-ip")
	add(c.Destination.Auth.Kind == dataflow.AuthNone && p.keyHeader() == "", "credentials", " --bearer \"$TOKEN\"", "rcv-auth")
	add(!c.Destination.Auth.FetchesTokens(), "OAuth 2", "   # with auth: {type: oauth2-client-credentials, …} in the configuration", "rcv-token")
	return out
}

// levelled names rules with their levels: "R99 (should)".
func (p *Prober) levelled(ids []string) []string {
	var out []string
	for _, id := range ids {
		if rule, ok := p.config.Rules.Find(id); ok {
			out = append(out, fmt.Sprintf("%s (%s)", rule.Ref, rule.Level))
		}
	}
	return out
}

// command is how this probe was started, without its credentials.
func (p *Prober) command() string {
	if p.config.File != "" {
		return "httpdest probe --config " + quote(p.config.File)
	}
	out := "httpdest probe " + p.redact.variables(p.config.Destination.Endpoint)
	if p.config.Destination.Auth.Kind == dataflow.AuthBearer {
		out += ` --bearer "$TOKEN"`
	}
	return out
}

// stateURL is where a read-back would be, next to the endpoint.
func (p *Prober) stateURL() string {
	u := *p.config.Destination.URL()
	u.Path, u.RawQuery = "/state", ""
	return u.String()
}
