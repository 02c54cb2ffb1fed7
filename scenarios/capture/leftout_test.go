package capture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// harOf is a HAR file of entries.
func harOf(entries ...string) string {
	return `{"log":{"entries":[` + strings.Join(entries, ",\n") + `]}}`
}

// harRequest is an entry; rest goes into its request.
func harRequest(method, url, rest string) string {
	return fmt.Sprintf(`{"startedDateTime":"2026-01-15T09:00:00Z","time":1,"request":{"method":%q,"url":%q%s},"response":{"status":200}}`, method, url, rest)
}

const (
	jsonHeaders = `,"headers":[{"name":"Content-Type","value":"application/json"}]`
	formHeaders = `,"headers":[{"name":"Content-Type","value":"application/x-www-form-urlencoded"}]`
	posted      = jsonHeaders + `,"postData":{"text":"{}"}`
)

// Entries that carry no message are counted and never refuse a file, whatever
// is wrong with them. Entries that are judged stay.
func TestLeftOut(t *testing.T) {
	good := harRequest("POST", "https://receiver.test/p", posted)
	for _, tt := range []struct {
		name, file, text string
		urls             []string
		judged           int
		left             string
	}{
		{name: "CONNECT", file: "f.har", text: harOf(harRequest("CONNECT", "receiver.test:443", ""), good, harRequest("connect", "h:1", "")), judged: 1, left: "2 CONNECT"},
		{name: "other schemes", file: "f.har", judged: 1, left: "1 blob: URL, 1 chrome-extension: URL, 2 data: URLs",
			text: harOf(harRequest("GET", "data:image/png;base64,AAAA", ""), harRequest("GET", "data:,x", ""), good,
				harRequest("POST", "blob:https://h.test/1", posted), harRequest("POST", "chrome-extension://abc/x.js", posted))},
		{name: "WebSockets", file: "f.har", judged: 1, left: "3 WebSockets",
			text: harOf(good, harRequest("GET", "wss://h.test/live", ""), strings.Replace(harRequest("GET", "https://h.test/live", ""), `{"started`, `{"_resourceType":"websocket","started`, 1),
				harRequest("GET", "https://h.test/live", `,"headers":[{"name":"upgrade","value":"WebSocket"}]`))},
		{name: "requests of a browser", file: "f.har", judged: 1, left: "1 GET, 1 HEAD, 1 OPTIONS",
			text: harOf(harRequest("GET", "https://h.test/", ""), good, harRequest("OPTIONS", "https://h.test/", ""), harRequest("HEAD", "https://h.test/", ""))},
		{name: "a broken URL of a GET", file: "f.har", text: harOf(good, harRequest("GET", "%%", "")), judged: 1, left: "1 GET"},
		{name: "a broken query of a POST", file: "f.har", text: harOf(good, harRequest("POST", "https://ads.test/%%x?%%", posted)), judged: 2},
		{name: "a broken URL that is not selected", file: "f.har", urls: []string{"*receiver.test*"}, text: harOf(good, harRequest("POST", "%%", posted)), judged: 1, left: "1 other URL"},
		{name: "a GET without a response", file: "f.har", judged: 1, left: "1 GET",
			text: harOf(good, `{"startedDateTime":"noon","request":{"method":"GET","url":"https://h.test/"}}`)},
		{name: "a GET with a status in words", file: "f.har", judged: 1, left: "1 GET",
			text: harOf(good, strings.Replace(harRequest("GET", "https://h.test/", ""), "200", `"OK"`, 1))},
		{name: "an entry without a request", file: "f.har", text: harOf(`{"comment":"page"}`, `{"request":null}`, good), judged: 1, left: "2 entries without a request"},
		{name: "a request for a token", file: "f.har", judged: 1, left: "3 token requests", text: harOf(good,
			harRequest("POST", "https://h.test/token", formHeaders+`,"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"grant_type","value":"password"},{"name":"p","value":"a&b"}]}`),
			harRequest("POST", "https://h.test/token", `,"postData":{"mimeType":"application/x-www-form-urlencoded; charset=UTF-8","params":[{"name":"grant_type","value":"password"}]}`),
			harRequest("POST", "https://h.test/token", formHeaders+`,"postData":{"text":"scope=a&grant_type=client_credentials","params":[]}`))},
		{name: "a form that was not kept", file: "f.har", text: harOf(good, harRequest("POST", "https://h.test/token", formHeaders+`,"bodySize":20`)), judged: 1, left: "1 form without its fields"},
		{name: "a form of another kind", file: "f.har", text: harOf(harRequest("POST", "https://h.test/p", formHeaders+`,"postData":{"text":"a=1"}`)), judged: 1},
		{name: "patterns", file: "f.har", urls: []string{"https://receiver.test/p", "/q*"}, judged: 3, left: "2 other URLs", text: harOf(good,
			harRequest("POST", "https://receiver.test/p?source=aep#x", posted), harRequest("POST", "https://receiver.test/p/2", posted), harRequest("POST", "https://other.test/p", posted),
			`{"startedDateTime":"2026-01-15T09:00:00Z","request":{"method":"POST","url":"/q/1"`+posted+`}}`)},
		{name: "a pattern with a dot", file: "f.har", urls: []string{"https://receiver.test/*"}, text: harOf(good, harRequest("POST", "https://receiverxtest/p", posted)), judged: 1, left: "1 other URL"},
		{name: "a pattern for a path and a host", file: "f.ndjson", urls: []string{"https://h.test/p"}, judged: 1, left: "2 other URLs",
			text: `{"method":"POST","target":"/p?a=1","headers":{"host":"h.test"},"body":{}}` + "\n" + `{"method":"POST","target":"/p","body":{}}` + "\n" + `{"method":"POST","body":{}}`},
		{name: "lines of a log", file: "f.ndjson", judged: 2, left: "4 log lines",
			text: `{"level":"info","msg":"started"}` + "\n" + body + "\n" + `{"ts":1,"url":"http://localhost:8080","msg":"listening"}` + "\n" +
				`{"level":"info","msg":"sent","method":"POST","body":"{}"}` + "\n" + `{"severity":"INFO"}` + "\n" + `{"time":"2026-01-15T09:00:00Z","event":"x"}`},
		{name: "a line that is a GET", file: "f.ndjson", text: `{"method":"GET","url":"%%","level":1}` + "\n" + body, judged: 1, left: "1 GET"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, r, err := all(tt.file, tt.text, Options{URLs: tt.urls})
			if err != nil {
				t.Fatal(err)
			}
			if left := strings.Join(r.LeftOut(), ", "); left != tt.left || len(got) != tt.judged {
				t.Errorf("%d judged, left out %q; want %d, %q", len(got), left, tt.judged, tt.left)
			}
		})
	}
}

