package capture

import (
	"encoding/json"
	"strings"
	"time"
)

// vegetaTarget is a line of `vegeta attack -format=json`.
type vegetaTarget struct {
	Method *string         `json:"method"`
	URL    *string         `json:"url"`
	Body   *string         `json:"body"` // base64
	Header json.RawMessage `json:"header"`
}

// vegetaTarget reads a target: a request that is to be sent. The attack may add
// headers, and a body to a target without one.
func (r *Reader) vegetaTarget(text []byte, n int) (f found) {
	var t vegetaTarget
	wrong := strictly(text, &t)
	f = exchangeLine{Method: t.Method, URL: t.URL, BodyBase64: t.Body, Headers: t.Header}.found()
	f.Told.Headers = false
	return r.located(f, n, wrong, "a target of Vegeta has the keys method, url, header and body, which is in base64")
}

// vegetaResult is a line of `vegeta encode -to json`. Its body and its headers
// are those of the response.
type vegetaResult struct {
	Method    *string  `json:"method"`
	URL       *string  `json:"url"`
	Code      *int     `json:"code"` // 0: no response came
	Timestamp *string  `json:"timestamp"`
	Latency   *float64 `json:"latency"`   // ns
	BytesOut  *int64   `json:"bytes_out"` // of the request body
}

// vegetaResult reads what became of a request.
func (r *Reader) vegetaResult(text []byte, n int) (f found) {
	var v vegetaResult
	wrong := json.Unmarshal(text, &v)
	if v.Code == nil && v.Latency == nil && wrong == nil {
		return r.neither(text, n)
	}
	t := exchangeLine{Method: v.Method, URL: v.URL, Time: v.Timestamp, Status: v.Code}
	if v.Latency != nil {
		t.DurationMs = new(*v.Latency / float64(time.Millisecond))
	}
	if v.Method != nil && *v.Method == "" {
		t.Method = nil // older versions do not tell it
	}
	if v.URL != nil && *v.URL == "" {
		t.URL = nil
	}
	f = t.found()
	f.Told.Body = v.BytesOut != nil && *v.BytesOut == 0
	return r.located(f, n, wrong, "write results with vegeta encode -to json")
}

// located gives the error of an entry its place and hint.
func (r *Reader) located(f found, line int, wrong error, hint string) found {
	switch {
	case wrong != nil:
		f.err = r.problem(line, column(wrong), hint, "%s", reason(wrong))
	case f.err != nil:
		f.err = r.problem(line, 1, hint, "%s", f.err)
	}
	return f
}

// neither leaves a line of a log out and refuses anything else.
func (r *Reader) neither(text []byte, n int) (f found) {
	if sort(text) == sortLog {
		f.kind = logLine
		return f
	}
	f.err = r.unknown(n, text)
	return f
}

// strictly decodes a value that has no other keys.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
