package capture

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// entry is what is read of an entry of a HAR 1.2 file. Fields of others,
// comments and what tools add are left alone.
type entry struct {
	Started *string  `json:"startedDateTime"`
	Time    *float64 `json:"time"` // ms in all; -1 where the tool does not know
	Request *struct {
		Method   *string            `json:"method"`
		URL      *string            `json:"url"`
		Version  string             `json:"httpVersion"`
		Headers  []recording.Header `json:"headers"`
		BodySize *int64             `json:"bodySize"` // -1 where the tool does not know
		Post     *harBody           `json:"postData"`
	} `json:"request"`
	Response *struct {
		Status *int `json:"status"` // 0 or less: no response came
	} `json:"response"`
	Kind    string          `json:"_resourceType"` // of browsers
	Journal json.RawMessage `json:"_journal"`      // of the mock endpoint, which keeps bodies as they are
}

// harBody is postData.
type harBody struct {
	MimeType string     `json:"mimeType"`
	Text     *octets    `json:"text"`
	Params   []harParam `json:"params"`
	// Encoding is base64 for a body that is not a text. HAR 1.2 knows it for
	// content alone, so that tools write it under either name.
	Encoding    string `json:"encoding"`
	OwnEncoding string `json:"_encoding"`
}

// harParam is a field of a form.
type harParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	File  string `json:"fileName"`
}

// found takes the entry apart. Missing parts are unknown.
func (e entry) found() found {
	var f found
	if e.Request == nil {
		f.kind = noRequest
		return f
	}
	q := &f.Request
	if e.Request.Method != nil {
		q.Method, f.Told.Method = *e.Request.Method, true
	}
	q.Proto = e.Request.Version
	for _, h := range e.Request.Headers {
		if !strings.HasPrefix(h.Name, ":") { // a pseudo-header of HTTP/2
			q.Headers = append(q.Headers, h)
		}
	}
	// Every request has a header: an empty list means that they are unknown.
	f.Told.Headers, f.Told.Credentials = len(e.Request.Headers) > 0, len(e.Request.Headers) > 0
	switch {
	case e.Response == nil:
		f.answered(0)
	case e.Response.Status != nil:
		f.answered(*e.Response.Status)
	}
	if e.Kind == "websocket" {
		f.kind = webSocket
	}
	for _, read := range []func(*found) error{e.address, e.times, e.body} {
		if err := read(&f); err != nil && f.err == nil {
			f.err = err
		}
	}
	return f
}

// address reads the URL.
func (e entry) address(f *found) (err error) {
	if e.Request.URL == nil {
		return nil
	}
	f.url = *e.Request.URL
	if f.Request.Target, err = target(f.url); err != nil {
		return err
	}
	f.Told.Target, f.Told.Query = true, true
	return nil
}

// times reads when the request was sent, and how long the exchange took.
func (e entry) times(f *found) error {
	if e.Started == nil {
		return nil
	}
	at, err := instant(*e.Started)
	if err != nil {
		return err
	}
	q := &f.Request
	q.At, q.AnsweredAt, f.Told.Time = at, at, true
	if e.Time != nil && *e.Time >= 0 && *e.Time <= maxMillis {
		q.AnsweredAt, f.Told.Duration = at.Add(millis(*e.Time)), true
	}
	return nil
}

// body takes in the body, where the tool kept it. An empty text is a body that
// was not kept, unless a size says that it was empty.
func (e entry) body(f *found) error {
	q, post := &f.Request, e.Request.Post
	size := e.Request.BodySize
	if lengths := values(q.Headers, "Content-Length"); len(lengths) == 1 {
		if n, err := strconv.ParseInt(lengths[0], 10, 64); err == nil {
			size = &n
		}
	}
	if post == nil {
		f.Told.Body = size != nil && *size == 0
		return nil
	}
	f.form = isForm(post.MimeType)
	switch {
	case post.Text == nil || *post.Text == "":
		if q.Body, f.Told.Body = post.rebuilt(); !f.Told.Body {
			f.Told.Body = size != nil && *size == 0 && len(post.Params) == 0
		}
	case post.Encoding == "base64" || post.OwnEncoding == "base64":
		text, err := decoded(string(*post.Text))
		if err != nil {
			return err
		}
		q.Body, f.Told.Body = text, true
	default:
		q.Body = string(*post.Text)
		f.Told.Body = size == nil || e.Journal != nil || !damaged(q.Body, *size)
	}
	return nil
}

// rebuilt is the body of a form, from its fields. The fields of a multipart
// body, and of JSON that a tool took for a form, do not tell the body.
func (b *harBody) rebuilt() (string, bool) {
	if len(b.Params) == 0 || !isForm(b.MimeType) && b.MimeType != "" {
		return "", false
	}
	pairs := make([]string, len(b.Params))
	for i, p := range b.Params {
		if p.File != "" || strings.HasPrefix(p.Name, "{") || strings.HasPrefix(p.Name, "[") {
			return "", false
		}
		pairs[i] = url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value)
	}
	return strings.Join(pairs, "&"), true
}

// damaged reports whether a tool changed a body of a known size: it cut JSON
// off, or replaced each byte that is not UTF-8.
func damaged(body string, size int64) bool {
	replaced := strings.Count(body, string(utf8.RuneError))
	switch {
	case replaced > 0 && size == int64(len(body)-replaced*(utf8.RuneLen(utf8.RuneError)-1)):
		return true
	case size <= int64(len(body)):
		return false
	}
	return cutOff(body)
}
