package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// The secrets of these runs: of each kind that a destination has. None is a word
// that a report needs.
const (
	plantedToken  = "Zq/8 t0k+en&of<the>w1re=%41"
	plantedHeader = "hEad/3r+va1ue&of=custom9"
	plantedQuery  = "quE/ry+va1ue&of=address7"
	plantedClient = "cl/1ent s3cr+et&of=token5"
	plantedAccess = "acc.Ess/tok3n+unex=pected4"
)

// sendable is the token as a header takes it.
var sendable = strings.NewReplacer(" ", "_").Replace(plantedToken)

var planted = []string{sendable, plantedHeader, plantedQuery, plantedClient, plantedAccess}

// everyFormat are all kinds of --report, those of every command first.
var everyFormat = []string{"html", "json", "junit", "junit-strict", "md", "github", "text", "csv", "hdr"}

// leak is one command with everything that it leaves behind.
type leak struct {
	t        *testing.T
	in, out  string // folders: of the inputs, which hold the secrets, and of the outputs
	said     bytes.Buffer
	receiver *echo
	issued   []string // further secrets
}

// TestSecretsInEverySpelling plants each secret in each spelling where others
// write, for every command and every format, and searches both streams, every
// answer and every file for it (R32).
func TestSecretsInEverySpelling(t *testing.T) {
	for _, row := range []struct {
		name  string
		plays func(*leak)
		files []string // that must be there to be searched
	}{
		{"probe", (*leak).probesBearer, append([]string{"statement.yaml"}, reportFilesOf("html", "json", "junit", "junit-strict", "md", "github", "text")...)},
		{"probe, refused", (*leak).probesTokens, reportFilesOf("json", "html", "text")},
		{"run", (*leak).runs, reportFilesOf(everyFormat[:8]...)},
		{"judge", (*leak).judges, reportFilesOf("html", "json", "junit", "junit-strict", "md", "github", "text")},
		{"mock", (*leak).mocks, []string{"recording.jsonl", "journal.ndjson"}},
		{"mock, issued tokens", (*leak).mocksTokens, []string{"recording.jsonl", "journal.ndjson"}},
		{"proxy", (*leak).proxies, []string{"recording.jsonl", "journal.ndjson"}},
		{"serve and dead", (*leak).serves, nil},
		{"load", (*leak).loads, reportFilesOf(everyFormat...)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := &leak{t: t, in: t.TempDir(), out: t.TempDir()}
			l.receiver = newEcho(t)
			row.plays(l)
			l.search(row.files)
		})
	}
}

func reportFilesOf(kinds ...string) []string {
	var out []string
	for _, kind := range kinds {
		out = append(out, "report."+kind)
	}
	return out
}

// echo is a receiver that gives back the credentials of each request in every
// spelling: in the status line, in headers, in the target of a redirect and in
// the body.
type echo struct {
	*httptest.Server
	requests atomic.Int64
}

func newEcho(t *testing.T) *echo {
	e := &echo{}
	e.Server = httptest.NewServer(http.HandlerFunc(e.answer))
	t.Cleanup(e.Close)
	return e
}

// plainMessage is the body that a probe compares every refusal with: a probe of a
// receiver that refuses it as well soon ends.
var plainMessage = regexp.MustCompile(`^{"identityMap":{"ecid":\[{"id":"\d+"}\],"email_lc_sha256":\[{"id":"\w+"}\]},"person":{.*"segmentMembership":` +
	`{"ups":{"[0-9a-f-]+":{"lastQualificationTime":"2026-01-11T21:24:39Z","status":"realized"}}}}$`)

// statuses are those that the receiver answers other bodies with, in turn; 0: with
// something that is not HTTP.
var statuses = []int{422, 307, 500, 401, 302, 0, 409}

