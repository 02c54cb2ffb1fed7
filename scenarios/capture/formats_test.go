package capture

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Samples of what other tools keep, each with a message and, where the tool has
// it, something else.
const (
	vegetaTargets = `{"method":"POST","url":"https://receiver.test/p?source=aep","body":"eyJhIjoxfQ==","header":{"Content-Type":["application/json"],"X-Tenant":["acme"]}}` + "\n" +
		`{"method":"GET","url":"https://receiver.test/health"}` + "\n" +
		`{"method":"POST","url":"https://receiver.test/p"}` + "\n"
	vegetaResults = `{"attack":"a","seq":0,"code":503,"timestamp":"2026-01-15T10:00:00.25+01:00","latency":120500000,"bytes_out":7,"bytes_in":0,"error":"503 Service Unavailable","body":"","method":"POST","url":"https://receiver.test/p","headers":{"Date":["x"]}}` + "\n" +
		`{"attack":"a","seq":1,"code":0,"timestamp":"2026-01-15T09:00:15Z","latency":2000000000,"bytes_out":0,"bytes_in":0,"error":"Post: context deadline exceeded","body":null,"method":"POST","url":"https://receiver.test/p","headers":null}` + "\n"
	webhookJSON = `{
  "data": [
    {"uuid": "5a0d", "type": "web", "token_id": "d8f5", "ip": "192.0.2.1", "hostname": "webhook.site", "method": "POST", "user_agent": "sender/1",
     "content": "{\"a\":1}", "query": {"source": "aep"}, "headers": {"content-type": ["application/json"], "x-tenant": ["acme"]},
     "url": "https://webhook.site/d8f5?source=aep", "size": 7, "files": [], "created_at": "2026-01-15 09:00:00", "sorting": 1768467600000000},
    {"uuid": "5a0e", "type": "email", "token_id": "d8f5", "content": "hello", "created_at": "2026-01-15 09:00:01"},
    {"uuid": "5a0f", "type": "web", "token_id": "d8f5", "method": "POST", "content": "", "size": 0, "query": [], "headers": {"content-type": ["application/x-www-form-urlencoded"]},
     "request": {"grant_type": "client_credentials", "scope": "a b"}, "url": "https://webhook.site/d8f5/token", "created_at": "2026-01-15 09:00:02"}
  ],
  "total": 3, "is_last_page": true
}`
	webhookCSV = "uuid,type,method,url,headers,content,created_at,size\n" +
		`5a0d,web,POST,https://webhook.site/d8f5?source=aep,"{""content-type"":[""application/json""]}","{` + "\n" + `""a"":1}",2026-01-15 09:00:00,8` + "\n" +
		`5a0e,web,GET,https://webhook.site/d8f5,,,2026-01-15 09:00:01,0` + "\n"
	requestBins = `[{"id":"1x","method":"POST","path":"/1x","remote_addr":"192.0.2.1","time":1768467600.25,"body":"{\"a\":1}","content_length":7,"content_type":"application/json",
  "form_data":[],"query_string":{"source":["aep"]},"headers":{"Content-Type":"application/json"}},
 {"id":"1y","method":"GET","path":"/favicon.ico","remote_addr":"192.0.2.1","time":1768467601,"body":"","content_length":0,"form_data":[],"query_string":{},"headers":{"Accept":"*/*"}}]`
	pipedream = `{"trigger":{"context":{"ts":"2026-01-15T09:00:00.250Z"},"event":{"method":"POST","path":"/p","query":{},"client_ip":"192.0.2.1","url":"https://en1.m.pipedream.test/p",
 "headers":{"host":"en1.m.pipedream.test","content-type":"application/json"},"bodyRaw":"{\"a\": 1}","body":{"a":1}}}}` + "\n" +
		`{"id":"2","indexed_at_ms":1768467601000,"event":{"e":{"method":"POST","path":"/p","client_ip":"192.0.2.1","headers":{"content-type":"application/json"},"body":{"a":1},"inferred_body_type":"JSON","query":{"source":"aep"}}}}`
	nginxLog = `{"time_iso8601":"2026-01-15T10:00:02+01:00","msec":"1768467602.125","remote_addr":"192.0.2.1","request":"POST /p?source=aep HTTP/1.1","status":"503","request_time":"2.125","http_user_agent":"sender/1","http_content_type":"application/json","http_host":"receiver.test","request_body":"-"}` + "\n" +
		`{"time_local":"15/Jan/2026:10:00:15 +0100","request_method":"POST","uri":"/p","status":499,"request_time":1.5,"content_type":"application/json","content_length":"7","request_body":"{\"a\":1}","scheme":"https","host":"receiver.test"}` + "\n" +
		`{"level":"warn","msg":"signal process started"}` + "\n" +
		`{"request_method":"GET","request_uri":"/health","status":"200"}` + "\n"
	caddyLog = `{"level":"info","ts":1768467590.5,"msg":"using adjacent Caddyfile"}` + "\n" +
		`{"level":"info","ts":1768467602.125,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.1","proto":"HTTP/1.1","method":"POST","host":"receiver.test","uri":"/p?source=aep","headers":{"Content-Type":["application/json"],"Authorization":["REDACTED"],"Content-Length":["7"]},"tls":{"version":772,"client_common_name":"sender"}},"bytes_read":7,"duration":2.125,"size":0,"status":503}` + "\n" +
		`{"level":"error","ts":1768467602.2,"logger":"http.log.error","msg":"dial tcp","request":{"method":"POST","uri":"/p"},"status":502}` + "\n" +
		`{"level":"info","ts":"2026-01-15T09:00:17.000Z","logger":"http.log.access","msg":"handled request","request":{"method":"POST","host":"receiver.test","uri":"/p","headers":{"Content-Type":["application/json"]}},"duration":"12.5ms","status":200}` + "\n"
)

