package capture

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// all reads a capture to its end.
func all(name, text string, o Options) ([]Exchange, *Reader, error) {
	r, err := NewReader(name, strings.NewReader(text), o)
	if err != nil {
		return nil, nil, err
	}
	var out []Exchange
	for {
		x, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r, nil
		}
		if err != nil {
			return out, r, err
		}
		out = append(out, x)
	}
}

const body = `{"segmentMembership":{},"identityMap":{"ecid":[{"id":"1"}]}}`

const run = `{"run":{"schema":"httpdest/recording/v1","scenario":"mock","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"mock","side":"endpoint"}}` + "\n"

const har = `{
  "log": {
    "version": "1.2", "creator": {"name": "proxy", "version": "1"}, "pages": [],
    "entries": [
      {"startedDateTime": "2026-01-15T10:00:00.000+01:00", "time": 120.5, "_own": 1,
       "request": {"method": "POST", "url": "https://user:pw@receiver.test/profiles?source=aep", "httpVersion": "HTTP/2",
                   "headers": [{"name": ":method", "value": "POST"}, {"name": "authorization", "value": "Bearer s3cret"}],
                   "postData": {"mimeType": "application/json", "text": "{\"token\":\"s3cret\"}"}},
       "response": {"status": 503, "headers": []}},
      {"startedDateTime": "2026-01-15T09:00:15Z", "time": -1,
       "request": {"method": "POST", "url": "https://receiver.test", "headers": [], "postData": {"text": "e30=", "encoding": "base64"}},
       "response": {"status": 0}}
    ]
  }
}`

var nine = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

// Every format gives the parts it contains, no others, and no credential.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		bearer           string
		format           Format
		want             []Exchange
	}{
		{name: "a body on a line", file: "f.jsonl", text: "\n" + body + "\n", format: NDJSON, want: []Exchange{{Line: 2, Told: Told{Body: true}, Request: recording.Request{Body: body}}}},
		{name: "a file that is one body", file: "f.json", text: "{\n \"identityMap\": {},\n}\n", format: Body,
			want: []Exchange{{Line: 1, Told: Told{Body: true}, Request: recording.Request{Body: "{\n \"identityMap\": {},\n}\n"}}}},
		{name: "a file that is one exchange", file: "f.json", text: "{\n \"method\": \"POST\",\n \"body\": {}\n}\n", format: Body,
			want: []Exchange{{Line: 1, Told: Told{Method: true, Body: true}, Request: recording.Request{Method: "POST", Body: "{}"}}}},
		{name: "a file that is a list of exchanges", file: "f.json", text: "[\n {\"body\": {}},\n {\"body\": []}\n]\n", format: Body, want: []Exchange{
			{Line: 2, Told: Told{Body: true}, Request: recording.Request{Body: "{}"}}, {Line: 3, Told: Told{Body: true}, Request: recording.Request{Body: "[]"}}}},
		{name: "a file that is a list of profiles", file: "f.json", text: "[\n" + body + "]\n", format: Body,
			want: []Exchange{{Line: 1, Told: Told{Body: true}, Request: recording.Request{Body: "[\n" + body + "]\n"}}}},
		{name: "lines in a file called .json", file: "f.json", text: body + "\n" + body, format: NDJSON,
			want: []Exchange{{Line: 1, Told: Told{Body: true}, Request: recording.Request{Body: body}}, {Line: 2, Told: Told{Body: true}, Request: recording.Request{Body: body}}}},
		{name: "an exchange", file: "f.ndjson", bearer: "s3cret", format: NDJSON,
			text: "\xef\xbb\xbf" + `{"method":"POST","url":"https://receiver.test/p?k=s3cret","headers":{"B":"2","Authorization":"Bearer s3cret","A":["1","0"]},` +
				`"body":"{\"x\":\"s3cret\"","status":200,"time":"2026-01-15T09:00:00Z","durationMs":1500,"clientCertificate":"sender"}`,
			want: []Exchange{{Line: 1, Told: whole, Request: recording.Request{Method: "POST", Target: "/p?k=[redacted]",
				Headers: []recording.Header{{Name: "B", Value: "2"}, {Name: "Authorization", Value: "Bearer [redacted]"}, {Name: "A", Value: "1"}, {Name: "A", Value: "0"}},
				Body:    `{"x":"[redacted]"`, Status: 200, At: nine, AnsweredAt: nine.Add(1500 * time.Millisecond), Authorization: "accepted", Peer: &recording.Peer{CommonName: "sender"}}}}},
		{name: "a list of headers", file: "f.ndjson", bearer: "s3cret", format: NDJSON, text: `{"target":"/p","headers":[{"name":"A","value":"1"}],"body":` + body + `,"status":0}`,
			want: []Exchange{{Line: 1, Told: Told{Target: true, Query: true, Headers: true, Credentials: true, Body: true, Status: true}, Request: recording.Request{Target: "/p", Body: body,
				Headers: []recording.Header{{Name: "A", Value: "1"}}, Disconnected: true, Authorization: "missing"}}}},
		{name: "HAR", file: "f", text: har, bearer: "s3cret", format: HAR, want: []Exchange{
			{Line: 5, Told: whole, Request: recording.Request{Method: "POST", Target: "/profiles?source=aep", Proto: "HTTP/2",
				Headers: []recording.Header{{Name: "authorization", Value: "Bearer [redacted]"}}, Body: `{"token":"[redacted]"}`, Status: 503,
				At: nine, AnsweredAt: nine.Add(120500 * time.Microsecond), Authorization: "accepted"}},
			{Line: 10, Told: Told{Method: true, Target: true, Query: true, Body: true, Time: true, Status: true}, Request: recording.Request{Method: "POST", Target: "/", Body: "{}",
				At: nine.Add(15 * time.Second), AnsweredAt: nine.Add(15 * time.Second), Disconnected: true}}}},
		{name: "a recording", file: "f", format: Recording,
			text: run + `{"handshake":{"socket":1,"reason":"not-tls"}}` + "\n" + `{"request":{"method":"POST","target":"/p","body":"{}","status":200}}` + "\n" + `{"end":{}}` + "\n",
			want: []Exchange{{Line: 3, Told: whole, Request: recording.Request{Method: "POST", Target: "/p", Body: "{}", Status: 200}}}},
		{name: "nothing", file: "f.ndjson", format: NDJSON},
		{name: "nothing in .json", file: "f.json", format: Body},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, r, err := all(tt.file, tt.text, Options{Bearer: tt.bearer})
			if err != nil || r.Format() != tt.format {
				t.Fatalf("%v, format %s; want %s", err, r.Format(), tt.format)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(got), "s3cret") {
				t.Errorf("the token is in %v", got)
			}
		})
	}
}

