package dataflow

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

// Problem is one thing wrong with a configuration: Path says where
// ("dataflow.attributes[2]"), Hint what to do.
type Problem struct {
	Path, Message, Hint string
	Warning             bool // worth saying, but the configuration works
}

// String is the problem on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s (hint: %s)", p.Path, p.Message, p.Hint)
}

// Invalid is every problem of a configuration.
type Invalid []Problem

// Error lists the problems, one a line.
func (i Invalid) Error() string {
	lines := make([]string, len(i))
	for n, p := range i {
		lines[n] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Validate reports every problem at once as Invalid, or nil. Warnings are not
// among them.
func (f Dataflow) Validate(audiences audience.Directory) error {
	problems := slices.DeleteFunc(f.problems(audiences), func(p Problem) bool { return p.Warning })
	if len(problems) == 0 {
		return nil
	}
	return Invalid(problems)
}

// Warnings lists what works but is probably not meant.
func (f Dataflow) Warnings(audiences audience.Directory) []Problem {
	return slices.DeleteFunc(f.problems(audiences), func(p Problem) bool { return !p.Warning })
}

func (f Dataflow) problems(audiences audience.Directory) []Problem {
	problems := f.Destination.validate()
	seen := map[profile.AudienceRef]bool{}
	for n, ref := range f.Audiences {
		at := fmt.Sprintf("audiences[%d]", n)
		if _, ok := audiences[ref]; !ok {
			problems = append(problems, Problem{at, fmt.Sprintf("audience %s does not exist", ref.ID), "define it, or leave it out", false})
		}
		if seen[ref] {
			problems = append(problems, Problem{at, fmt.Sprintf("audience %s is mapped twice", ref.ID), "leave one out", false})
		}
		seen[ref] = true
	}
	for n, path := range f.Attributes {
		at := fmt.Sprintf("attributes[%d]", n)
		if message, hint := pathProblem(path); message != "" {
			problems = append(problems, Problem{at, message, hint, false})
		}
	}
	if f.MaxInFlight < 1 {
		problems = append(problems, Problem{"maxInFlight", fmt.Sprintf("%d attempts under way deliver nothing", f.MaxInFlight), "1 or more", false})
	}
	return problems
}

// validate checks the destination alone.
func (d Destination) validate() []Problem {
	problems := d.validateEndpoint()
	headers, more := ParseHeaders(d.Headers)
	problems = append(problems, more...)
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") && d.Auth.Kind != AuthNone {
			problems = append(problems, Problem{"headers", "a custom Authorization header beside " + string(d.Auth.Kind) + " authentication",
				"the authentication wins and the header is not sent; use authentication none to send it (A63)", true})
		}
	}
	if strings.Contains(d.QueryParameters, "#") || strings.ContainsFunc(d.QueryParameters, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		problems = append(problems, Problem{"queryParameters", "a fragment, space or control character in " + fmt.Sprintf("%q", d.QueryParameters),
			"write parameter1=value&parameter2=value, percent-encoded", false})
	}
	problems = append(problems, d.Auth.validate(d.Endpoint)...)
	switch d.MTLS {
	case Auto, Always, Never:
	default:
		problems = append(problems, Problem{"mtls", fmt.Sprintf("%q is not known", d.MTLS), "auto, always or never", false})
	}
	return append(problems, d.validateAlerts()...)
}

// validateEndpoint checks R8: an absolute https URL without fragment. Plain
// http is for loopback and tests (A65); the simulation decides, so the scheme
// alone is accepted here.
func (d Destination) validateEndpoint() []Problem {
	u, err := url.Parse(d.Endpoint)
	switch {
	case err != nil:
		return []Problem{{"endpoint", "not a URL", "an absolute https URL", false}}
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return []Problem{{"endpoint", fmt.Sprintf("%q is not an absolute https URL", u.Redacted()), "https://host/path", false}}
	case u.Fragment != "":
		return []Problem{{"endpoint", "a fragment never reaches a server", "remove everything from the # on", false}}
	case u.User != nil:
		return []Problem{{"endpoint", "credentials within the URL", "use the authentication field", false}}
	}
	return nil
}