func at(seconds float64) time.Time { return nine.Add(time.Duration(seconds * float64(time.Second))) }

func header(pairs ...string) (out []recording.Header) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, recording.Header{Name: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// Files of other tools are recognised, with all the parts that they keep.
func TestFormatsOfOthers(t *testing.T) {
	url := Told{Method: true, Target: true, Query: true}
	and := func(told Told, change func(*Told)) Told {
		change(&told)
		return told
	}
	kept := func(t *Told) { t.Headers, t.Credentials, t.Body, t.Time = true, true, true, true }
	answered := func(t *Told) { t.Time, t.Duration, t.Status = true, true, true }
	for _, tt := range []struct {
		name, file, text string
		format           Format
		left             string
		want             []Exchange
	}{
		{name: "targets of Vegeta", file: "f.json", text: vegetaTargets, format: Vegeta, left: "1 GET", want: []Exchange{
			{Line: 1, Told: and(url, func(t *Told) { t.Body, t.Credentials = true, true }), Request: recording.Request{Method: "POST", Target: "/p?source=aep", Body: `{"a":1}`,
				Headers: header("Content-Type", "application/json", "X-Tenant", "acme")}},
			{Line: 3, Told: url, Request: recording.Request{Method: "POST", Target: "/p"}}}},
		{name: "a target without headers", file: "f", text: `{"method":"POST","url":"https://h.test/p","body":"eyJhIjoxfQ"}`, format: Vegeta, want: []Exchange{
			{Line: 1, Told: and(url, func(t *Told) { t.Body = true }), Request: recording.Request{Method: "POST", Target: "/p", Body: `{"a":1}`}}}},
		{name: "an exchange, and not a target", file: "f", text: `{"method":"POST","url":"https://h.test/p","body":"null"}`, format: NDJSON, want: []Exchange{
			{Line: 1, Told: and(url, func(t *Told) { t.Body = true }), Request: recording.Request{Method: "POST", Target: "/p", Body: `null`}}}},
		{name: "results of Vegeta", file: "f.json", text: vegetaResults, format: VegetaResults, want: []Exchange{
			{Line: 1, Told: and(url, answered), Request: recording.Request{Method: "POST", Target: "/p", Status: 503, At: at(0.25), AnsweredAt: at(0.3705)}},
			{Line: 2, Told: and(url, func(t *Told) { answered(t); t.Body = true }), Request: recording.Request{Method: "POST", Target: "/p", Disconnected: true, At: at(15), AnsweredAt: at(17)}}}},
		{name: "webhook.site", file: "f.json", text: webhookJSON, format: WebhookSite, left: "1 email, 1 token request", want: []Exchange{
			{Line: 3, Told: and(url, kept), Request: recording.Request{Method: "POST", Target: "/d8f5?source=aep", Body: `{"a":1}`, At: nine, AnsweredAt: nine,
				Headers: header("content-type", "application/json", "x-tenant", "acme")}}}},
		{name: "webhook.site in CSV", file: "f.csv", text: webhookCSV, format: WebhookSite, left: "1 GET", want: []Exchange{
			{Line: 2, Told: and(url, kept), Request: recording.Request{Method: "POST", Target: "/d8f5?source=aep", Body: "{\n\"a\":1}", At: nine, AnsweredAt: nine,
				Headers: header("content-type", "application/json")}}}},
		{name: "RequestBin", file: "f.json", text: requestBins, format: RequestBin, left: "1 GET", want: []Exchange{
			{Line: 1, Told: and(url, func(t *Told) { kept(t); t.Query = false }), Request: recording.Request{Method: "POST", Target: "/1x", Body: `{"a":1}`, At: at(0.25), AnsweredAt: at(0.25),
				Headers: header("Content-Type", "application/json")}}}},
		{name: "Pipedream", file: "f.json", text: pipedream, format: RequestBin, want: []Exchange{
			{Line: 1, Told: and(url, kept), Request: recording.Request{Method: "POST", Target: "/p", Body: `{"a": 1}`, At: at(0.25), AnsweredAt: at(0.25),
				Headers: header("host", "en1.m.pipedream.test", "content-type", "application/json")}},
			{Line: 3, Told: and(url, func(t *Told) { kept(t); t.Query = false }), Request: recording.Request{Method: "POST", Target: "/p", Body: `{"a":1}`, At: at(1), AnsweredAt: at(1),
				Headers: header("content-type", "application/json")}}}},
		{name: "nginx", file: "access.log", text: nginxLog, format: Nginx, left: "1 GET, 1 log line", want: []Exchange{
			{Line: 1, Told: and(url, answered), Request: recording.Request{Method: "POST", Target: "/p?source=aep", Proto: "HTTP/1.1", Status: 503, At: nine, AnsweredAt: at(2.125),
				Headers: header("content-type", "application/json", "host", "receiver.test", "user-agent", "sender/1")}},
			{Line: 2, Told: and(url, func(t *Told) { answered(t); t.Query, t.Body = false, true }), Request: recording.Request{Method: "POST", Target: "/p", Body: `{"a":1}`, Disconnected: true,
				At: at(13.5), AnsweredAt: at(15), Headers: header("content-type", "application/json", "content-length", "7")}}}},
		{name: "Caddy", file: "access.log", text: caddyLog, format: Caddy, left: "2 log lines", want: []Exchange{
			{Line: 2, Told: and(url, func(t *Told) { answered(t); t.Headers = true }), Request: recording.Request{Method: "POST", Target: "/p?source=aep", Proto: "HTTP/1.1", Status: 503, At: nine, AnsweredAt: at(2.125),
				Headers: header("Authorization", "[redacted]", "Content-Length", "7", "Content-Type", "application/json"), Peer: &recording.Peer{CommonName: "sender"}}},
			{Line: 4, Told: and(url, func(t *Told) { answered(t); t.Headers, t.Credentials = true, true }), Request: recording.Request{Method: "POST", Target: "/p", Status: 200, At: at(16.9875), AnsweredAt: at(17),
				Headers: header("Content-Type", "application/json")}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, format := range []Format{Auto, tt.format} {
				got, r, err := all(tt.file, tt.text, Options{Format: format})
				if err != nil || r.Format() != tt.format {
					t.Fatalf("%v, format %s; want %s", err, r.Format(), tt.format)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if left := strings.Join(r.LeftOut(), ", "); left != tt.left {
					t.Errorf("left out %q; want %q", left, tt.left)
				}
			}
		})
	}
}

// A part that a file of another tool lacks, or has in another form, is reported
// with its place.
func TestProblemsOfOthers(t *testing.T) {
	known := "known formats: " + strings.Join(Formats[1:], ", ")
	for _, tt := range []struct {
		name   string
		format Format
		text   string
		want   string
	}{
		{"a target with another key", Vegeta, vegetaTargets + `{"method":"POST","url":"/","headers":{}}`, `f:4:1: unknown field "headers"`},
		{"a target that is not base64", Vegeta, `{"method":"POST","url":"/","body":"{}"}`, "f:1:1: the body is not base64"},
		{"a result that is cut off", VegetaResults, vegetaResults + `{"code":2`, "f:3:9: not JSON: unexpected end of JSON input"},
		{"a result without a time", VegetaResults, `{"code":200,"timestamp":"now","latency":1}`, `f:1:1: the time "now" is not ISO 8601 with a zone`},
		{"a line that is not a result", VegetaResults, `{"total":1}`, "f:1:1: line 1 is JSON without method, url or body; " + known},
		{"an export that is cut off", WebhookSite, webhookJSON[:len(webhookJSON)-3], "f:10:34: not JSON: the file ends too soon"},
		{"an export of something else", WebhookSite, `{"data":[{"name":"x"}]}`, "f:1:1: line 1 is JSON without method, url or body; " + known},
		{"a time of day", WebhookSite, "[\n" + `{"uuid":"1","method":"POST","content":"{}","created_at":"09:00"}]`, `f:2:1: the time "09:00" is not ISO 8601 with a zone`},
		{"a record with too few columns", WebhookSite, webhookCSV + "a,b\n", "f:5:1: not CSV: wrong number of fields"},
		{"a quote in the middle", WebhookSite, webhookCSV + "a\"b,web\n", "f:5:2: not CSV: bare \" in non-quoted-field"},
		{"a list that is cut off", RequestBin, requestBins[:len(requestBins)-1], "f:3:183: not JSON: the file ends too soon"},
		{"a time in words", RequestBin, `{"method":"POST","path":"/","body":"{}","time":"soon"}`, `f:1:1: the time "soon" is not ISO 8601 with a zone`},
		{"an event that is a number", RequestBin, `[{"e":7}]`, "f:1:1: line 1 is JSON without method, url or body; " + known},
		{"a time of its own", Nginx, `{"request_method":"POST","time":"15 Jan"}`, `f:1:1: the time "15 Jan" is not ISO 8601 with a zone`},
		{"a line without variables of nginx", Nginx, `{"bytes":"7"}`, "f:1:1: line 1 is JSON without method, url or body; " + known},
		{"the combined format", Nginx, `192.0.2.1 - - [15/Jan/2026:10:00:15 +0100] "POST /p HTTP/1.1" 200 0`, "f:1:6: not JSON: invalid character '.' after top-level value"},
		{"a status in words", Caddy, `{"logger":"http.log.access","request":{"method":"POST"},"status":"ok"}`, "f:1:69: status must be a number"},
		{"a time in words", Caddy, `{"ts":"soon","request":{"method":"POST"},"status":200}`, `f:1:1: the time "soon" is not ISO 8601 with a zone`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := all("f", tt.text, Options{Format: tt.format})
			var problems scenarios.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v; want a problem with a place", err)
			}
			if got, _, _ := strings.Cut(err.Error(), "\n"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// fuzzFormat reads anything as a format: it ends, and every error has a place.
func fuzzFormat(f *testing.F, format Format, samples ...string) {
	for _, s := range samples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := all("f", text, Options{Format: format, Bearer: "s3cret", URLs: []string{"*"}})
		var problems scenarios.Problems
		if err != nil && (!errors.As(err, &problems) || problems[0].Pos.Line < 1 || problems[0].Pos.Column < 1) {
			t.Errorf("an error without a place: %v", err)
		}
		for _, x := range got {
			if x.Line < 1 || x.Line > strings.Count(text, "\n")+1 {
				t.Errorf("an exchange in line %d", x.Line)
			}
			if !x.Message() || x.Request.Status < 0 || !x.Told.Status && x.Request.Status != 0 || !x.Told.Time && !x.Request.At.IsZero() {
				t.Errorf("%+v", x)
			}
		}
	})
}

func FuzzHAR(f *testing.F) {
	fuzzFormat(f, HAR, har, harOf(harRequest("POST", "/p", formHeaders+`,"postData":{"params":[{"name":"a","value":"b"}]}`)))
}
func FuzzNDJSON(f *testing.F) {
	fuzzFormat(f, NDJSON, body, `{"method":"POST","headers":[{}],"body":"x","status":0,"durationMs":1}`, `{"url":"/","bodyBase64":"Wm/p","time":"2026-01-15T09:00:00Z"}`)
}
func FuzzVegeta(f *testing.F)        { fuzzFormat(f, Vegeta, vegetaTargets) }
func FuzzVegetaResults(f *testing.F) { fuzzFormat(f, VegetaResults, vegetaResults) }
func FuzzWebhookSite(f *testing.F)   { fuzzFormat(f, WebhookSite, webhookJSON, webhookCSV) }
func FuzzRequestBin(f *testing.F)    { fuzzFormat(f, RequestBin, requestBins, pipedream) }
func FuzzNginx(f *testing.F)         { fuzzFormat(f, Nginx, nginxLog) }
func FuzzCaddy(f *testing.F)         { fuzzFormat(f, Caddy, caddyLog) }
