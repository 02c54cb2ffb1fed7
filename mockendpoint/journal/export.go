package journal

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// exchange is a line of NDJSON that `httpdest judge` reads. Facts that only
// this journal has are under one key.
type exchange struct {
	Time              string       `json:"time"`
	Method            string       `json:"method"`
	Target            string       `json:"target"`
	Headers           []nameValue  `json:"headers"`
	Body              *string      `json:"body,omitempty"`
	BodyBase64        string       `json:"bodyBase64,omitempty"` // instead of body, where it is not UTF-8
	Status            int          `json:"status"`
	DurationMs        float64      `json:"durationMs"`
	ClientCertificate string       `json:"clientCertificate,omitempty"`
	Journal           RequestFacts `json:"journal"`
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// RequestFacts are the journal's facts about a request that are not part of the
// exchange, in JSON.
type RequestFacts struct {
	Sequence          uint64     `json:"sequence"`
	Socket            int        `json:"socket"`
	Listener          string     `json:"listener,omitempty"`
	Number            int        `json:"number"`
	Remote            string     `json:"remote"`
	Protocol          string     `json:"protocol,omitempty"`
	TLS               string     `json:"tls,omitempty"`
	Cipher            string     `json:"cipher,omitempty"`
	ServerName        string     `json:"serverName,omitempty"`
	ClientCertificate *PeerFacts `json:"clientCertificate,omitempty"`
	Profiles          []string   `json:"profiles,omitempty"`
	Authorization     string     `json:"authorization,omitempty"`
	Refused           string     `json:"refused,omitempty"` // what it lacks
	Matched           []string   `json:"matched,omitempty"` // required fields that were right and are redacted
	Token             int        `json:"token,omitempty"`
	Grant             string     `json:"grant,omitempty"`
	Credentials       string     `json:"credentials,omitempty"`
	Fault             string     `json:"fault,omitempty"`
	Disconnected      bool       `json:"disconnected,omitempty"`
	// Receiver is what became of the request at the receiver of a proxy.
	Receiver   []ForwardFact `json:"receiver,omitempty"`
	BodyBase64 string        `json:"bodyBase64,omitempty"` // of a body that is not UTF-8; in exports it stands with the body
}

// ForwardFact is a request that was sent to the receiver, in JSON.
type ForwardFact struct {
	Time       string  `json:"time"`
	DurationMs float64 `json:"durationMs"`
	Status     int     `json:"status"` // 0: no answer that could be passed on
	Failure    string  `json:"failure,omitempty"`
}

// PeerFacts is a client certificate in JSON.
type PeerFacts struct {
	CommonName string   `json:"commonName"`
	SAN        []string `json:"san"`
	Issuer     string   `json:"issuer"`
	Expires    string   `json:"expires"`
}

// HandshakeFacts is a refused handshake in JSON.
type HandshakeFacts struct {
	Sequence          uint64     `json:"sequence"`
	Time              string     `json:"time"`
	DurationMs        float64    `json:"durationMs"`
	Socket            int        `json:"socket"`
	Listener          string     `json:"listener,omitempty"`
	Remote            string     `json:"remote"`
	Reason            string     `json:"reason"`
	TLS               string     `json:"tls,omitempty"`
	Alert             *AlertFact `json:"alert,omitempty"`
	ServerName        string     `json:"serverName,omitempty"`
	ClientCertificate *PeerFacts `json:"clientCertificate,omitempty"`
	Fault             string     `json:"fault,omitempty"`
}

// AlertFact is an alert in JSON.
type AlertFact struct {
	By          string `json:"by"`
	Code        int    `json:"code"`
	Description string `json:"description"`
}

func written(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func millis(from, to time.Time) float64 {
	return max(0, float64(to.Sub(from).Microseconds())/1000)
}

// FactsOf are the facts of a client certificate; nil for none.
func FactsOf(p *Peer) *PeerFacts {
	if p == nil {
		return nil
	}
	return &PeerFacts{CommonName: p.CommonName, SAN: append([]string{}, p.SAN...), Issuer: p.Issuer, Expires: written(p.Expires)}
}

// Facts are those of an entry that is a request.
func (e Entry) Facts() RequestFacts {
	r := e.Request
	f := RequestFacts{Sequence: e.Sequence, Socket: r.Socket, Listener: r.Listener, Refused: r.Refused, Matched: r.Matched, Number: r.Number, Remote: r.Remote, Protocol: r.Proto, TLS: r.TLS, Cipher: r.Cipher,
		ServerName: r.ServerName, ClientCertificate: FactsOf(r.Peer), Profiles: r.Profiles, Authorization: string(r.Authorization), Token: r.Token,
		Fault: r.Fault, Disconnected: r.Disconnected}
	for _, s := range r.Forwards {
		f.Receiver = append(f.Receiver, ForwardFact{written(s.Sent), millis(s.Sent, s.Sent.Add(s.Took)), s.Status, s.Failure})
	}
	if q := r.TokenRequest; q != nil {
		f.Grant, f.Credentials = q.Grant, q.Credentials
	}
	if !utf8.Valid(r.Body) {
		f.BodyBase64 = base64.StdEncoding.EncodeToString(r.Body)
	}
	return f
}

// HandshakeFacts are those of an entry that is a handshake.
func (e Entry) HandshakeFacts() HandshakeFacts {
	h := e.Handshake
	f := HandshakeFacts{Sequence: e.Sequence, Time: written(h.Accepted), DurationMs: millis(h.Accepted, h.Ended), Socket: h.Socket, Listener: h.Listener, Remote: h.Remote,
		Reason: h.Reason, TLS: h.TLS, ServerName: h.ServerName, ClientCertificate: FactsOf(h.Peer), Fault: h.Fault}
	if h.Alert != nil {
		f.Alert = &AlertFact{h.Alert.By, h.Alert.Code, h.Alert.Description}
	}
	return f
}

func headersOf(r *Request) []nameValue {
	out := make([]nameValue, len(r.Headers))
	for i, h := range r.Headers {
		out[i] = nameValue(h)
	}
	return out
}

// WriteNDJSON writes an entry a line: an exchange in the form that `httpdest
// judge` reads, or {"handshake": …}.
func WriteNDJSON(w io.Writer, entries iter.Seq2[Entry, error]) error {
	buffered := bufio.NewWriter(w)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for e, err := range entries {
		if err != nil {
			return err
		}
		var line any
		if r := e.Request; r != nil {
			x := exchange{Time: written(r.Arrived), Method: r.Method, Target: r.Target, Headers: headersOf(r), Status: r.Status,
				DurationMs: millis(r.Arrived, r.Answered), Journal: e.Facts()}
			if x.BodyBase64, x.Journal.BodyBase64 = x.Journal.BodyBase64, ""; x.BodyBase64 == "" {
				x.Body = new(string(r.Body))
			}
			if r.Peer != nil {
				x.ClientCertificate = r.Peer.CommonName
			}
			line = x
		} else {
			line = map[string]any{"handshake": e.HandshakeFacts()}
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// harEntry is an entry of HAR 1.2. Keys that begin with _ are ours, as the
// format allows.
type harEntry struct {
	Started    string       `json:"startedDateTime"`
	Time       float64      `json:"time"`
	Request    harRequest   `json:"request"`
	Response   harResponse  `json:"response"`
	Cache      struct{}     `json:"cache"`
	Timings    harTimings   `json:"timings"`
	Connection string       `json:"connection"`
	Journal    RequestFacts `json:"_journal"`
}

type harRequest struct {
	Method      string      `json:"method"`
	URL         string      `json:"url"`
	HTTPVersion string      `json:"httpVersion"`
	Cookies     []nameValue `json:"cookies"`
	Headers     []nameValue `json:"headers"`
	Query       []nameValue `json:"queryString"`
	PostData    *harBody    `json:"postData,omitempty"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

type harBody struct {
	MimeType string `json:"mimeType"`
	Text     string `json:"text"`
	// Encoding is base64 for a body that is not UTF-8. HAR 1.2 has an encoding for
	// content alone, so this field is an extension.
	Encoding string `json:"_encoding,omitempty"`
}

type harResponse struct {
	Status      int         `json:"status"`
	StatusText  string      `json:"statusText"`
	HTTPVersion string      `json:"httpVersion"`
	Cookies     []nameValue `json:"cookies"`
	Headers     []nameValue `json:"headers"`
	Content     harContent  `json:"content"`
	RedirectURL string      `json:"redirectURL"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

type harContent struct {
	Size     int    `json:"size"`
	MimeType string `json:"mimeType"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

// WriteHAR writes the requests of entries as HAR 1.2, and the refused
// handshakes under a key of their own. The journal does not keep answers: the
// file has their status and time, without headers and bodies.
func WriteHAR(w io.Writer, version string, entries, refused iter.Seq2[Entry, error]) error {
	buffered := bufio.NewWriter(w)
	creator, err := json.Marshal(map[string]string{"name": "httpdest", "version": version})
	if err != nil {
		return err
	}
	fmt.Fprintf(buffered, `{"log":{"version":"1.2","creator":%s,"entries":[`, creator)
	if err := writeList(buffered, entries, func(e Entry) any {
		if e.Request == nil {
			return nil
		}
		return harOf(e)
	}); err != nil {
		return err
	}
	_, _ = buffered.WriteString("\n],\"_refusedHandshakes\":[") // Flush returns the error
	if err := writeList(buffered, refused, func(e Entry) any {
		if e.Handshake == nil {
			return nil
		}
		return e.HandshakeFacts()
	}); err != nil {
		return err
	}
	_, _ = buffered.WriteString("\n]}}\n")
	return buffered.Flush()
}

// writeList writes what shape makes of the entries, a line each; nil leaves one
// out.
func writeList(w *bufio.Writer, entries iter.Seq2[Entry, error], shape func(Entry) any) error {
	separator := "\n"
	for e, err := range entries {
		if err != nil {
			return err
		}
		v := shape(e)
		if v == nil {
			continue
		}
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if _, err := w.WriteString(separator + string(text)); err != nil {
			return err
		}
		separator = ",\n"
	}
	return nil
}

func harOf(e Entry) harEntry {
	r := e.Request
	host, contentType := "mock.invalid", ""
	for _, h := range r.Headers {
		switch strings.ToLower(h.Name) {
		case "host":
			host = h.Value
		case "content-type":
			contentType = h.Value
		}
	}
	scheme := "http"
	if r.TLS != "" {
		scheme = "https"
	}
	h := harEntry{
		Started: written(r.Arrived), Time: millis(r.Arrived, r.Answered), Connection: fmt.Sprint(r.Socket), Journal: e.Facts(),
		Request: harRequest{Method: r.Method, URL: scheme + "://" + host + r.Target, HTTPVersion: r.Proto, Cookies: []nameValue{}, Headers: headersOf(r),
			Query: []nameValue{}, HeadersSize: len(r.Head), BodySize: len(r.Body)},
		Response: harResponse{Status: r.Status, StatusText: http.StatusText(r.Status), HTTPVersion: r.Proto, Cookies: []nameValue{}, Headers: []nameValue{},
			HeadersSize: -1, BodySize: -1},
	}
	h.Timings.Wait = h.Time
	if _, query, ok := strings.Cut(r.Target, "?"); ok {
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			h.Request.Query = append(h.Request.Query, nameValue{unescaped(name), unescaped(value)})
		}
	}
	if len(r.Body) > 0 {
		h.Request.PostData = &harBody{MimeType: contentType, Text: string(r.Body)}
		if h.Journal.BodyBase64 != "" {
			h.Request.PostData.Text, h.Request.PostData.Encoding = h.Journal.BodyBase64, "base64"
		}
	}
	h.Journal.BodyBase64 = ""
	return h
}

// unescaped decodes percent-encoding, and leaves anything else unchanged.
func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
