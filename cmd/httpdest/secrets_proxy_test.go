package main

import (
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
)

// proxies has a proxy carry every secret to a receiver that gives it back. The
// sender gets that answer; nobody else may see it.
func (l *leak) proxies() {
	if runtime.GOOS == "windows" {
		l.t.Skip("no signals")
	}
	write(l.t, l.path("key"), plantedHeader)
	write(l.t, l.path("sig"), plantedQuery)
	s, at := spawn(l.t, 1, "proxy", "--to", l.receiver.URL, "--tls", "plain",
		"--require-header", "X-Api-Key: @"+l.path("key"), "--require-query", "sig=@"+l.path("sig"), "--record", filepath.Join(l.out, "recording.jsonl"),
		"--journal", filepath.Join(l.out, "journal.ndjson"), "--admin-token", "none", "--admin", freeAddress(l.t))
	admin := s.cmd.Args[len(s.cmd.Args)-1]
	for _, secret := range []string{sendable, plantedHeader, plantedQuery} {
		for _, spelling := range spellings {
			text := spelling.spell(secret)
			l.through(at[0]+"/in?other="+escapedOnce(text)+"&sig="+escapedOnce(plantedQuery), "application/json",
				`{"identityMap": `+quoted(text)+`}`, http.Header{"X-Echo": {inHeader(text)}})
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme"}, "client_secret": {plantedClient}}
	l.through(at[0]+"/token?sig="+escapedOnce(plantedQuery), "application/x-www-form-urlencoded", form.Encode(), nil)
	if l.receiver.requests.Load() < 10 {
		l.t.Errorf("the receiver got %d requests", l.receiver.requests.Load())
	}
	for path := range strings.FieldsSeq("journal?limit=500 journal/1 journal/export journal/export?format=har health faults") {
		l.said.WriteString(ask(l.t, http.MethodGet, "http://"+admin+"/api/v1/"+path, ""))
	}
	l.said.WriteString(s.end(l.t))
}

// through sends a request with the credentials. An answer that is not HTTP is one
// that the proxy answers 502 for.
func (l *leak) through(to, contentType, body string, h http.Header) {
	q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	q.Header = http.Header{"Authorization": {"Bearer " + sendable}, "X-Api-Key": {plantedHeader},
		"Content-Type": {contentType}}
	for name, values := range h {
		q.Header[name] = values
	}
	answer, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		l.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}
