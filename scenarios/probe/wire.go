package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// configuredSender is a sender to the receiver that is configured in one way: with one
// client certificate, one credential, one line of custom headers. Its sockets
// stay open.
type configuredSender struct {
	mu          sync.Mutex
	kind        string // of the client certificate; "" none
	sender      *delivery.Sender
	destination dataflow.Destination
	redact      *redactor
	certificate bool
	patience    time.Duration
	alter       func(*delivery.Exchange) // of each attempt, where the receiver refuses what the sender sends; nil: nothing
}

// senderFor makes one. A nil certificate offers none.
func (p *Prober) senderFor(d dataflow.Destination, own *tls.Certificate) *configuredSender {
	l := &configuredSender{destination: d, redact: p.redact, certificate: own != nil, patience: p.config.Patience, kind: p.config.Clients.kindOf(own), alter: p.alter}
	l.sender = delivery.New(delivery.Config{Destination: d, Roots: p.config.Roots, Certificate: own, Dial: dial, UserAgent: "httpdest/" + p.config.Version})
	p.senders = append(p.senders, l)
	return l
}

// clocked is where the dialler of an exchange notes the time.
type clocked struct{}

// dial resolves and connects, and notes when it did.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	note, _ := ctx.Value(clocked{}).(*timing)
	if note == nil {
		note = &timing{}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	note.mark(&note.resolved)
	var conn net.Conn
	for _, a := range addresses {
		if conn, err = (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(a, port)); err == nil {
			note.mark(&note.connected)
			break
		}
	}
	return conn, err
}

// timing is when the parts of an exchange ended; zero is never.
type timing struct {
	mu                                                  sync.Mutex
	plain                                               bool // no handshake is to be seen
	began                                               time.Time
	resolved, connected, handshaken, written, answering time.Time
	ended                                               time.Time
}

func (t *timing) mark(at *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.IsZero() {
		*at = time.Now()
	}
}

// phases are the parts that there were, in order.
func (t *timing) phases() []reports.Phase {
	t.mu.Lock()
	defer t.mu.Unlock()
	ms := func(at time.Time) float64 { return float64(at.Sub(t.began).Microseconds()) / 1000 }
	var out []reports.Phase
	from := t.began
	for _, p := range []struct {
		name string
		to   time.Time
	}{{"resolve", t.resolved}, {"connect", t.connected}, {"handshake", t.handshaken}, {"send", t.written}, {"wait", t.answering}} {
		if p.to.IsZero() || p.to.Before(from) {
			continue
		}
		out = append(out, reports.Phase{Name: p.name, FromMs: ms(from), ToMs: ms(p.to)})
		from = p.to
	}
	if t.ended.After(from) {
		out = append(out, reports.Phase{Name: t.pending(), FromMs: ms(from), ToMs: ms(t.ended)})
	}
	return out
}

// pending is the part that was under way at the end.
func (t *timing) pending() string {
	switch {
	case !t.answering.IsZero():
		return "receive"
	case !t.written.IsZero():
		return "wait"
	case !t.handshaken.IsZero():
		return "send"
	case !t.connected.IsZero() && t.plain:
		return "send"
	case !t.connected.IsZero():
		return "handshake"
	case !t.resolved.IsZero():
		return "connect"
	}
	return "resolve"
}

// answer is how an exchange ended.
type answer struct {
	delivery.Result
	exchange *delivery.Exchange
	timing   *timing
	took     time.Duration
	reused   bool
	sender   *configuredSender
	token    bool   // the token endpoint's
	message  string // id of the message that was sent; "" none
	alone    bool   // the message is refused, and the plain one accepted next to it
}

// wantsCertificate reports whether the server requested a client certificate, got
// none, and then refused. Under TLS 1.3 the refusal comes after the handshake, as
// an alert, a reset or an end of the connection, whichever is noticed first.
func (a answer) wantsCertificate() bool {
	if !a.Asked || a.Presented {
		return false
	}
	if a.Outcome.Kind == retry.Answered {
		return slices.Contains([]int{400, 403, 495, 496}, a.Outcome.Status)
	}
	return a.refusedCertificate() && !a.Answering
}

