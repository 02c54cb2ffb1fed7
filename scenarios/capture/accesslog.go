package capture

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// nginxLine is a line of a JSON access log of nginx: its variables by their
// names, as texts or numbers.
type nginxLine map[string]json.RawMessage

// text is the first variable of these names that says something.
func (l nginxLine) text(names ...string) string {
	for _, name := range names {
		var text octets
		if json.Unmarshal(l[name], &text) != nil {
			text = octets(strings.TrimSpace(string(l[name]))) // a number
		}
		if text != "" && text != "-" && text != "null" {
			return string(text)
		}
	}
	return ""
}

// nginx reads a line of an access log. It is written when the exchange is over.
func (r *Reader) nginx(text []byte, n int) found {
	var l nginxLine
	if json.Unmarshal(text, &l) != nil {
		return r.neither(text, n)
	}
	if l.text("request_method", "request", "request_uri", "uri", "method") == "" {
		return r.neither(text, n)
	}
	f := l.found()
	return r.located(f, n, nil, "see `httpdest help judge` for the variables of nginx that are read")
}

func (l nginxLine) found() (f found) {
	method, rest, _ := strings.Cut(l.text("request"), " ")
	target, proto, _ := strings.Cut(rest, " ")
	if m := l.text("request_method", "method"); m != "" {
		method = m
	}
	t := exchangeLine{}
	if method != "" {
		t.Method = &method
	}
	if uri := l.text("request_uri"); uri != "" {
		target = uri
	}
	args, complete := "", target != ""
	if target == "" {
		target = l.text("uri", "path")
		if _, told := l["args"]; told {
			args, complete = l.text("args"), true
		} else if _, told := l["query_string"]; told {
			args, complete = l.text("query_string"), true
		}
	}
	if target != "" {
		if args != "" {
			target += "?" + args
		}
		t.Target = &target
	}
	f = t.found()
	f.Told.Query = f.Told.Query && complete
	host, scheme := l.text("host", "http_host"), l.text("scheme")
	if scheme == "" && l.text("http_host") == "" {
		scheme = "https" // for patterns: seldom logged
	}
	if host != "" && scheme != "" && strings.HasPrefix(target, "/") {
		f.url = scheme + "://" + host + target
	}
	f.Request.Proto = proto
	l.headers(&f)
	l.times(&f)
	l.body(&f)
	return f
}

// headers are those that are logged: $http_name, and the two of the body.
func (l nginxLine) headers(f *found) {
	names := make([]string, 0, len(l))
	for name := range l {
		if strings.HasPrefix(name, "http_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range append(names, "content_type", "content_length") {
		value := l.text(name)
		header := strings.ReplaceAll(strings.TrimPrefix(name, "http_"), "_", "-")
		if value != "" && values(f.Request.Headers, header) == nil {
			f.Request.Headers = append(f.Request.Headers, recording.Header{Name: header, Value: value})
		}
	}
	f.Told.Credentials = values(f.Request.Headers, "Authorization") != nil
}

// clientClosed is what nginx logs for a client that left before it was answered.
const clientClosed = 499

// times reads the status and when the request came: the log tells the end.
func (l nginxLine) times(f *found) {
	if status, ok := number(l["status"]); ok {
		if f.answered(int(status)); int(status) == clientClosed {
			f.answered(0)
		}
	}
	took, timed := number(l["request_time"])
	timed = timed && took >= 0 && took*1000 <= maxMillis
	for _, name := range []string{"msec", "time_iso8601", "time", "timestamp", "@timestamp", "time_local"} {
		value := l.text(name)
		if value == "" {
			continue
		}
		quoted, _ := json.Marshal(value) // a text can be marshalled
		end, err := moment(quoted)
		if err != nil {
			end, err = time.Parse("02/Jan/2006:15:04:05 -0700", value)
		}
		if err != nil {
			f.err = notInstant(value)
			return
		}
		f.ended(end.UTC(), took, timed)
		return
	}
}

// ended takes in the end of an exchange, and how long it took in seconds.
func (x *Exchange) ended(end time.Time, seconds float64, timed bool) {
	x.Request.At, x.Request.AnsweredAt, x.Told.Time, x.Told.Duration = end, end, true, timed
	if timed {
		x.Request.At = end.Add(-millis(seconds * 1000))
	}
}

// body is $request_body, which is empty where nginx kept it in a file.
func (l nginxLine) body(f *found) {
	length, known := number(json.RawMessage(l.text("content_length", "http_content_length")))
	f.Request.Body = l.text("request_body")
	switch {
	case f.Request.Body != "":
		f.Told.Body = !known || !damaged(f.Request.Body, int64(length))
	case known:
		f.Told.Body = length == 0
	}
}

// caddyLine is a line of Caddy's JSON log. Only those of the access log are
// exchanges.
type caddyLine struct {
	Logger  string          `json:"logger"`
	Time    json.RawMessage `json:"ts"`       // when the exchange was over
	Took    json.RawMessage `json:"duration"` // seconds, or a text such as "1.2ms"
	Status  *int            `json:"status"`
	Request *struct {
		Method  *string             `json:"method"`
		Host    string              `json:"host"`
		URI     *string             `json:"uri"`
		Proto   string              `json:"proto"`
		Headers map[string][]string `json:"headers"`
		TLS     *struct {
			CommonName string `json:"client_common_name"`
		} `json:"tls"`
	} `json:"request"`
}

// caddyRedacted stands for the value of a credential.
const caddyRedacted = "REDACTED"

// caddy reads a line of an access log.
func (r *Reader) caddy(text []byte, n int) (f found) {
	var l caddyLine
	wrong := json.Unmarshal(text, &l)
	if l.Request == nil {
		return r.neither(text, n)
	}
	if l.Logger != "" && !strings.HasPrefix(l.Logger, "http.log.access") {
		f.kind = logLine // of an error, whose exchange has a line of its own
		return f
	}
	return r.located(l.found(), n, wrong, "give the access log of Caddy, in JSON")
}

func (l caddyLine) found() found {
	q := l.Request
	f := exchangeLine{Method: q.Method, Target: q.URI}.found()
	if q.Host != "" && q.URI != nil {
		scheme := "http://"
		if q.TLS != nil {
			scheme = "https://"
		}
		f.url = scheme + q.Host + *q.URI
	}
	f.Request.Proto = q.Proto
	names := make([]string, 0, len(q.Headers))
	for name := range q.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	f.Told.Headers, f.Told.Credentials = len(names) > 0, len(names) > 0
	for _, name := range names {
		for _, value := range q.Headers[name] {
			f.Request.Headers = append(f.Request.Headers, recording.Header{Name: name, Value: value})
			f.Told.Credentials = f.Told.Credentials && value != caddyRedacted
		}
	}
	if q.TLS != nil && q.TLS.CommonName != "" {
		f.Request.Peer = &recording.Peer{CommonName: q.TLS.CommonName}
	}
	if l.Status != nil {
		f.answered(*l.Status)
	}
	l.times(&f)
	if lengths := values(f.Request.Headers, "Content-Length"); len(lengths) == 1 {
		f.Told.Body = lengths[0] == "0"
	}
	return f
}

func (l caddyLine) times(f *found) {
	if empty(l.Time) {
		return
	}
	end, err := moment(l.Time)
	if err != nil {
		f.err = err
		return
	}
	took, timed := number(l.Took)
	if !timed {
		var text string
		if json.Unmarshal(l.Took, &text) == nil {
			d, err := time.ParseDuration(text)
			took, timed = d.Seconds(), err == nil
		}
	}
	f.ended(end, took, timed && took >= 0 && took*1000 <= maxMillis)
}
