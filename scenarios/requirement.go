package scenarios

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// Requirements are what the mock endpoint asks of a data call besides its
// credentials; what lacks it is refused.
type Requirements struct {
	ContentType string  // media type; "" asks for none: else 415
	Headers     []Field // in file order: else 400
	Query       []Field // in file order: else 400
	Payload     bool    // the body must be an export by the mock's own JSON Schema: else 422
	Pos         Position
}

// refusesWith reports whether the endpoint may answer a call with a status
// because the call lacks something.
func (q Requirements) refusesWith(status int) bool {
	switch status {
	case 400:
		return len(q.Headers)+len(q.Query) > 0
	case 415:
		return q.ContentType != ""
	case 422:
		return q.Payload
	}
	return false
}

// Field is a header or a query parameter; a Value of "" is any that is not
// empty.
type Field struct{ Name, Value string }

// certificateKinds are what the certificate of the endpoint can be; the first
// is the default.
var certificateKinds = []string{"proper", "expired", "not-yet-valid", "wrong-host", "unknown-ca", "self-signed", "missing-intermediate"}

// tlsVersions are as nginx writes them.
var tlsVersions = []string{"TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

// readHandshake reads what the endpoint's TLS is like.
func (r *reader) readHandshake(o *object, e *Endpoint) {
	e.Certificate = o.word("certificate", certificateKinds...)
	if o == nil {
		return
	}
	e.MinTLS, e.MaxTLS = o.d.word(o.take("minTLS"), "minTLS", tlsVersions...), o.d.word(o.take("maxTLS"), "maxTLS", tlsVersions...)
	low := e.MinTLS
	if low == "" {
		low = "TLSv1.2"
	}
	if e.MaxTLS != "" && low > e.MaxTLS {
		r.problem(o.at("maxTLS"), "give a lower or equal minTLS; it is TLSv1.2 unless you set it", "no version is both at least %s and at most %s", low, e.MaxTLS)
	}
	for _, name := range []string{"certificate", "minTLS", "maxTLS"} {
		if e.TLS == "plain" && o.has(name) {
			r.problem(o.at(name), "leave it out, or use another tls", "tls: plain has no %s", name)
		}
	}
}

// requirements reads `require:`.
func (r *reader) requirements(n *yaml.Node) Requirements {
	o := r.object(n, "require")
	if o == nil {
		return Requirements{}
	}
	q := Requirements{Pos: r.pos(n), ContentType: o.line("contentType"), Headers: r.requiredFields(o, "headers", true),
		Query: r.requiredFields(o, "query", false), Payload: o.yes("payload")}
	if strings.ContainsAny(q.ContentType, "; ") || q.ContentType != "" && !strings.Contains(q.ContentType, "/") {
		r.problem(o.at("contentType"), "write application/json", "%q is not a media type; leave out parameters", short(q.ContentType))
	}
	if len(o.fields) == 0 {
		r.problem(n, "add contentType, headers, query or payload: true", "require is empty")
	}
	o.end()
	return q
}

// requiredFields reads names with the values they must have.
func (r *reader) requiredFields(o *object, what string, ignoreCase bool) []Field {
	fields := r.object(o.take(what), what)
	if fields == nil {
		return nil
	}
	var out []Field
	seen := map[string]bool{}
	for _, f := range fields.fields {
		key := f.name
		if ignoreCase {
			key = strings.ToLower(key)
		}
		switch {
		case f.name == "" || ignoreCase && strings.ContainsAny(f.name, " :") || strings.ContainsFunc(f.name, isControl):
			r.problem(f.key, "write X-Tenant: acme", "%q is not a name", short(f.name))
		case !isText(f.value) || strings.ContainsFunc(f.value.Value, isControl):
			r.problem(f.value, `quote it; "" is any value`, "%s must be one line of text, but is %s", short(f.name), found(f.value))
		case seen[key]:
			r.problem(f.key, "leave one out", "%s is given twice", short(f.name))
		default:
			out = append(out, Field{f.name, f.value.Value})
		}
		seen[key] = true
	}
	return out
}

// fieldsNode writes required fields.
func fieldsNode(fields []Field) mapping {
	m := newMapping().flow()
	for _, f := range fields {
		m.put(f.Name, f.Value)
	}
	return m
}

// requirementsNode writes `require:`.
func requirementsNode(q Requirements) mapping {
	m := newMapping()
	given(m, "contentType", q.ContentType, "")
	m.section("headers", fieldsNode(q.Headers).Node)
	m.section("query", fieldsNode(q.Query).Node)
	given(m, "payload", q.Payload, false)
	return m
}
