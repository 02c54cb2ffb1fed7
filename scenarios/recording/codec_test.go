package recording

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	instants = rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(0, rapid.Int64Range(0, 4e18).Draw(t, "ns")).UTC()
	})
	// bodies are UTF-8 or not.
	bodies = rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	words  = rapid.Ptr(rapid.StringN(1, 20, -1), false)
	text   = rapid.String()
)

// some is a list that is nil when it is empty, as reading makes it.
func some[T any](t *rapid.T, of *rapid.Generator[T], label string) []T {
	if all := rapid.SliceOfN(of, 0, 3).Draw(t, label); len(all) > 0 {
		return all
	}
	return nil
}

var headers = rapid.Custom(func(t *rapid.T) Header { return Header{text.Draw(t, "name"), bodies.Draw(t, "value")} })

var counters = rapid.Custom(func(t *rapid.T) Counters {
	n := rapid.Int64Range(0, 1e12)
	return Counters{n.Draw(t, "activated"), n.Draw(t, "excluded"), n.Draw(t, "failed")}
})

// between draws a line that may stand between the first and the last one.
var between = rapid.Custom(func(t *rapid.T) Line {
	at, number := instants.Draw(t, "at"), rapid.IntRange(0, 1e6).Draw(t, "number")
	peer := rapid.Ptr(rapid.Custom(func(t *rapid.T) Peer {
		return Peer{text.Draw(t, "cn"), some(t, text, "san"), text.Draw(t, "issuer"), instants.Draw(t, "expires")}
	}), true)
	switch rapid.IntRange(0, 12).Draw(t, "type") {
	case 0:
		change := Change{Op: "set", Path: text.Draw(t, "path"), Audience: text.Draw(t, "audience"), Identity: text.Draw(t, "identity"),
			To: text.Draw(t, "to"), From: text.Draw(t, "from")}
		change.Value, _ = json.Marshal(map[string]any{text.Draw(t, "key"): number})
		return Line{Update: &Update{at, text.Draw(t, "profile"), []Change{change}}}
	case 1:
		return Line{Action: &Action{at, *words.Draw(t, "action"), some(t, text, "audiences"), some(t, text, "names"),
			rapid.MapOfN(text, rapid.Bool(), 1, 3).Draw(t, "triggers")}}
	case 2:
		return Line{Export: &Export{at, text.Draw(t, "id"), text.Draw(t, "profile"), some(t, text, "because"), text.Draw(t, "policy"),
			text.Draw(t, "excluded")}}
	case 3:
		return Line{Decision: &Decision{at, at, text.Draw(t, "result"), true, text.Draw(t, "first"), "", text.Draw(t, "reason")}}
	case 4:
		return Line{Attempt: &Attempt{At: at, EndedAt: at, Message: text.Draw(t, "message"), Exports: some(t, text, "exports"), Number: number,
			URL: text.Draw(t, "url"), Headers: some(t, headers, "headers"), Body: bodies.Draw(t, "body"), Outcome: "503", Retry: true}}
	case 5:
		return Line{Request: &Request{At: at, AnsweredAt: at, Socket: number, Target: bodies.Draw(t, "target"), Headers: some(t, headers, "headers"),
			Body: bodies.Draw(t, "body"), Peer: peer.Draw(t, "peer"), Profiles: some(t, text, "profiles"), Status: number}}
	case 11:
		return Line{Problem: &Problem{at, text.Draw(t, "path"), "error", text.Draw(t, "message"), text.Draw(t, "hint"), ""}}
	case 6:
		return Line{Handshake: &Handshake{At: at, Socket: number, Reason: text.Draw(t, "reason"), Peer: peer.Draw(t, "peer")}}
	case 7:
		run := &FlowRun{At: at, ProviderRefID: text.Draw(t, "ref"), Status: "completed", StartedAt: at, DurationMs: int64(number), Counters: counters.Draw(t, "counters")}
		run.Rate = rapid.Ptr(rapid.Float64Range(0, 1), true).Draw(t, "rate")
		if rapid.Bool().Draw(t, "details") {
			run.Exclusions = []Exclusion{{text.Draw(t, "why"), 1}}
			run.Errors = []FlowRunError{{text.Draw(t, "code"), 2, text.Draw(t, "description")}}
		}
		return Line{FlowRun: run}
	case 8:
		return Line{Totals: &Totals{at, number, int64(number), counters.Draw(t, "counters")}}
	case 9:
		return Line{Alert: &Alert{at, text.Draw(t, "alert"), "firing", text.Draw(t, "run"), rapid.Ptr(rapid.Float64(), true).Draw(t, "value"), nil}}
	case 10:
		return Line{Lookup: &Lookup{At: at, What: text.Draw(t, "what"), Query: text.Draw(t, "query"), Without: some(t, text, "without"), Status: number,
			Total: new(int64(number)), Links: some(t, text, "links"), Allowed: new(number%2 == 0), Certificates: []FoundCertificate{{
				Fields: some(t, text, "fields"), CommonName: text.Draw(t, "cn"), Expiry: text.Draw(t, "expiry"), Subject: text.Draw(t, "subject"),
				SAN: some(t, text, "san"), NotAfter: at}}}}
	}
	return Line{Drop: &Drop{at, text.Draw(t, "message"), some(t, text, "exports"), text.Draw(t, "reason")}}
})