func (e *echo) answer(w http.ResponseWriter, q *http.Request) {
	n := int(e.requests.Add(1))
	body, _ := io.ReadAll(q.Body)
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	status := statuses[n%len(statuses)]
	if plainMessage.Match(body) {
		status = 200
	}
	sent := []string{strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer "), q.Header.Get("X-Api-Key"), q.URL.Query().Get("sig")}
	sent = slices.DeleteFunc(sent, func(s string) bool { return len(s) < 8 || !slices.Contains(planted, s) })
	if strings.HasPrefix(q.URL.Path, "/token") {
		status, sent = tokenStatuses[n%len(tokenStatuses)], []string{plantedClient, plantedAccess}
	}
	_, _ = conn.Write(echoed(status, n, sent))
}

// tokenStatuses are those of the token endpoint: a token under a name that
// nobody expects, a redirect that carries it, a refusal that quotes the client's
// secret.
var tokenStatuses = []int{200, 302, 400}

// echoed is an answer with secrets in every spelling. Where a report shows only
// the beginning, the number of the request decides which spelling comes first.
func echoed(status, n int, secrets []string) []byte {
	if status == 400 || status >= 400 && len(secrets) > 0 && secrets[0] == plantedClient {
		secrets = []string{plantedClient} // a refusal issues no token
	}
	var texts []string
	for i := range spellings {
		for _, s := range secrets {
			texts = append(texts, spellings[(i+n)%len(spellings)].spell(s))
		}
	}
	body := "you sent\n" + strings.Join(texts, "\n") + "\n"
	if status == 200 && len(secrets) > 0 && secrets[0] == plantedClient {
		body = `{"accessToken": ` + quoted(plantedAccess) + `, "nested": {"token": ` + quoted("Bearer "+plantedAccess) + `}}`
	}
	if status == 0 {
		return []byte(body)
	}
	var b strings.Builder
	first := inHeader(strings.Join(texts[:min(4, len(texts))], " "))
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n", status, first, len(body))
	for i, text := range texts {
		fmt.Fprintf(&b, "X-Echo-%d: %s\r\n", i, folded(text))
	}
	fmt.Fprintf(&b, "WWW-Authenticate: Bearer error_description=\"%s\"\r\n", first)
	fmt.Fprintf(&b, "Location: /elsewhere?sig=%s&was=%s#access_token=%s\r\n\r\n%s", folded(strings.Join(texts[:min(2, len(texts))], "&again=")), first, first, body)
	return []byte(b.String())
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text always has a JSON form
	}
	return string(b)
}

func (l *leak) path(name string) string { return filepath.Join(l.in, name) }

func (l *leak) reports(kinds ...string) []string {
	var out []string
	for _, kind := range kinds {
		out = append(out, "--report", kind+"="+filepath.Join(l.out, "report."+kind))
	}
	return out
}

// httpdest runs a command to its end; any status but that of a wrong usage.
func (l *leak) httpdest(args ...string) {
	l.t.Helper()
	var out bytes.Buffer
	environment := map[string]string{"TOKEN": sendable, "HEADERS": "X-Api-Key: " + plantedHeader, "QUERY": "sig=" + escapedOnce(plantedQuery), "CLIENT": plantedClient}
	if got := run(l.t.Context(), args, &out, &out, func(name string) string { return environment[name] }); got == exitUsage {
		l.t.Errorf("httpdest %s: exit status %d\n%s", strings.Join(args, " "), got, out.String())
	}
	l.said.Write(out.Bytes())
}

func escapedOnce(s string) string { return spellings[2].spell(s) }

func (l *leak) probesBearer() {
	l.httpdest(append([]string{"probe", l.receiver.URL + "/in", "--bearer", "${TOKEN}", "--headers", "${HEADERS}", "--query", "${QUERY}", "--rate", "1000",
		"--load", "100/s:1s", "--verbose", "--out", filepath.Join(l.out, "all"), "--statement", filepath.Join(l.out, "statement.yaml"), "--project", "p", "--project-version", "1"},
		l.reports("html", "json", "junit", "junit-strict", "md", "github", "text")...)...)
	l.httpdest("probe", l.receiver.URL+"/in", "--bearer", "${TOKEN}", "--headers", "${HEADERS}", "--query", "${QUERY}", "--dry-run")
	if n := l.receiver.requests.Load(); n < 10 {
		l.t.Errorf("only %d requests came", n)
	}
}

