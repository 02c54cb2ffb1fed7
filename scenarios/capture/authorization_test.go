package capture

import (
	"fmt"
	"strings"
	"testing"
)

// A token is the whole of what follows its scheme, once.
func TestAuthorization(t *testing.T) {
	for headers, want := range map[string]string{
		`{"Authorization":"Bearer t0ken"}`:                         "accepted",
		`{"authorization":"Bearer t0ken"}`:                         "accepted",
		`{"Authorization":"Bearer t0kenX"}`:                        "wrong",
		`{"Authorization":"Bearer t0ken, more"}`:                   "wrong",
		`{"Authorization":"bearer t0ken"}`:                         "wrong",
		`{"Authorization":"Basic t0ken"}`:                          "wrong",
		`{"Authorization":["Bearer t0ken","Bearer t0ken"]}`:        "wrong",
		`{"Content-Type":"application/json"}`:                      "missing",
		`{"Authorization":"Bearer [redacted]"}`:                    "",
		`[{"name":"Authorization","value":"Bearer t0ken"}]`:        "accepted",
		`[{"name":"Proxy-Authorization","value":"Bearer t0ken"}]`:  "missing",
		`{"X-Authorization":"Bearer t0ken","Authorization":"x y"}`: "wrong",
	} {
		got, _, err := all("f.jsonl", fmt.Sprintf(`{"method":"POST","url":"https://receiver.test/","headers":%s,"body":{}}`, headers), Options{Format: NDJSON, Bearer: "t0ken"})
		if err != nil || len(got) != 1 || got[0].Request.Authorization != want {
			t.Errorf("%s: %+v, %v; want %q", headers, got, err, want)
		}
		if strings.Contains(fmt.Sprint(got), "t0ken") {
			t.Errorf("%s: the token is shown: %+v", headers, got)
		}
	}
}

// Connections that a recording shows refused are counted: what was sent on
// them is not missing.
func TestRefusedConnections(t *testing.T) {
	const lines = `{"run":{"schema":"httpdest/recording/v1","scenario":"s","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"mock"}}
{"handshake":{"at":"2026-01-15T09:00:01Z","endedAt":"2026-01-15T09:00:01Z","socket":1,"reason":"certificate-required"}}
{"handshake":{"at":"2026-01-15T09:00:02Z","endedAt":"2026-01-15T09:00:02Z","socket":2,"reason":"certificate-required"}}
{"end":{"at":"2026-01-15T09:00:03Z"}}
`
	got, r, err := all("f.jsonl", lines, Options{Format: Recording})
	if err != nil || len(got) != 0 || r.Refused() != 2 || r.CutOff() || r.End() == nil {
		t.Errorf("%d exchanges, %d refused, cut off: %t, end: %v; want none, 2, false and one", len(got), r.Refused(), r.CutOff(), r.End())
	}
}