// A line is read as it was written, and written again as the same bytes.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := []Line{{Run: &Run{Schema: Schema, Title: text.Draw(t, "title"), Seed: rapid.Uint64().Draw(t, "seed"), Start: instants.Draw(t, "start")}}}
		for _, l := range rapid.SliceOfN(between, 0, 8).Draw(t, "lines") {
			l.Dataflow, l.Destination = text.Draw(t, "dataflow"), text.Draw(t, "destination")
			lines = append(lines, l)
		}
		lines = append(lines, Line{End: &End{At: instants.Draw(t, "end"), Faults: []Fault{{ID: "fault-1", Planned: 2, Fired: 1, Line: 3}}}})
		first := written(t, lines)
		read, err := Read(strings.NewReader(first))
		if err != nil {
			t.Fatalf("Read(%q) = %v", first, err)
		}
		if diff := cmp.Diff(lines, read); diff != "" {
			t.Fatalf("read again (-want +got):\n%s", diff)
		}
		if second := written(t, read); second != first {
			t.Fatalf("written again:\n%s\nwant\n%s", second, first)
		}
		if n := strings.Count(first, "\n"); n != len(lines) {
			t.Fatalf("%d lines of text for %d lines", n, len(lines))
		}
	})
}

func written(t interface{ Fatal(...any) }, lines []Line) string {
	var b bytes.Buffer
	if err := Write(&b, lines); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A cut anywhere is noticed, and called by its name.
func TestEveryCutIsNoticed(t *testing.T) {
	whole := strings.TrimSuffix(written(t, []Line{
		{Run: &Run{Schema: Schema, Start: time.Unix(0, 0).UTC()}}, {Action: &Action{Action: "disable"}}, {End: &End{}},
	}), "\n")
	if _, err := Read(strings.NewReader(whole)); err != nil {
		t.Errorf("without the last line feed: %v", err)
	}
	for n := range len(whole) {
		if _, err := Read(strings.NewReader(whole[:n])); !errors.Is(err, ErrCutOff) {
			t.Errorf("cut after %d of %d bytes: %v; want %v", n, len(whole), err, ErrCutOff)
		}
	}
}

const (
	first = `{"run":{"schema":"httpdest/recording/v1","scenario":"a/b","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"e"}}` + "\n"
	last  = `{"end":{"at":"2026-01-15T10:00:00Z"}}` + "\n"
)

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another schema", strings.Replace(first, "/v1", "/v2", 1) + last, `line 1: schema "httpdest/recording/v2"; this version reads httpdest/recording/v1`},
		{"another schema with other fields", `{"run":{"schema":"httpdest/recording/v2","clocks":2}}` + "\n" + last, `line 1: schema "httpdest/recording/v2"; this version reads httpdest/recording/v1`},
		{"no run line", last, "line 1: a recording begins with its run line"},
		{"two run lines", first + first + last, "line 2: a second run line"},
		{"an unknown type", first + `{"weather":{}}` + "\n" + last, `line 2: json: unknown field "weather"`},
		{"an unknown field", first + `{"drop":{"who":1}}` + "\n" + last, `line 2: json: unknown field "who"`},
		{"no type", first + "{}\n" + last, "line 2: 0 types on one line; want one"},
		{"two types", first + `{"drop":{},"export":{}}` + "\n" + last, "line 2: 2 types on one line; want one"},
		{"an empty line", first + "\n" + last, "line 2: an empty line"},
		{"two values on a line", first + `{"drop":{}} {"drop":{}}` + "\n" + last, "line 2: something follows the JSON value"},
		{"a bracket too many", first + `{"drop":{}}}` + "\n" + last, "line 2: something follows the JSON value"},
		{"no JSON", first + "drop\n" + last, "line 2: invalid character 'd' looking for beginning of value"},
		{"a broken line in the middle", first + `{"drop":{` + "\n" + last, "line 2: unexpected EOF"},
		{"more after the end", first + last + last, "line 3: something follows the end line"},
		{"a header in both ways", first + `{"request":{"headers":[{"name":"A","value":"a","valueBase64":"YQ=="}]}}` + "\n" + last, "line 2: value and valueBase64 exclude each other"},
		{"a body in both ways", first + `{"request":{"body":"a","bodyBase64":"YQ=="}}` + "\n" + last, "line 2: body and bodyBase64 exclude each other"},
		{"a body that is not base64", first + `{"attempt":{"bodyBase64":"*"}}` + "\n" + last, "line 2: illegal base64 data at input byte 0"},
		{"no end", first, "the recording is cut off: its end line is missing"},
		{"nothing", "", "the recording is cut off: its end line is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, err := Read(strings.NewReader(c.text))
			if err == nil || err.Error() != c.want || lines != nil {
				t.Errorf("Read = %d lines, %v; want %s", len(lines), err, c.want)
			}
		})
	}
}