// A mistake in a judged entry refuses the file, with its place.
func TestJudgedEntriesRefuse(t *testing.T) {
	good := harRequest("POST", "https://receiver.test/p", posted)
	for _, tt := range []struct{ name, file, text, want string }{
		{"a URL that is not one", "f.har", harOf(good, harRequest("POST", "%%", posted)), "f.har:2:1: url is neither an absolute URL nor a path"},
		{"a body that is not base64", "f.har", harOf(harRequest("POST", "/p", `,"postData":{"text":"%%","encoding":"base64"}`)), "f.har:1:20: the body is not base64"},
		{"a time without a zone", "f.har", harOf(strings.Replace(good, "00Z", "00", 1)), `f.har:1:20: the time "2026-01-15T09:00:00" is not ISO 8601 with a zone`},
		{"a status in words", "f.har", harOf(good, strings.Replace(good, "200", `"OK"`, 1)), "f.har:2:224: response.status must be a number"},
		{"both kinds of body", "f.ndjson", `{"body":"{}","bodyBase64":"e30="}`, "f.ndjson:1:1: body and bodyBase64 exclude each other"},
		{"a line of neither kind", "f.ndjson", body + "\n\n" + `{"metric":7}`,
			"f.ndjson:3:1: line 3 is JSON without method, url or body; known formats: " + strings.Join(Formats[1:], ", ")},
		{"a line that is a number", "f.ndjson", body + "\n7", "f.ndjson:2:1: line 2 is JSON, but neither an object nor a list; known formats: " + strings.Join(Formats[1:], ", ")},
		{"a line that is null", "f.ndjson", body + "\nnull", "f.ndjson:2:1: line 2 is JSON, but neither an object nor a list; known formats: " + strings.Join(Formats[1:], ", ")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := all(tt.file, tt.text, Options{})
			if err == nil {
				t.Fatal("no error")
			}
			if got, _, _ := strings.Cut(err.Error(), "\n"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The bytes of a body survive every way a line can write them.
func TestNDJSONBodies(t *testing.T) {
	for _, tt := range []struct{ name, line, want string }{
		{"a text", `{"body":"{\"a\": 1}"}`, `{"a": 1}`},
		{"a text that is not UTF-8", `{"body":"Zo` + "\xe9" + `\t"}`, "Zo\xe9\t"},
		{"the JSON itself, not UTF-8", `{"body": {"a": "Zo` + "\xe9" + `"}}`, `{"a": "Zo` + "\xe9" + `"}`},
		{"a body alone, not UTF-8", `{"identityMap":{}, "a":"` + "\xe9" + `"}`, `{"identityMap":{}, "a":"` + "\xe9" + `"}`},
		{"base64", `{"bodyBase64":"Wm/p"}`, "Zo\xe9"},
		{"base64 next to null", `{"bodyBase64":"Wm/p","body":null}`, "Zo\xe9"},
		{"base64 in the journal of an older export", `{"method":"POST","body":"Zo` + "\uFFFD" + `","journal":{"bodyBase64":"Wm/p"}}`, "Zo\xe9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := all("f.ndjson", tt.line, Options{Format: NDJSON})
			if err != nil || len(got) != 1 || got[0].Request.Body != tt.want || !got[0].Told.Body {
				t.Errorf("%+v, %v; want %q", got, err, tt.want)
			}
		})
	}
}

// A body is told as it came, or it is untold.
func TestHARBodies(t *testing.T) {
	for _, tt := range []struct {
		name, rest, want string
		untold           bool
	}{
		{name: "a text", rest: `,"postData":{"text":"{\"a\":\"\\u00e9\"}"}`, want: `{"a":"\u00e9"}`},
		{name: "bytes that are not UTF-8", rest: `,"postData":{"text":"Zo` + "\xe9" + `\n\ud83d\ude00"}`, want: "Zo\xe9\n😀"},
		{name: "base64", rest: `,"postData":{"text":"Wm/p","encoding":"base64"}`, want: "Zo\xe9"},
		{name: "base64 under another key, for URLs", rest: `,"postData":{"text":"Wm_p","_encoding":"base64"}`, want: "Zo\xe9"},
		{name: "fields", rest: formHeaders + `,"postData":{"params":[{"name":"a","value":"1 & 2"},{"name":"b"}]}`, want: "a=1+%26+2&b="},
		{name: "a text next to fields", rest: formHeaders + `,"postData":{"text":"a=1%202","params":[{"name":"a","value":"1 2"}]}`, want: "a=1%202"},
		{name: "fields of multipart", rest: `,"postData":{"mimeType":"multipart/form-data; boundary=x","params":[{"name":"a","value":"1"}]}`, untold: true},
		{name: "a file", rest: `,"postData":{"params":[{"name":"a","fileName":"a.json"}]}`, untold: true},
		{name: "JSON taken for a form", rest: `,"postData":{"params":[{"name":"{\"a\":\"b","value":"c\"}"}]}`, untold: true},
		{name: "no text", rest: `,"postData":{"mimeType":"application/json"}`, untold: true},
		{name: "an empty text of a known size", rest: `,"bodySize":0,"postData":{"text":""}`},
		{name: "an empty text and an unknown size", rest: `,"bodySize":-1,"postData":{"text":""}`, untold: true},
		{name: "an empty text and a length", rest: `,"headers":[{"name":"content-length","value":"0"}],"bodySize":-1`},
		{name: "nothing, with a length", rest: `,"headers":[{"name":"content-length","value":"9"}],"bodySize":0`, untold: true},
		{name: "JSON that the tool cut off", rest: `,"bodySize":99,"postData":{"text":"{\"a\":"}`, untold: true, want: `{"a":`},
		{name: "JSON that the sender cut off", rest: `,"bodySize":5,"postData":{"text":"{\"a\":"}`, want: `{"a":`},
		{name: "bytes that the tool replaced", rest: `,"bodySize":3,"postData":{"text":"Zo` + "\uFFFD" + `"}`, untold: true, want: "Zo\uFFFD"},
		{name: "a replacement character of the sender's", rest: `,"bodySize":5,"postData":{"text":"Zo` + "\uFFFD" + `"}`, want: "Zo\uFFFD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := all("f.har", harOf(harRequest("POST", "/p", tt.rest)), Options{})
			if err != nil || len(got) != 1 {
				t.Fatalf("%d exchanges, %v", len(got), err)
			}
			if diff := cmp.Diff(tt.want, got[0].Request.Body); diff != "" || got[0].Told.Body == tt.untold {
				t.Errorf("told %v (-want +got):\n%s", got[0].Told.Body, diff)
			}
		})
	}
}