// A part that a file leaves out is untold; a file that tells every part but one
// leaves the others as they are.
func TestUntold(t *testing.T) {
	const times = `"startedDateTime":"2026-01-15T09:00:00Z"`
	har := func(entry, request, response string) string {
		return `{"log":{"entries":[{` + times + entry + `,"request":{"method":"POST","url":"/p"` + request + `},"response":{` + response + `}}]}}`
	}
	const headers, post, ok = `,"headers":[{"name":"A","value":"1"}]`, `,"postData":{"text":"{}"}`, `"status":200`
	without := func(change func(*Told)) Told {
		told := whole
		change(&told)
		return told
	}
	for _, tt := range []struct {
		name, file, text string
		want             Told
		noAnswer         bool
	}{
		{name: "everything", file: "f.har", text: har(`,"time":1`, headers+post, ok), want: whole},
		{name: "no headers", file: "f.har", text: har(`,"time":1`, `,"headers":[],"headersSize":-1`+post, ok),
			want: without(func(t *Told) { t.Headers, t.Credentials = false, false })},
		{name: "headers left out", file: "f.har", text: har(`,"time":1`, post, ok), want: without(func(t *Told) { t.Headers, t.Credentials = false, false })},
		{name: "a time that is null", file: "f.har", text: har(`,"time":null`, headers+post, ok), want: without(func(t *Told) { t.Duration = false })},
		{name: "a time of -1", file: "f.har", text: har(`,"time":-1`, headers+post, ok), want: without(func(t *Told) { t.Duration = false })},
		{name: "no status", file: "f.har", text: har(`,"time":1`, headers+post, `"headers":[]`), want: without(func(t *Told) { t.Status = false })},
		{name: "status 0", file: "f.har", text: har(`,"time":1`, headers+post, `"status":0`), want: whole, noAnswer: true},
		{name: "status -1", file: "f.har", text: har(`,"time":1`, headers+post, `"status":-1`), want: whole, noAnswer: true},
		{name: "status -999", file: "f.har", text: har(`,"time":1`, headers+post, `"status":-999`), want: whole, noAnswer: true},
		{name: "an empty body", file: "f.har", text: har(`,"time":1`, headers+`,"bodySize":0`, ok), want: whole},
		{name: "a body not kept", file: "f.har", text: har(`,"time":1`, headers+`,"bodySize":214,"postData":{"mimeType":"application/json"}`, ok),
			want: without(func(t *Told) { t.Body = false })},
		{name: "a body kept as an empty text", file: "f.har", text: har(`,"time":1`, headers+`,"bodySize":214,"postData":{"text":""}`, ok),
			want: without(func(t *Told) { t.Body = false })},
		{name: "no body and no size", file: "f.har", text: har(`,"time":1`, headers, ok), want: without(func(t *Told) { t.Body = false })},
		{name: "a line without a body", file: "f.ndjson", text: `{"method":"POST","target":"/p","headers":{"A":"1"},"status":-1,"time":"2026-01-15T09:00:00Z","durationMs":1}`,
			want: without(func(t *Told) { t.Body = false }), noAnswer: true},
		{name: "a line with a body that is null", file: "f.ndjson", text: `{"method":"POST","body":null}`, want: Told{Method: true}},
		{name: "a line with an empty body", file: "f.ndjson", text: `{"body":""}`, want: Told{Body: true}},
		{name: "a line with headers that are empty", file: "f.ndjson", text: `{"method":"POST","headers":{}}`, want: Told{Method: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := all(tt.file, tt.text, Options{})
			if err != nil || len(got) != 1 {
				t.Fatalf("%d exchanges, %v", len(got), err)
			}
			if diff := cmp.Diff(tt.want, got[0].Told); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r := got[0].Request; r.Disconnected != tt.noAnswer || r.Status < 0 {
				t.Errorf("status %d, disconnected %v", r.Status, r.Disconnected)
			}
		})
	}
}