// perform sends one operation and waits for its answer, for as long as patience
// allows: how late an answer is helps more than that it was late.
func (l *configuredSender) perform(ctx context.Context, op engine.Operation) answer {
	a := l.once(ctx, op)
	if a.ours() {
		return l.once(ctx, op)
	}
	return a
}

// ours reports whether an exchange failed on a connection that this side gave up:
// net/http does so when this machine was too busy to note that a request was
// written. Nothing was sent on it, and the receiver has no part in it.
func (a answer) ours() bool {
	return a.reused && !a.Answering && a.Failure != nil && strings.Contains(a.Failure.Error(), "readLoop exiting")
}

// once is perform without a second look.
func (l *configuredSender) once(ctx context.Context, op engine.Operation) answer {
	t := &timing{plain: !l.sender.Encrypted()}
	within, cancel := context.WithTimeoutCause(context.WithValue(ctx, clocked{}, t), l.patience, delivery.ErrDeadline)
	defer cancel()
	l.mu.Lock()
	x := l.sender.Prepare(op)
	l.mu.Unlock()
	x.Keep = true
	x.OnHandshake = func() { t.mark(&t.handshaken) }
	x.OnWritten = func() { t.mark(&t.written) }
	x.OnAnswering = func() { t.mark(&t.answering) }
	a := answer{exchange: x, timing: t, reused: x.Reused, sender: l, token: op.Kind == engine.Token}
	if l.alter != nil && op.Kind == engine.Attempt {
		l.alter(x)
	}
	t.began = time.Now()
	a.Result = x.Do(within)
	t.mark(&t.ended)
	a.took = t.ended.Sub(t.began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sender.Finish(x)
	return a
}

func (l *configuredSender) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sender.Close()
}

// ok reports whether the engine would take the answer for a delivery, had it come
// in time.
func (a answer) ok() bool { return a.Outcome.Delivered() }

// late reports whether the engine would have given up before.
func (a answer) late() bool { return a.took > Deadline }

// status is that of the answer, 0 without one.
func (a answer) status() int {
	if a.Outcome.Kind == retry.Answered {
		return a.Outcome.Status
	}
	return 0
}

// html reports whether the answer is a page: of a proxy, a login, or an
// application that answers everything with its start page. The content type
// alone says nothing: it is what some frameworks write on everything.
func (a answer) html() bool {
	body := strings.ToLower(strings.TrimSpace(string(a.Body[:min(len(a.Body), 200)])))
	return slices.ContainsFunc([]string{"<!doctype html", "<html", "<head", "<body", "<!--"}, func(tag string) bool { return strings.HasPrefix(body, tag) })
}

// host is host:port of the endpoint.
func (a answer) host() string { return a.sender.destination.URL().Host }

// says tells in a sentence how the exchange ended.
func (a answer) says() string {
	switch o := a.Outcome; {
	case o.Kind == retry.Answered && o.Status >= 300 && o.Status < 400:
		return fmt.Sprintf("%d, a redirect to %q, in %s", o.Status, a.sender.redact.location(a), ms(a.took))
	case o.Kind == retry.Answered && a.html():
		return fmt.Sprintf("%d with an HTML page in %s", o.Status, ms(a.took))
	case o.Kind == retry.Answered:
		return fmt.Sprintf("%d %s in %s", o.Status, http.StatusText(o.Status), ms(a.took))
	case o.Kind == retry.Refused && o.Reason == "connection-refused":
		return "the connection was refused: nothing listens at " + a.host()
	case o.Kind == retry.Refused:
		return a.host() + " cannot be reached"
	case o.Kind == retry.Unresolved:
		return "the name " + a.sender.destination.URL().Hostname() + " does not resolve"
	case o.Kind == retry.Timeout:
		return a.waited()
	case o.Kind == retry.TLS:
		return tlsReason(o.Reason) + a.certificateDetail()
	case o.Kind == retry.Reset:
		return "the connection was reset" + phase(o.Reason)
	case o.Kind == retry.Closed:
		return "the connection was closed" + phase(o.Reason)
	case o.Kind == retry.Malformed:
		return "the response is not HTTP" + a.reported()
	case o.Kind == retry.TooLarge:
		return "the answer has " + a.tooMuch()
	}
	return string(a.Outcome.Kind)
}

