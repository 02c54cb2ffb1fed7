package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// readDestination reads `destination:`, or one of several.
func (r *reader) readDestination(of field) Destination {
	o := r.object(of.value, "destination")
	d := Destination{Key: of.name, Name: cmp.Or(of.name, "mock"), Endpoint: "mock", Auth: Auth{Type: "none"}, Retry: Retry{Policy: "documented"}}
	if o != nil {
		d.Pos = r.pos(o.node)
	}
	if d.Key != "" {
		d.Pos = r.pos(of.key)
	}
	if n := o.take("name"); n != nil {
		d.Name = r.configured(n, "name")
	}
	if n := o.take("endpoint"); n != nil {
		if d.Endpoint = r.configured(n, "endpoint"); d.Endpoint != "mock" && isText(n) {
			r.refuse(n, "use `endpoint: mock`, or leave it out", "endpoint: this version plays in virtual time only, against the mock endpoint")
		}
	}
	d.Auth = r.auth(o.take("auth"))
	d.Headers = r.headerLine(o)
	d.QueryParameters = r.queryLine(o)
	d.MarketingActions = r.words(o.take("marketingActions"), "marketingActions", r.line)
	d.IncludeSegmentNames = o.flag("includeSegmentNames", false)
	d.IncludeSegmentTimestamps = o.flag("includeSegmentTimestamps", false)
	d.IncludeMappedAudiencesOnly = o.flag("includeMappedAudiencesOnly", false)
	d.MaxProfilesPerRequest = int(o.integer("maxProfilesPerRequest", 1, 10, 0))
	d.BatchEncoding = o.word("batchEncoding", "array", "profiles")
	d.MTLS = o.word("mtls", "auto", "always", "never")
	d.ClientCertificate = o.word("clientCertificate", "trusted", "untrusted", "none")
	if d.MTLS == "always" && d.ClientCertificate == "none" {
		r.problem(o.at("clientCertificate"), "use trusted or untrusted, or another mtls", "mtls: always needs a certificate to present")
	}
	d.Retry = r.retry(o.take("retry"))
	d.Alerts = r.alerts(o.take("alerts"))
	d.ExtendedAlerts = o.flag("extendedAlerts", false)
	d.Readings = r.readings(o.take("readings"))
	o.end()
	return d
}

// headerLine checks the documented form h1:v1,h2:v2 roughly; the engine parses
// it. Values may be secret, so messages name headers by their place.
func (r *reader) headerLine(o *object) string {
	const hint = "write header1:value1,header2:value2; a value cannot contain a comma"
	n := o.take("headers")
	line := r.headerText(n)
	if strings.TrimSpace(line) == "" || r.configurationUnderTest {
		return line
	}
	for i, part := range strings.Split(line, ",") {
		name, _, colon := strings.Cut(part, ":")
		switch {
		case !colon:
			r.problem(n, hint, "headers: header %d has no colon", i+1)
		case strings.TrimSpace(name) == "":
			r.problem(n, hint, "headers: header %d has no name", i+1)
		}
	}
	return line
}

func (r *reader) headerText(n *yaml.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind == yaml.MappingNode:
		r.problem(n, "write \"header1:value1,header2:value2\", as in the user interface", "headers must be one line of text, but is a mapping")
		return ""
	}
	return r.noControl(n, "headers")
}

// queryLine is kept as written: the engine appends it without re-encoding.
func (r *reader) queryLine(o *object) string {
	n := o.take("queryParameters")
	line := r.noControl(n, "queryParameters")
	if strings.ContainsAny(line, "# ") {
		r.refuse(n, "write parameter1=value&parameter2=value, percent-encoded", "queryParameters has a space or a fragment")
	}
	return line
}

func (r *reader) noControl(n *yaml.Node, what string) string {
	s := r.text(n, what)
	if strings.ContainsFunc(s, isControl) && !r.configurationUnderTest {
		r.problem(n, "write it in one line", "%s has a control character or a line break", what)
		return ""
	}
	return s
}

// retry reads the name of a policy, or one spelt out.
func (r *reader) retry(n *yaml.Node) Retry {
	p := Retry{Policy: "documented"}
	if n == nil {
		return p
	}
	p.Pos = r.pos(n)
	if n.Kind != yaml.MappingNode {
		if name := r.word(n, "retry", "documented", "best-effort"); name != "" {
			p.Policy = name
		}
		return p
	}
	o := r.object(n, "retry")
	p.Policy = "custom"
	p.Delays = r.durations(o.require("delays", "write delays: [15s, 30s], or [] for no retry"), "delays")
	for _, c := range r.oneOrList(o.take("statuses")) {
		status, ok := r.integer(c, "an entry of statuses", 100, 599)
		switch {
		case ok && (status < 300 || status > 599):
			r.problem(c, "only failures are retried", "statuses: %d is not a failure", status)
		case ok && slices.Contains(p.Statuses, int(status)):
			r.problem(c, "leave one out", "statuses names %d twice", status)
		case ok:
			p.Statuses = append(p.Statuses, int(status))
		}
	}
	p.ObserveRetryAfter = o.flag("observeRetryAfter", false)
	o.end()
	const most = 100
	if len(p.Delays) > most {
		r.problem(o.at("delays"), fmt.Sprintf("at most %d", most), "%d delays", len(p.Delays))
	}
	return p
}

// durations reads a list of durations.
func (r *reader) durations(n *yaml.Node, what string) []time.Duration {
	var out []time.Duration
	for i, c := range r.list(n, what) {
		if v, ok := r.duration(c, entry(what, i)); ok {
			out = append(out, v)
		}
	}
	return out
}

// readDataflow reads `dataflow:`, or one of several. Audiences must be known. Whether
// it starts active depends on the history, which is read later.
func (r *reader) readDataflow(of field) Dataflow {
	o := r.object(of.value, "dataflow")
	f := Dataflow{Key: of.name}
	if o != nil {
		f.Pos = r.pos(o.node)
	}
	if f.Key != "" {
		f.To, f.Pos = r.destinationOf(o, of), r.pos(of.key)
	}
	f.Audiences = r.mapped(o.take("audiences"), "dataflow.audiences", r.audienceRef)
	f.Attributes = r.mapped(o.take("attributes"), "dataflow.attributes", func(n *yaml.Node, what string) string {
		path := r.attributePath(n, what)
		r.scenario.attributesAt[mappedPath{f.Key, path}] = r.pos(n)
		return path
	})
	if n := o.take("schedule"); n != nil {
		f.Schedule = r.line(n, "schedule")
		r.refuse(o.at("schedule"), "leave it out, or expect the problem: dataflow.schedule", "a dataflow to this destination has no schedule")
	}
	f.Activated = o.flag("activated", true)
	r.activated[f.Key] = o.take("activated")
	f.MaxInFlight = int(o.integer("maxInFlight", 1, 10_000, 10))
	f.RequireMembership = o.flag("requireMembership", true)
	f.Triggers = Triggers{}.With(r.triggers(o.take("triggers")))
	r.excluded[f.Key] = o.take("exclude")
	o.end()
	return f
}
