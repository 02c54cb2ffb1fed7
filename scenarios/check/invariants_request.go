package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// headers are the values of one header of a request, in order.
func headers(r *recording.Request, name string) []string { return values(r.Headers, name) }

// values are those of a header, in their order.
func values(all []recording.Header, name string) []string {
	var out []string
	for _, h := range all {
		if strings.EqualFold(h.Name, name) {
			out = append(out, h.Value)
		}
	}
	return out
}

func (v *view) noAuthorization(f *findings) {
	if v.scenario.Destination.Auth.Type != "none" {
		return
	}
	supplied := len(v.custom()["authorization"]) // on purpose
	for _, r := range v.requests {
		got := len(headers(r, "Authorization"))
		f.note(got == supplied, "%s has %d, and the custom headers supply %d", place(r), got, supplied)
	}
}

func (v *view) bearer(f *findings) {
	d := v.scenario.Destination
	if d.Auth.Type != "bearer" {
		return
	}
	accepts := v.scenario.Endpoint.Bearer.Reveal() == d.Auth.Token.Reveal()
	for _, r := range v.requests {
		got := headers(r, "Authorization")
		bearer := len(got) == 1 && strings.HasPrefix(got[0], "Bearer ")
		f.note(bearer && (!accepts || r.Authorization == "accepted"), "%s: %s, %v", place(r), r.Authorization, got)
	}
}

func (v *view) postJSON(f *findings) {
	for _, r := range v.requests {
		postJSON(evidence{own: f, place: place(r) + ": "}, r, true, true)
		for _, kind := range headers(r, "Content-Type") { // of the two forms that the page shows
			f.note(kind == "application/json" || kind == "application/json; charset=utf-8", "%s: %s", place(r), kind)
		}
	}
}

// custom are the custom headers of the destination by lower-case name, the
// values in order.
func (v *view) custom() map[string][]string { return customHeaders(v.scenario.Destination.Headers) }

func (v *view) customHeaders(f *findings) {
	custom := v.custom()
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		want := v.shownTexts(custom[name])
		hidden := name == "authorization" // redacted in a recording
		for _, r := range v.requests {
			got := headers(r, name)
			same := slices.Equal(got, want) || hidden && len(got) == len(want)
			if name == "authorization" && len(want) == 1 && want[0] == "Bearer "+v.scenario.Endpoint.Bearer.Reveal() {
				same = same && r.Authorization == "accepted"
			}
			f.note(same, "%s: %s is %v", place(r), name, got)
		}
	}
}

func (v *view) query(f *findings) {
	want := strings.TrimPrefix(strings.TrimSpace(v.scenario.Destination.QueryParameters), "?")
	if want == "" {
		return
	}
	want = v.redactor.Text(want)
	for _, r := range v.requests {
		_, got, _ := strings.Cut(r.Target, "?")
		f.note(got == want || strings.HasSuffix(got, "&"+want), "%s: %s", place(r), r.Target)
	}
}

func (v *view) validJSON(f *findings) {
	for _, r := range v.requests {
		b := v.body(r.Body)
		e := evidence{own: f, place: place(r) + ": "}
		strictJSON(e, b)
		for _, profile := range b.profiles {
			bothMaps(e, profile)
			for _, key := range []string{"segmentMembership", "identityMap"} {
				_, isObject := profile[key].(map[string]any)
				f.note(isObject, "%s: %s is not an object", place(r), key)
			}
		}
	}
}

func (v *view) noEnvelope(f *findings) {
	if v.batches() {
		return // one form for one profile and for several
	}
	for _, r := range v.requests {
		// A body that is not JSON is not an envelope either.
		if b := v.body(r.Body); b.parsed {
			bare(evidence{own: f, place: place(r) + ": "}, b)
		}
	}
}

// bareDecisions: until it is known whether the endpoint insists on mTLS, it is
// sent nothing that is meant for the receiver (design §4).
func (v *view) bareDecisions(f *findings) {
	for _, r := range v.asking {
		f.note(r.Body == "", "%s has a body", place(r))
		f.note(len(headers(r, "Authorization")) == 0, "%s has an Authorization header", place(r))
		for name, values := range v.custom() {
			custom := func(value string) bool { return slices.Contains(values, value) }
			f.note(!slices.ContainsFunc(headers(r, name), custom), "%s has the custom header %s", place(r), name)
		}
	}
}

// certificates holds both ends against the mode of the endpoint (R108).
func (v *view) certificates(f *findings) {
	d := v.scenario.Destination
	for _, r := range v.requests {
		switch v.scenario.Endpoint.TLS {
		case "mtls-only":
			f.note(r.Peer != nil, "%s came without one", place(r))
		case "tls", "plain":
			f.note(r.Peer == nil, "%s came with one", place(r))
		}
		if d.MTLS == "never" || d.ClientCertificate == "none" {
			f.note(r.Peer == nil, "%s came with one that was not to be presented", place(r))
		}
	}
	v.presented(f)
	if v.scenario.Endpoint.TLS != "mtls-optional" || d.MTLS != "auto" {
		return
	}
	verdict := ""
	decisions := v.decisions
	for _, a := range v.attempts {
		for len(decisions) > 0 && !decisions[0].EndedAt.After(a.At) {
			verdict, decisions = decisions[0].Result, decisions[1:]
		}
		switch {
		case a.Socket == 0:
		case verdict != "mtls-only":
			f.note(!a.Certificate, "attempt %d of %s presented one, while the decision was %s", a.Number, a.Message, verdict)
		case v.certificateKnown(a):
			f.note(a.Certificate, "attempt %d of %s presented none, while the decision was %s", a.Number, a.Message, verdict)
		}
	}
}

// presented holds what was presented against the mode of the destination, in
// handshakes that were refused as well.
func (v *view) presented(f *findings) {
	d := v.scenario.Destination
	for _, h := range v.refused {
		if d.MTLS == "never" || d.ClientCertificate == "none" {
			f.note(h.Peer == nil, "socket %d came with a certificate that was not to be presented", h.Socket)
		}
	}
	insists := v.scenario.Endpoint.TLS == "mtls-only"
	asks := insists || v.scenario.Endpoint.TLS == "mtls-optional"
	always := d.MTLS == "always" && asks || d.MTLS == "auto" && insists
	if !always || d.ClientCertificate == "none" {
		return
	}
	for _, a := range v.attempts {
		if a.Socket > 0 && (status(a.Outcome) || a.Outcome == "tls") {
			f.note(a.Certificate, "attempt %d of %s was made without the certificate", a.Number, a.Message)
		}
	}
}