// probesTokens probes three times: the token endpoint answers in another way
// each time.
func (l *leak) probesTokens() {
	write(l.t, l.path("probe.yaml"), fmt.Sprintf("destination:\n  endpoint: %s/in\n  auth: {type: oauth2-client-credentials, credentials: body-form-encoded, tokenURL: %q, clientID: acme, clientSecret: \"${CLIENT}\"}\n",
		l.receiver.URL, l.receiver.URL+"/token"))
	for range tokenStatuses {
		l.httpdest(append([]string{"probe", "--config", l.path("probe.yaml"), "--verbose", "--run", "^token/"}, l.reports("json", "html", "text")...)...)
		l.keep()
	}
}

// keep keeps the reports of a command that runs again.
func (l *leak) keep() {
	names, err := filepath.Glob(filepath.Join(l.out, "report.*"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			l.t.Fatal(err)
		}
		l.said.Write(content)
	}
}

// plantedScenario sends the token in every spelling in headers, in the query and
// in attributes.
func plantedScenario() string {
	var headers, query, attributes []string
	for i, s := range spellings {
		text := s.spell(sendable)
		attributes = append(attributes, fmt.Sprintf("a%d: %s", i, quoted(text)))
		if i%6 == 0 && !strings.ContainsAny(text, ",") {
			headers = append(headers, fmt.Sprintf("X-Echo-%d:%s", i, inHeader(text)))
		}
		if i%7 == 2 {
			query = append(query, fmt.Sprintf("q%d=%s", i, escapedOnce(text)))
		}
	}
	return "title: A token in every spelling\nrules: [secrets-redacted]\naudiences: {delorean: {}}\ndestination:\n  auth: {type: bearer, token: " + quoted(sendable) +
		"}\n  headers: " + quoted(strings.Join(headers, ",")) + "\n  queryParameters: " + quoted(strings.Join(query, "&")) +
		"\ndataflow: {audiences: [delorean], attributes: [person]}\nprofiles: {doc: {attributes: {person: {" + strings.Join(attributes, ", ") + "}}}}\n" +
		"endpoint:\n  faults: [{profile: doc, requests: 1, status: 401}]\nothers: allowed\n" +
		"history:\n  - {at: 1s, profile: doc, qualify: delorean}\nexpect:\n  - {profile: doc, because: identity}\n"
}

func (l *leak) runs() {
	write(l.t, l.path("planted.yaml"), plantedScenario())
	l.httpdest(append([]string{"run", "--verbose", "--out", filepath.Join(l.out, "all"), l.path("planted.yaml")}, l.reports(everyFormat[:8]...)...)...)
}

