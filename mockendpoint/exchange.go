package mockendpoint

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// exchange is one request while it is answered.
type exchange struct {
	endpoint *Endpoint
	conn     *connection
	ctx      context.Context
	w        http.ResponseWriter
	entry    journal.Request
	asked    token.Request // of a token request
	bearers  []string      // the Authorization headers of a data call
	unmet    struct {      // what the request lacks
		status int
		reason string
	}

	// Of a proxy: the request for the receiver, its answer, and the bytes that bodies
	// of answers took.
	outgoing *forward.Request
	forwards fault.Forwarding
	answer   *forward.Answer // nil: the answer is the endpoint's own
	early    *int            // status of an answer that is already there
	reserved int64
	held     bool // it goes on though the sender left

	// The ordinary answer, next to its status.
	contentType string
	headers     map[string]string
	content     []byte
}

// handle answers one request and journals it, however it ends. Every entry is
// written before the last byte of the answer leaves, so whoever has the answer
// finds the entry.
func (e *Endpoint) handle(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connectionKey{}).(*connection)
	c.answering.Store(true) // until it is idle again
	if c.tokens {
		defer e.options.Tokens.Answering()()
	}
	x := &exchange{endpoint: e, conn: c, ctx: r.Context(), w: w, contentType: "text/plain"}
	// The whole body first: unread, net/http would sleep before it closes, and
	// would not notice that the client leaves.
	body, reserved, err := e.bodies.read(w, r)
	defer func() { e.bodies.release(reserved + x.reserved) }()
	e.bodies.work(len(body), func() { x.receive(r, body) })
	if err != nil {
		if status, reason, ok := turnedAway(err); ok {
			x.turnAway(status, reason)
			return
		}
		x.entry.Disconnected = true
		x.journal()
		panic(http.ErrAbortHandler) // half a request has no answer
	}
	x.play(e.options.Faults.Request(x.entry.Profiles, x.target(), x.conn.nth))
}

// turnAway answers a request whose body could not be read, and ends the
// connection.
func (x *exchange) turnAway(status int, reason string) {
	x.unmet.status, x.unmet.reason = status, reason
	x.headers = map[string]string{"Connection": "close"}
	if status == http.StatusServiceUnavailable {
		x.headers["Retry-After"] = "1"
	}
	x.respond(x.refuse(), nil)
}

// receive fills the journal entry with what came in.
func (x *exchange) receive(r *http.Request, body []byte) {
	e, c := x.endpoint, x.conn
	c.requests++
	x.entry = journal.Request{
		Arrived: e.options.Now(), Socket: c.ordinal, Listener: c.listener, Remote: c.raw.RemoteAddr().String(), Number: c.requests,
		Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Body: body,
	}
	head := c.takeHead()
	if smuggles(head) {
		x.w.Header().Set("Connection", "close")
	}
	x.entry.Head, x.entry.Headers = e.head(head)
	if e.options.Receiver != nil {
		x.outgoing = e.options.Receiver.Request(r.Method, head, body)
		c.learn(r.Header)
	}
	c.giveBack(head)
	c.wireTLS(&x.entry)
	switch {
	case c.tokens:
		x.asked = e.options.Tokens.Read(r, body)
		x.entry.Authorization = x.asked.Authorization
		x.entry.TokenRequest = &journal.TokenRequest{Grant: e.redact("", x.asked.Grant), Credentials: x.asked.Credentials}
		x.entry.Body = []byte(e.options.Tokens.Hide(e.redactor.Form(string(body))))
	case r.Method == http.MethodPost:
		x.bearers = r.Header.Values("Authorization")
		x.entry.Authorization, x.entry.Token = e.authorize(x.bearers)
		x.entry.Profiles = ProfilesIn(body, e.options.ProfileOf)
		x.unmet.status, x.unmet.reason = e.options.Require.unmet(r, body)
		x.unmet.reason = e.redact("", x.unmet.reason) // a schema may quote the body
		x.entry.Matched = e.options.Require.matched(r)
	}
	if !e.options.Require.admits(c.raw.RemoteAddr()) {
		x.unmet.status, x.unmet.reason = http.StatusForbidden, "the address is not on the allowlist"
	}
	x.entry.Target = e.redact("", x.entry.Target)
	switch {
	case c.tokens:
	case x.outgoing != nil && isForm(r):
		x.entry.Body = []byte(e.redactor.Form(string(body))) // it may be a token request
	default:
		x.entry.Body = e.redactBody(body)
	}
	c.learned.hide(&x.entry)
}

