package mockendpoint

import (
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
)

// modes are the modes there are.
var modes = []Mode{Plain, TLS, MTLSOptional, MTLSOnly}

// Check returns every problem of the options, so that no part of them is
// ignored: an unknown mode, a fault with status 1000, TLS versions of an
// endpoint in the clear.
func (o Options) Check() error {
	wrong := []error{o.Listener.check(), o.Require.check(), o.Faults.Check()}
	if strings.ContainsFunc(o.Bearer, unsendable) {
		wrong = append(wrong, errors.New("the bearer token has a character that no header can carry"))
	}
	if o.Bearer != "" && o.Tokens != nil {
		wrong = append(wrong, errors.New("the options Bearer and Tokens exclude each other: the endpoint accepts the tokens that it issues"))
	}
	if o.Receiver != nil && (o.Bearer != "" || o.Tokens != nil) {
		wrong = append(wrong, errors.New("the option Receiver excludes Bearer and Tokens: the receiver checks the credentials of a request"))
	}
	for _, l := range o.Faults.List() {
		if l.Fault.Forward != "" && o.Receiver == nil {
			wrong = append(wrong, fmt.Errorf("fault %q: forward needs the option Receiver", l.Fault.ID))
		}
	}
	return errors.Join(wrong...)
}

// check is Check, and what would be ignored.
func (l Listener) check() error {
	if l.Mode != "" && !slices.Contains(modes, l.Mode) {
		return fmt.Errorf("unknown mode %q: use plain, tls, mtls-optional or mtls-only", l.Mode)
	}
	if l.encrypted() {
		return l.Check()
	}
	var wrong []error
	for _, part := range []struct {
		name  string
		given bool
	}{
		{"certificate", l.Certificate.Certificate != nil}, {"client CAs", l.ClientCAs != nil},
		{"TLS versions", l.MinVersion != 0 || l.MaxVersion != 0}, {"cipher suites", len(l.CipherSuites) > 0},
	} {
		if part.given {
			wrong = append(wrong, fmt.Errorf("an endpoint without TLS has no %s: set Mode", part.name))
		}
	}
	return errors.Join(wrong...)
}

func (q Requirements) check() error {
	var wrong []error
	if q.ContentType != "" {
		media, parameters, err := mime.ParseMediaType(q.ContentType)
		if err != nil || len(parameters) > 0 || !strings.Contains(media, "/") {
			wrong = append(wrong, fmt.Errorf("the content type %q is not a media type without parameters, such as application/json", q.ContentType))
		}
	}
	for _, h := range q.Headers {
		if h.Name == "" || strings.ContainsFunc(h.Name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }) {
			wrong = append(wrong, fmt.Errorf("%q is not the name of a header", h.Name))
		}
		if strings.ContainsFunc(h.Value, unsendable) {
			wrong = append(wrong, fmt.Errorf("the value required of header %s has a character that no header can carry", h.Name))
		}
	}
	for _, p := range q.Query {
		if p.Name == "" {
			wrong = append(wrong, errors.New("a query parameter needs a name"))
		}
	}
	for _, s := range q.Sources {
		if !s.IsValid() {
			wrong = append(wrong, errors.New("a source is not a prefix of addresses: use netip.ParsePrefix"))
		}
	}
	return errors.Join(wrong...)
}

// unsendable are characters that no value of a header has.
func unsendable(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