// judges judges a capture of a sender that puts its token everywhere.
func (l *leak) judges() {
	write(l.t, l.path("planted.yaml"), plantedScenario())
	var lines strings.Builder
	for i, s := range spellings {
		text := s.spell(sendable)
		line, err := json.Marshal(map[string]any{"method": "PUT", "url": "https://receiver.example/in?again=" + escapedOnce(text),
			"headers": map[string]string{"Content-Type": "text/" + inHeader(text), "X-Echo": inHeader(text), "Authorization": "Bearer " + sendable},
			"body":    `{"identityMap": ` + quoted(text) + `, "extra": "` + fmt.Sprint(i) + `"`, "status": 200})
		if err != nil {
			l.t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	write(l.t, l.path("capture.ndjson"), lines.String())
	for _, more := range [][]string{{"--scenario", l.path("planted.yaml")}, nil} {
		l.httpdest(append(append([]string{"judge", "--verbose", l.path("capture.ndjson")}, more...), l.reports("html", "json", "junit", "junit-strict", "md", "github", "text")...)...)
		l.keep()
	}
}

// mocks sends to the mock what a careless sender would, and looks at all that
// the mock shows of it.
func (l *leak) mocks() {
	if runtime.GOOS == "windows" {
		l.t.Skip("no signals")
	}
	write(l.t, l.path("token"), sendable+"\n")
	write(l.t, l.path("key"), plantedHeader)
	write(l.t, l.path("sig"), plantedQuery)
	s, at := spawn(l.t, 1, "mock", "--tls", "plain", "--schema", "export", "--bearer", "@"+l.path("token"), "--require-header", "X-Api-Key: @"+l.path("key"),
		"--require-query", "sig=@"+l.path("sig"), "--record", filepath.Join(l.out, "recording.jsonl"), "--journal", filepath.Join(l.out, "journal.ndjson"),
		"--admin-token", "none", "--admin", freeAddress(l.t))
	admin := s.cmd.Args[len(s.cmd.Args)-1]
	for _, secret := range []string{sendable, plantedHeader, plantedQuery} {
		for i, spelling := range spellings {
			text := spelling.spell(secret)
			q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, at[0]+"/in?other="+escapedOnce(text)+"&sig="+escapedOnce(plantedQuery), strings.NewReader(`{"identityMap": `+quoted(text)+`}`))
			if err != nil {
				l.t.Fatal(err)
			}
			q.Header = http.Header{"Authorization": {"Bearer " + sendable}, "X-Api-Key": {plantedHeader}, "X-Echo": {inHeader(text)}, "Content-Type": {"application/json"}}
			if i%2 == 0 {
				q.Header.Set("X-Api-Key", inHeader(text))
			}
			answer, err := http.DefaultClient.Do(q)
			if err != nil {
				l.t.Fatal(err)
			}
			_, _ = io.Copy(&l.said, answer.Body)
			_ = answer.Body.Close()
		}
	}
	for _, path := range []string{"journal?limit=500", "journal/1", "journal/export", "journal/export?format=har", "health", "faults"} {
		l.said.WriteString(ask(l.t, http.MethodGet, "http://"+admin+"/api/v1/"+path, ""))
	}
	l.said.WriteString(ask(l.t, http.MethodGet, "http://"+admin+"/metrics", ""))
	l.said.WriteString(s.end(l.t))
	l.httpdest(append([]string{"judge", "--verbose", filepath.Join(l.out, "recording.jsonl")}, l.reports("json", "html", "text")...)...)
}

// mocksTokens gets tokens from the mock, and sends them back in every spelling.
func (l *leak) mocksTokens() {
	if runtime.GOOS == "windows" {
		l.t.Skip("no signals")
	}
	write(l.t, l.path("tokens.yaml"), fmt.Sprintf("title: Tokens\nrules: [secrets-redacted]\naudiences: {delorean: {}}\ndestination:\n  auth: {type: oauth2-client-credentials, "+
		"credentials: body-form-encoded, clientID: acme, clientSecret: %s}\ndataflow: {audiences: [delorean]}\nprofiles: {doc: {}}\nendpoint: {token: {refresh: true}}\n"+
		"history:\n  - {at: 1s, profile: doc, qualify: delorean}\nexpect:\n  - {profile: doc, because: audience}\n", quoted(plantedClient)))
	s, at := spawn(l.t, 2, "mock", "--tls", "plain", "--scenario", l.path("tokens.yaml"), "--admin-token", "none", "--admin", freeAddress(l.t),
		"--record", filepath.Join(l.out, "recording.jsonl"), "--journal", filepath.Join(l.out, "journal.ndjson"))
	for range 3 {
		answer, err := http.PostForm(at[1]+"/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme"}, "client_secret": {plantedClient}})
		if err != nil {
			l.t.Fatal(err)
		}
		var got struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		err = json.NewDecoder(answer.Body).Decode(&got)
		if _ = answer.Body.Close(); err != nil || got.Access == "" || got.Refresh == "" {
			l.t.Fatalf("no tokens: %v %+v", err, got)
		}
		l.issued = append(l.issued, got.Access, got.Refresh)
	}
	for _, secret := range l.issued {
		for _, spelling := range spellings {
			text := spelling.spell(secret)
			for _, to := range []string{at[0] + "/in", at[1] + "/token"} {
				q, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, to+"?other="+escapedOnce(text), strings.NewReader(`{"identityMap": `+quoted(text)+`}`))
				if err != nil {
					l.t.Fatal(err)
				}
				q.Header = http.Header{"Authorization": {"Bearer " + secret}, "X-Echo": {inHeader(text)}, "Content-Type": {"application/json"}}
				answer, err := http.DefaultClient.Do(q)
				if err != nil {
					l.t.Fatal(err)
				}
				_, _ = io.Copy(&l.said, answer.Body)
				_ = answer.Body.Close()
			}
		}
	}
	l.said.WriteString(s.end(l.t))
	l.httpdest(append([]string{"judge", "--verbose", filepath.Join(l.out, "recording.jsonl")}, l.reports("json", "html", "text")...)...)
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (l *leak) serviceConfig() string {
	return fmt.Sprintf("audiences: {delorean: {}, customers: {}}\ndestination:\n  name: crm\n  endpoint: %q\n  retry: {delays: [20ms, 20ms]}\n  auth: {type: bearer, token: %s}\n"+
		"  headers: %s\n  queryParameters: %s\ndataflow: {audiences: [delorean, customers]}\n",
		l.receiver.URL+"/in", quoted(sendable), quoted("X-Api-Key:"+plantedHeader), quoted("sig="+escapedOnce(plantedQuery)))
}

