package dataflow

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

// Validate reports every problem at once as Invalid, or nil. Warnings and
// advice are not among them.
func (f Dataflow) Validate(audiences audience.Directory) error {
	problems := Errors(f.Problems(audiences))
	if len(problems) == 0 {
		return nil
	}
	return Invalid(problems)
}

// Problems lists everything there is to say about a configuration, from errors
// to advice, in the order of its fields.
func (f Dataflow) Problems(audiences audience.Directory) []Problem {
	problems := f.Destination.validate()
	seen := map[profile.AudienceRef]bool{}
	for n, ref := range f.Audiences {
		at := fmt.Sprintf("dataflow.audiences[%d]", n)
		if a, ok := audiences[ref]; !ok {
			problems = append(problems, Problem{at, fmt.Sprintf("audience %s does not exist", ref.ID), "define it, or leave it out", Error})
		} else if !a.Mappable() {
			problems = append(problems, Problem{at, fmt.Sprintf("audience %s is %s", ref.ID, a.Status), "only a published audience can be mapped", Error})
		}
		if seen[ref] {
			problems = append(problems, Problem{at, fmt.Sprintf("audience %s is mapped twice", ref.ID), "leave one out", Error})
		}
		seen[ref] = true
		if message, hint := audienceProblem(audiences[ref]); message != "" {
			problems = append(problems, Problem{at, message, hint, Error})
		}
	}
	problems = append(problems, MappedAudiences.check("dataflow.audiences", len(f.Audiences))...)
	for n, path := range f.Attributes {
		at := fmt.Sprintf("dataflow.attributes[%d]", n)
		if message, hint := pathProblem(path); message != "" {
			problems = append(problems, Problem{at, message, hint, Error})
		}
	}
	problems = append(problems, MappedAttributes.check("dataflow.attributes", len(f.Attributes))...)
	problems = append(problems, f.adviseIdentifier()...)
	if f.Schedule != "" {
		problems = append(problems, Problem{"dataflow.schedule", "this destination has no schedule and no end date",
			"leave it out: the dataflow exports whenever it is enabled", Error})
	}
	if f.MaxInFlight < 1 {
		problems = append(problems, Problem{"dataflow.maxInFlight", fmt.Sprintf("%d parallel attempts deliver nothing", f.MaxInFlight), "use 1 or more", Error})
	}
	return problems
}

// Problems lists what there is to say about the destination alone, whatever is
// mapped to it.
func (d Destination) Problems() []Problem { return d.validate() }

// validate checks the destination alone.
func (d Destination) validate() []Problem {
	problems := d.validateEndpoint()
	if strings.TrimSpace(d.Name) == "" {
		problems = append(problems, Problem{"destination.name", "the destination has no name", "give it one; only the description may be left out", Error}) // R137
	}
	headers, more := ParseHeaders(d.Headers)
	problems = append(problems, more...)
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") && d.Auth.Kind != AuthNone {
			problems = append(problems, Problem{"destination.headers", "a custom Authorization header next to " + string(d.Auth.Kind) + " authentication",
				"the authentication wins and the header is not sent; use authentication none to send it (A63)", Warning})
		}
	}
	if strings.Contains(d.QueryParameters, "#") || strings.ContainsFunc(d.QueryParameters, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		problems = append(problems, Problem{"destination.queryParameters", "a fragment, a space or a control character",
			"write parameter1=value&parameter2=value, percent-encoded", Error})
	}
	problems = append(problems, d.Auth.validate(d.Endpoint)...)
	if n := d.MaxProfilesPerRequest; n < 0 || n > 10 {
		problems = append(problems, Problem{"destination.maxProfilesPerRequest", fmt.Sprintf("%d profiles in a request", n), "use 1 to 10", Error})
	}
	switch d.BatchEncoding {
	case "", "array", "profiles":
	default:
		problems = append(problems, Problem{"destination.batchEncoding", fmt.Sprintf("%q is not known", d.BatchEncoding), "use array or profiles", Error})
	}
	switch d.MTLS {
	case Auto, Always, Never:
	default:
		problems = append(problems, Problem{"destination.mtls", fmt.Sprintf("%q is not known", d.MTLS), "use auto, always or never", Error})
	}
	return append(problems, d.validateAlerts()...)
}

// validateEndpoint checks R8: an absolute https URL without fragment. Plain
// http is for loopback and tests alone (A65).
func (d Destination) validateEndpoint() []Problem {
	const at = "destination.endpoint"
	u, err := url.Parse(d.Endpoint)
	switch {
	case err != nil:
		return []Problem{{at, "not a URL", "write it as https://host/path", Error}}
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return []Problem{{at, "not an absolute https URL", "write it as https://host/path", Error}}
	case u.Fragment != "" || strings.HasSuffix(d.Endpoint, "#"):
		return []Problem{{at, "a fragment never reaches a server", "remove everything from the # on", Error}}
	case u.User != nil:
		return []Problem{{at, "credentials within the URL", "use the authentication field", Error}}
	case u.Scheme == "http" && !d.plain(u.Hostname()):
		return []Problem{{at, "plain http beyond this machine", "use https; http is for loopback addresses alone", Error}}
	}
	return nil
}

// plain reports whether a host may be reached without TLS.
func (d Destination) plain(host string) bool {
	if strings.EqualFold(host, "localhost") || host == d.PlainHost && host != "" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