// smuggles reports whether a head gives the length of the body twice. Bytes
// that follow on the connection may be meant for another server (RFC 9112,
// 6.1).
func smuggles(head []byte) bool {
	length, coding := false, false
	for line := range journal.Lines(head) {
		length = length || bytes.EqualFold(line.Name, []byte("Content-Length"))
		coding = coding || bytes.EqualFold(line.Name, []byte("Transfer-Encoding"))
	}
	return length && coding
}

// target is what kind of request it is.
func (x *exchange) target() fault.Target {
	switch {
	case x.conn.tokens:
		return fault.Token
	case x.entry.Method == http.MethodOptions:
		return fault.Decision
	}
	return fault.Message
}

// head is a raw request head and its header lines, credentials redacted. A line
// in which nothing is redacted stays as it came.
func (e *Endpoint) head(raw []byte) ([]byte, []journal.Header) {
	request := raw[:bytes.IndexByte(raw, '\n')+1]
	redacted := append(make([]byte, 0, len(raw)), e.redact("", string(request))...)
	headers := make([]journal.Header, 0, bytes.Count(raw, []byte("\n")))
	blank := raw[len(request):] // once the lines before it are taken off
	for line := range journal.Lines(raw) {
		blank = blank[len(line.Raw):]
		h := journal.Header{Name: string(line.Name), Value: string(line.Value)}
		if value := e.redact(h.Name, h.Value); value != h.Value {
			h.Value = value
			redacted = append(append(redacted, h.Name+": "+value...), line.End...)
		} else {
			redacted = append(redacted, line.Raw...)
		}
		headers = append(headers, h)
	}
	return append(redacted, blank...), headers
}

// redactBody hides the tokens where a body holds one; the body itself stays as
// it is, for whoever has to judge it.
func (e *Endpoint) redactBody(body []byte) []byte {
	text := e.redactor.JSON(string(body))
	if e.options.Tokens != nil {
		text = e.options.Tokens.Hide(text)
	}
	if text == string(body) {
		return body
	}
	return []byte(text)
}

// redact hides credentials: all of an Authorization header but its scheme, and
// the bearer token wherever it stands.
func (e *Endpoint) redact(name, value string) string {
	value = e.redactor.Header(name, value)
	if e.options.Tokens != nil {
		value = e.options.Tokens.Hide(value)
	}
	return e.options.Require.redact(name, value)
}

// authorize checks the bearer token, in constant time where it is a fixed one.
// number is that of an access token that was issued here.
func (e *Endpoint) authorize(values []string) (result journal.Authorization, number int) {
	switch {
	case e.options.Tokens != nil:
		return e.options.Tokens.Check(values, e.options.Now())
	case e.options.Bearer == "":
		return journal.NotChecked, 0
	case len(values) == 0:
		return journal.Missing, 0
	case len(values) == 1 && subtle.ConstantTimeCompare([]byte(values[0]), []byte("Bearer "+e.options.Bearer)) == 1:
		return journal.Accepted, 0
	}
	return journal.Wrong, 0
}

// play answers as the fault requires, or as the endpoint does without one.
func (x *exchange) play(f *fault.Fault) {
	e := x.endpoint
	if f == nil {
		x.respond(x.ordinary(), nil)
		return
	}
	x.entry.Fault = f.ID
	x.asked.ExpiresIn = f.ExpiresIn
	if f.Revoke && e.options.Tokens != nil {
		e.options.Tokens.Revoke()
		x.entry.Authorization, x.entry.Token = e.authorize(x.bearers)
	}
	x.forwardBy(f, fault.ForwardBefore)
	switch {
	case f.Latency > 0 && x.outgoing != nil && f.Forward == fault.ForwardAfter:
		x.hold(f.Latency)
	case f.Latency > 0:
		x.wait(f.Latency)
	}
	x.forwardBy(f, fault.ForwardAfter, fault.ForwardTwice, fault.ForwardAtOnce)
	switch {
	case f.Phase == fault.End:
		x.afterwards(f)
	case f.SlowBody > 0 || f.Phase == fault.Body:
		x.slowly(f)
	case f.Stall:
		x.wait(Forever)
	case f.Reset:
		x.reset()
	case f.Status != 0:
		x.respond(f.Status, f.Headers)
	case f.Answer != "":
		x.respond(x.defective(f.Answer), f.Headers)
	default:
		x.end(f)
		x.respond(x.ordinary(), f.Headers)
	}
}