// reported is what the transport itself reported.
func (a answer) reported() string {
	if a.Failure == nil {
		return ""
	}
	return ": " + short(a.sender.redact.text(inOneLine(a.Failure.Error())))
}

// outcome is says without the time, which a report shows next to it.
func (a answer) outcome() string {
	says, _, _ := strings.Cut(a.says(), " in "+ms(a.took))
	return strings.TrimSuffix(says, ",")
}

// waited says what a timeout waited for.
func (a answer) waited() string {
	t := a.timing
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range []struct {
		at   time.Time
		what string
	}{{t.answering, "the answer began and was not complete"}, {t.written, "no answer"},
		{t.handshaken, "the request could not be sent"}, {t.connected, a.stuck()}, {t.resolved, "no connection"}} {
		if !p.at.IsZero() {
			return p.what + " within " + ms(a.sender.patience)
		}
	}
	return "nothing within " + ms(a.sender.patience)
}

// stuck is what a connection that came about waited for.
func (a answer) stuck() string {
	if a.sender.sender.Encrypted() {
		return "no TLS handshake"
	}
	return "the request could not be sent"
}

// connected reports whether there was a connection at all.
func (a answer) connected() bool {
	a.timing.mu.Lock()
	defer a.timing.mu.Unlock()
	return a.reused || !a.timing.connected.IsZero()
}

func phase(reason string) string {
	switch reason {
	case "in-handshake":
		return " in the TLS handshake"
	case "in-response":
		return " in the middle of the answer"
	}
	return " before an answer"
}

// tlsReason says what a failed handshake is about.
func tlsReason(reason string) string {
	known := map[string]string{
		"not-tls":                          "the server does not speak TLS on this port",
		"server-certificate-expired":       "the certificate of the server has expired",
		"server-certificate-not-yet-valid": "the certificate of the server is not valid yet",
		"server-certificate-wrong-host":    "the certificate of the server is for another name",
		"server-certificate-self-signed":   "the server signed its certificate itself",
		"server-certificate-unknown-ca":    "the certificate of the server comes from an authority that is not trusted, or its intermediate is not sent",
		"server-certificate-invalid":       "the certificate of the server is not valid",
		"certificate-required":             "the server requires a client certificate",
		"bad-certificate":                  "the server refused the client certificate, or that there was none",
		"unknown-ca":                       "the server does not trust the authority of the client certificate",
		"expired-certificate":              "the server found that the client certificate has expired",
		"unsupported-certificate":          "the server does not take this kind of client certificate",
		"protocol-version":                 "the server and the sender have no TLS version in common",
		"handshake-failure":                "the server ended the TLS handshake",
	}
	if text := known[reason]; text != "" {
		return text
	}
	return "the TLS handshake failed: " + strings.ReplaceAll(reason, "-", " ")
}

// certificateDetail names what the certificate of the server is for, or which
// certificate of the chain has expired.
func (a answer) certificateDetail() string {
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(a.Failure, &host) && host.Certificate != nil:
		names := slices.Clone(host.Certificate.DNSNames)
		for _, ip := range host.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		if len(names) == 0 {
			return ": it contains no name"
		}
		return ": it is for " + short(inOneLine(strings.Join(names, ", "))) + ", and not for " + host.Host
	case errors.As(a.Failure, &invalid) && invalid.Cert != nil && (invalid.Reason == x509.Expired):
		return fmt.Sprintf(": %s, from %s to %s", short(inOneLine(invalid.Cert.Subject.String())), invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(a.Failure, &authority) && authority.Cert != nil:
		return ": its issuer is " + short(inOneLine(authority.Cert.Issuer.String()))
	}
	return ""
}

// refusedCertificate reports whether the server ended the exchange because of the
// client certificate, in the handshake or at the level of HTTP.
func (a answer) refusedCertificate() bool {
	switch a.Outcome.Kind {
	case retry.Answered:
		return slices.Contains([]int{400, 401, 403, 495, 496}, a.Outcome.Status)
	case retry.TLS, retry.Reset, retry.Closed:
		return !strings.HasPrefix(a.Outcome.Reason, "server-certificate-") && a.Outcome.Reason != "not-tls"
	}
	return false
}

// ms prints a time for people.
func ms(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// short keeps what a server sent from filling a page.
func short(s string) string { return cut(strings.ToValidUTF8(s, "�"), 200) }