func (l *leak) serves() {
	if runtime.GOOS == "windows" {
		l.t.Skip("no signals")
	}
	write(l.t, l.path("serve.yaml"), l.serviceConfig())
	data := filepath.Join(l.in, "data") // a store keeps bodies, which are the receiver's
	s, at := spawn(l.t, 1, "serve", "--no-auth", "--config", l.path("serve.yaml"), "--data", data)
	for i := range 2 * len(statuses) {
		l.said.WriteString(ask(l.t, http.MethodPost, at[0]+"/updates", fmt.Sprintf(`{"profile": "p%d", "qualify": "delorean"}`, i)))
	}
	l.receiver.CloseClientConnections()
	l.said.WriteString(awaitSettled(l.t, at[0]))
	l.receiver.Close()
	l.said.WriteString(ask(l.t, http.MethodPost, at[0]+"/updates", `{"profile": "nobody", "qualify": "delorean"}`))
	l.said.WriteString(awaitSettled(l.t, at[0]))
	l.said.WriteString(ask(l.t, http.MethodGet, at[0]+"/dead", ""))
	l.said.WriteString(s.end(l.t))
	if !strings.Contains(l.said.String(), "nobody#1") {
		l.t.Errorf("the last update is not a dead letter:\n%s", l.said.String())
	}
	for _, args := range [][]string{{"list"}, {"list", "--json"}, {"show", "nobody#1"}} {
		l.httpdest(append(append([]string{"dead"}, args...), "--data", data)...)
	}
	l.httpdest("store", "check", "--data", data)
}

func (l *leak) loads() {
	write(l.t, l.path("load.yaml"), l.serviceConfig())
	for _, more := range [][]string{nil, {"--through-engine", "--drain", "5s"}} {
		l.httpdest(append(append([]string{"load", l.receiver.URL + "/in?key=" + escapedOnce(plantedQuery), "--config", l.path("load.yaml"), "--rate", "20", "--for", "1s", "--profiles", "50", "--verbose"}, more...), l.reports(everyFormat...)...)...)
		l.keep()
	}
	credentials := []string{"--bearer", "${TOKEN}", "--headers", "${HEADERS}", "--query", "${QUERY}", "--for", "1s", "--verbose"}
	l.httpdest(append(append([]string{"load", l.receiver.URL + "/in", "--rate", "20"}, credentials...), l.reports(everyFormat...)...)...)
	l.keep()
	l.httpdest(append(append([]string{"load", l.receiver.URL + "/in", "--search", "--from", "20", "--to", "20", "--warm-up", "0s", "--rest", "2s"}, credentials...), l.reports(everyFormat...)...)...)
}

// search looks for every secret in all that there is, and wants it to be there.
func (l *leak) search(files []string) {
	t := l.t
	found := map[string]string{"what was said": l.said.String()}
	err := filepath.WalkDir(l.out, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[e.Name()] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "what was said") {
		if found[name] == "" {
			t.Errorf("there is no %s to search", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if shown := spelled(found[name], slices.Concat(planted, l.issued)); len(shown) > 0 {
			t.Errorf("%s shows %d secrets:\n%s", name, len(shown), strings.Join(shown[:min(8, len(shown))], "\n"))
		}
	}
}