// A mistake is told with its place, and without the text around it, which may
// hold a credential.
func TestProblems(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want, hint string }{
		{"a line that is not JSON", "f.ndjson", body + "\n{\"body\": s3cret}", "f.ndjson:2:10: not JSON: invalid character 's' looking for beginning of value", "as a text"},
		{"an unknown key", "f.ndjson", `{"methd":"POST","body":"s3cret"}`, `f.ndjson:1:1: unknown field "methd"`, `did you mean "method"?`},
		{"a status in words", "f.ndjson", `{"method":"POST","status":"s3cret"}`, "f.ndjson:1:34: status must be a number", ""},
		{"a time of day", "f.ndjson", `{"method":"POST","time":"noon"}`, `f.ndjson:1:1: the time "noon" is not ISO 8601 with a zone`, ""},
		{"a negative duration", "f.ndjson", `{"method":"POST","durationMs":-1}`, "f.ndjson:1:1: durationMs -1 is not a duration of at most a day", ""},
		{"no status", "f.ndjson", `{"method":"POST","status":42}`, "f.ndjson:1:1: 42 is not an HTTP status", ""},
		{"headers that are not texts", "f.ndjson", `{"method":"POST","headers":{"A":1}}`, `f.ndjson:1:1: the header "A" must be a text or a list of texts`, ""},
		{"headers of another kind", "f.ndjson", `{"method":"POST","headers":"A: s3cret"}`, `f.ndjson:1:1: headers must be {"Name": "value"} or [{"name": …, "value": …}]`, ""},
		{"both url and target", "f.ndjson", `{"url":"https://a","target":"/"}`, "f.ndjson:1:1: url and target exclude each other", ""},
		{"not a URL", "f.ndjson", `{"url":"s3cret"}`, "f.ndjson:1:1: url is neither an absolute URL nor a path", ""},
		{"a number as a body", "f.ndjson", `{"body":7}`, "f.ndjson:1:1: body must be a text, an object or a list", ""},
		{"a file of something else", "f.json", "{\n \"secret\": \"s3cret\"}", "f.json:1:1: line 1 is JSON without method, url or body; known formats: " + strings.Join(Formats[1:], ", "), "jq"},
		{"a HAR that is cut off", "f.har", har[:len(har)-5], "f.har:14:1: not JSON: the file ends too soon", "export the HAR file again"},
		{"a HAR that is cut off in an entry", "f.har", har[:strings.Index(har, "503")], "f.har:9:31: not JSON: the file ends too soon", ""},
		{"a HAR without entries", "f.har", `{"log": {"version": "1.2"}}`, `f.har:1:26: no key "entries"`, ""},
		{"a HAR without a log", "f.har", "[]", "f.har:1:2: an object is missing", ""},
		{"an entry with a time of day", "f.har", strings.Replace(har, "2026-01-15T09:00:15Z", "09:00:15", 1),
			`f.har:10:7: the time "09:00:15" is not ISO 8601 with a zone`, "HAR 1.2"},
		{"an entry with a status in words", "f.har", strings.Replace(har, `503`, `"s3cret"`, 1), "f.har:9:38: response.status must be a number", ""},
		{"a recording with a broken line", "f.jsonl", run + "{\"request\":{]}\n" + `{"end":{}}`, "f.jsonl:2:1: invalid character ']' looking for beginning of object key string", ""},
		{"a recording of another version", "f.jsonl", strings.Replace(run, "/v1", "/v9", 1), `f.jsonl:1:1: schema "httpdest/recording/v9"; this version reads httpdest/recording/v1`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := all(tt.file, tt.text, Options{})
			var problems scenarios.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v; want a problem with a place", err)
			}
			got, hint, _ := strings.Cut(err.Error(), "\n")
			if got != tt.want || !strings.Contains(hint, tt.hint) || strings.Contains(strings.ReplaceAll(got, "'s'", ""), "s3cret") {
				t.Errorf("got %s\nwant %s (hint %q, want %q)", got, tt.want, hint, tt.hint)
			}
		})
	}
}