// A body that is UTF-8 is a text, and any other is base64 in its own field:
// whoever reads a recording has its bytes.
func TestBodiesKeepTheirBytes(t *testing.T) {
	for _, c := range []struct {
		line Line
		want string
	}{
		{Line{Request: &Request{Body: "Zo\u00e9"}}, `"headers":null,"body":"Zo\u00e9","status":0}}`},
		{Line{Request: &Request{Body: "Zo\xe9"}}, `"target":"","headers":null,"bodyBase64":"Wm/p"}}`},
		{Line{Request: &Request{Target: "/\xe9"}}, `"targetBase64":"L+k=","headers":null,"body":""}}`},
		{Line{Request: &Request{Headers: []Header{{"A", "\xe9"}}}}, `"headers":[{"name":"A","valueBase64":"6Q=="}],"body":""}}`},
		{Line{Attempt: &Attempt{Body: "\xff", Outcome: "200"}}, `"outcome":"200","retry":false,"headers":null,"bodyBase64":"/w=="}}`},
		{Line{Attempt: &Attempt{}}, `"headers":null,"body":"","socket":0`},
	} {
		if got := written(t, []Line{c.line}); !strings.Contains(got, strings.ReplaceAll(c.want, "\\u00e9", "\u00e9")) {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// Bodies are read by people: HTML is not escaped.
func TestBodiesStayReadable(t *testing.T) {
	got := written(t, []Line{{Attempt: &Attempt{Body: "<a&b>"}}})
	if !strings.Contains(got, `"body":"<a&b>"`) {
		t.Error(got)
	}
}

// Whatever is read without an error is a recording that can be written and
// read again.
func FuzzRead(f *testing.F) {
	f.Add(first + last)
	f.Add(first + `{"drop":{"at":"2026-01-15T09:00:00Z","message":"a","exports":null,"reason":"503"}}` + "\n" + last)
	f.Add(first + `{"update":{"changes":[{"op":"set","value":{"a":[1,null]}}]}}` + "\n" + last)
	f.Add(first + `{"request":{"bodyBase64":"Wm/p"}}` + "\n" + `{"attempt":{"bodyBase64":""}}` + "\n" + last)
	f.Add(first)
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := Read(strings.NewReader(written(t, lines)))
		if err != nil {
			t.Fatalf("written and read again: %v", err)
		}
		if diff := cmp.Diff(written(t, lines), written(t, again)); diff != "" {
			t.Error(diff)
		}
	})
}