// ordinary is the status without a fault.
func (x *exchange) ordinary() int {
	switch {
	case x.unmet.status == http.StatusForbidden:
		return x.refuse()
	case x.conn.tokens:
		return x.tokens()
	case x.early != nil:
		return *x.early
	case x.outgoing != nil:
		return x.forward()
	case x.entry.Method == http.MethodOptions:
		return http.StatusNoContent
	case x.entry.Method != http.MethodPost:
		x.say("Allow", "OPTIONS, POST")
		return http.StatusMethodNotAllowed
	case x.entry.Authorization != journal.Accepted && x.entry.Authorization != journal.NotChecked:
		x.say("WWW-Authenticate", `Bearer realm="httpdest mock"`)
		return http.StatusUnauthorized
	case x.unmet.status != 0:
		return x.refuse()
	}
	return http.StatusOK
}

// say adds a header to the ordinary answer.
func (x *exchange) say(name, value string) {
	if x.headers == nil {
		x.headers = map[string]string{}
	}
	x.headers[name] = value
}

// refuse is the answer to a request that lacks something. Its body names the
// missing part, for the author of the sender.
func (x *exchange) refuse() int {
	x.entry.Refused = x.unmet.reason
	said, err := json.Marshal(map[string]string{"error": x.unmet.reason})
	if err != nil {
		panic(err) // a text is JSON
	}
	x.contentType, x.content = "application/json", said
	return x.unmet.status
}

// tokens is the ordinary answer of the token endpoint. A token is issued now,
// not when the request came.
func (x *exchange) tokens() int {
	a := x.endpoint.options.Tokens.Answer(x.asked, x.endpoint.options.Now())
	x.contentType, x.headers, x.content, x.entry.Token = "application/json", a.Headers, a.Body, a.Issued
	return a.Status
}

// defective is an answer that brings no token.
func (x *exchange) defective(name string) int {
	a, contentType, ok := token.Defective(name)
	if !ok {
		panic("mockendpoint: no defective answer " + name)
	}
	x.contentType, x.content = contentType, a.Body
	return a.Status
}

// respond sends a complete answer. It is journalled before its last byte leaves.
func (x *exchange) respond(status int, headers map[string]string) {
	x.writeHead(status, headers, len(x.content))
	x.journal()
	_, _ = x.w.Write(x.content) // a client that left has the journal's word for it
}

// slowBody is the body of a slow answer; its content does not matter.
const slowBody = "ok"

// resetLead is how long what was sent has to arrive before a reset, which
// would take it away from the client's buffers.
const resetLead = time.Millisecond

// slowly sends the headers and all but the last byte of the body, and then
// waits for that byte, forever, or ends the connection.
func (x *exchange) slowly(f *fault.Fault) {
	if f.HeadersAt > 0 {
		x.wait(f.HeadersAt)
	}
	came := f.Latency + f.HeadersAt // since the arrival, as SlowBody is
	status := x.withBody(f)
	last := len(x.content) - 1
	x.writeHead(status, f.Headers, len(x.content))
	_, _ = x.w.Write(x.content[:last]) // a client that left is noticed by the wait
	x.flush()
	switch {
	case f.Stall:
		x.wait(Forever)
	case f.Reset:
		x.wait(resetLead)
		x.reset()
	case f.Close:
		x.hangUp()
	case f.HalfClose:
		x.halfClose()
	case f.SlowBody > came:
		x.wait(f.SlowBody - came)
	}
	x.journal()
	_, _ = x.w.Write(x.content[last:])
}

// writeHead sends the status line and the headers; a body without a length is
// chunked.
func (x *exchange) writeHead(status int, headers map[string]string, length int) {
	h := x.w.Header()
	h["Date"] = nil // wall time has no place in a recording
	if x.answer != nil {
		x.passHead(status, headers, length)
		return
	}
	if length != 0 {
		h.Set("Content-Type", x.contentType)
	}
	for name, value := range x.headers {
		h.Set(name, value)
	}
	if length >= 0 && status != http.StatusNoContent && status >= 200 && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(length))
	}
	for name, value := range headers {
		h.Set(name, value)
	}
	x.entry.Status = status
	x.w.WriteHeader(status)
}

// wait waits; when the client leaves meanwhile, it journals that and ends the
// exchange.
func (x *exchange) wait(d time.Duration) {
	if x.endpoint.options.Wait(x.ctx, d) != nil {
		x.entry.Disconnected = true
		x.journal()
		panic(http.ErrAbortHandler)
	}
}

func (x *exchange) journal() {
	x.entry.Answered = x.endpoint.options.Now()
	x.endpoint.options.Journal.Request(x.entry)
}