// A cut off file is read as far as it goes, and reported as cut off.
func TestCutOffRecording(t *testing.T) {
	request := `{"request":{"method":"POST","body":"{}","status":200}}` + "\n"
	for _, text := range []string{run + request, run + request + request[:20]} {
		got, r, err := all("f", text, Options{})
		if err != nil || len(got) != 1 || !r.CutOff() || r.End() != nil || r.Run() == nil {
			t.Errorf("%d exchanges, cut off %v, %v; want one that was", len(got), r.CutOff(), err)
		}
	}
}

// Which requests carry a message.
func TestMessage(t *testing.T) {
	form := []recording.Header{{Name: "content-type", Value: "application/x-www-form-urlencoded; charset=UTF-8"}}
	for _, tt := range []struct {
		r    recording.Request
		want bool
	}{
		{recording.Request{Method: "POST", Body: "{}"}, true},
		{recording.Request{Method: "POST"}, true}, // an empty body is not JSON
		{recording.Request{Body: "{}"}, true},
		{recording.Request{Method: "GET", Body: "{}"}, true},
		{recording.Request{Method: "OPTIONS"}, false},
		{recording.Request{Method: "GET"}, false},
		{recording.Request{Method: "POST", Headers: form, Body: "grant_type=client_credentials"}, false},
		{recording.Request{Method: "POST", Headers: form, Body: "{}"}, true},
	} {
		if got := (Exchange{Request: tt.r}).Message(); got != tt.want {
			t.Errorf("Message of %+v = %v", tt.r, got)
		}
	}
}

// endless is a HAR file of n entries, made as it is read.
type endless struct {
	entries int
	rest    []byte
	read    int64
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.rest) == 0 {
		switch {
		case e.read == 0:
			e.rest = []byte("{\"log\":{\"entries\":[\n")
		case e.entries > 0:
			comma := ","
			if e.entries--; e.entries == 0 {
				comma = ""
			}
			e.rest = []byte(`{"startedDateTime":"2026-01-15T09:00:00Z","time":1,"request":{"method":"POST","url":"/","postData":{"text":"` +
				strings.Repeat("x", 1000) + `"}},"response":{"status":200}}` + comma + "\n")
		case e.entries == 0:
			e.entries = -1
			e.rest = []byte("]}}")
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest, e.read = e.rest[n:], e.read+int64(n)
	return n, nil
}

// A file is read as it comes: 50 MB leave nothing behind.
func TestHARIsStreamed(t *testing.T) {
	const n = 50_000
	r, err := NewReader("f.har", &endless{entries: n}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for {
		x, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last = x.Line
	}
	if last != n+1 {
		t.Errorf("the last entry is in line %d; want %d", last, n+1)
	}
}

// Whatever a file holds, reading it ends, and every error has a place.
func FuzzReader(f *testing.F) {
	for _, text := range []string{body, har, run, "[" + body + "]", `{"method":"POST","headers":[{}],"body":"x","status":0,"durationMs":1}`, har[:200], "\xef\xbb\xbf{}"} {
		for _, name := range []string{"f.har", "f.json", "f.ndjson"} {
			f.Add(name, text)
		}
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		got, _, err := all(name, text, Options{Bearer: "s3cret"})
		var problems scenarios.Problems
		if err != nil && (!errors.As(err, &problems) || problems[0].Pos.Line < 1 || problems[0].Pos.Column < 1) {
			t.Errorf("an error without a place: %v", err)
		}
		lines := strings.Count(text, "\n") + 1
		for i, x := range got {
			if x.Line < 1 || x.Line > lines || i > 0 && x.Line < got[i-1].Line {
				t.Errorf("exchange %d is in line %d of %d", i, x.Line, lines)
			}
		}
	})
}
