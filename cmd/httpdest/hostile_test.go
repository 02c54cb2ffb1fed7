package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/internal/access"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// hostile is one request as it goes over the wire, and the documented answer.
type hostile struct {
	raw     string
	half    bool // the client closes its side afterwards
	status  int  // 0: no answer
	has     string
	header  string // that the answer must have, as Name: value or Name
	closes  bool   // the connection ends after the answer
	refused string // of the mock's journal
}

// withBody is a POST with a length.
func withBody(path, headers, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
}

// chunked is a POST whose body is raw chunks.
func chunked(path, headers, chunks string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%s", path, headers, chunks)
}

const bearerHeader = "Authorization: Bearer right\r\n"

// update is a POST of updates with the token.
func update(lines string) string { return withBody("/updates", bearerHeader, lines) }

// setting is an update that sets a path to a value.
func setting(path, value string) string {
	return update(`{"profile":"doc","set":{"` + path + `":` + value + `}}`)
}

// hostileUpdates are requests to httpdest serve.
func hostileUpdates() map[string]hostile {
	deep := func(n int) string { return strings.Repeat("a.", n-1) + "a" }
	nested := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	long := strings.Repeat("x", 1025)
	const good = `{"profile":"doc","qualify":"delorean"}` + "\n"
	goodChunk := fmt.Sprintf("%x\r\n%s\r\n", len(good), good)
	return map[string]hostile{
		"a path of 20,000 levels":         {raw: setting(deep(20_000), "1"), status: 400, has: `"limit":"path-bytes"`},
		"a path of 1,000 levels":          {raw: setting(deep(1000), "1"), status: 400, has: `"limit":"path-levels"`},
		"a path of 65 levels":             {raw: setting(deep(65), "1"), status: 400, has: `"line":1`},
		"a path of 64 levels":             {raw: setting(deep(64), "1"), status: 200},
		"a path of a megabyte":            {raw: setting(strings.Repeat("a", 1_000_000), "1"), status: 400, has: "path-bytes"},
		"a removal of a deep path":        {raw: update(`{"profile":"doc","remove":"` + deep(100) + `"}`), status: 400, has: "path-levels"},
		"a value of 65 levels":            {raw: setting("a", nested(65)), status: 400, has: "value-levels"},
		"a value of 9,000 levels":         {raw: setting("a", nested(9000)), status: 400, has: "value-levels"},
		"a value of 400,000 levels":       {raw: setting("a", nested(400_000)), status: 400},
		"an unclosed value":               {raw: update(`{"profile":"doc","set":{"a":` + strings.Repeat("[", 100_000)), status: 400},
		"a long profile id":               {raw: update(`{"profile":"` + long + `","qualify":"delorean"}`), status: 400, has: "id-bytes"},
		"a long identity":                 {raw: update(`{"profile":"doc","addIdentity":{"crm":"` + long + `"}}`), status: 400, has: "id-bytes"},
		"a long namespace":                {raw: update(`{"profile":"doc","removeIdentity":{"` + long + `":"x"}}`), status: 400, has: "id-bytes"},
		"a long replacement":              {raw: update(`{"profile":"doc","replaceIdentity":{"crm":{"from":"x","to":"` + long + `"}}}`), status: 400, has: "id-bytes"},
		"100,001 changes":                 {raw: update(`{"profile":"doc","remove":["a"` + strings.Repeat(`,"a"`, 100_000) + `]}`), status: 413, has: "update-changes"},
		"60,000 identities":               {raw: update(strings.TrimSpace(identityLine("crowd", 60_000))), status: 200},
		"a line of 1 MiB and a byte":      {raw: update(strings.Repeat(" ", 1<<20+1)), status: 413, has: "update-bytes"},
		"a line of 5 MiB":                 {raw: update(good + strings.Repeat("x", 5<<20)), status: 413, has: `"line":2`},
		"5 MiB of empty lines":            {raw: update(strings.Repeat("\n", 5<<20)), status: 200, has: `"accepted":0`},
		"no body":                         {raw: update(""), status: 200, has: `"accepted":0`},
		"not JSON":                        {raw: update("hello"), status: 400, has: `"line":1`},
		"not UTF-8":                       {raw: update("{\"profile\":\"\xff\xfe\",\"qualify\":\"delorean\"}"), status: 400},
		"a second line that is wrong":     {raw: update(good + "[]"), status: 400, has: `"accepted":1,"line":2`},
		"an unknown audience":             {raw: update(`{"profile":"doc","qualify":"nobody"}`), status: 400, has: "no audience"},
		"good chunks":                     {raw: chunked("/updates", bearerHeader, goodChunk+"0\r\n\r\n"), status: 200, closes: true},
		"a chunk without a size":          {raw: chunked("/updates", bearerHeader, goodChunk+"no size\r\n"), status: 400, has: `"accepted":1`, closes: true},
		"a chunk size that is too large":  {raw: chunked("/updates", bearerHeader, "ffffffffffffffffff\r\n"), status: 400, closes: true},
		"a negative chunk size":           {raw: chunked("/updates", bearerHeader, "-5\r\nhello\r\n0\r\n\r\n"), status: 400, closes: true},
		"a chunk longer than its size":    {raw: chunked("/updates", bearerHeader, "2\r\nhello\r\n0\r\n\r\n"), status: 400, closes: true},
		"a chunk extension of a megabyte": {raw: chunked("/updates", bearerHeader, "1;"+strings.Repeat("x", 1_000_000)+"\r\n \r\n0\r\n\r\n"), status: 400, closes: true},
		"half a body":                     {raw: "POST /updates HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "Content-Length: 100\r\n\r\n{", half: true, status: 400},
		"a length and chunks":             {raw: chunked("/updates", bearerHeader+"Content-Length: 5\r\n", goodChunk+"0\r\n\r\n"), status: 200, closes: true},
		"two lengths":                     {raw: "POST /updates HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}", status: 400, closes: true},
		"a negative length":               {raw: "POST /updates HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "Content-Length: -1\r\n\r\n", status: 400, closes: true},
		"an unknown coding":               {raw: "POST /updates HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "Transfer-Encoding: gzip\r\n\r\n", status: 501, closes: true},
		"a space before the colon":        {raw: "POST /updates HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A : b\r\n\r\n", status: 400, closes: true},
		"a head of 100 kB":                {raw: "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + strings.Repeat("x", 100_000) + "\r\n\r\n", status: 431, closes: true},
		"not HTTP":                        {raw: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", status: 400, closes: true},
		"HTTP/3.0":                        {raw: "GET /health HTTP/3.0\r\nHost: 127.0.0.1\r\n\r\n", status: 505, closes: true},
		"no token":                        {raw: withBody("/updates", "", good), status: 401, header: "Www-Authenticate", closes: true},
		"a wrong token":                   {raw: withBody("/updates", "Authorization: Bearer wrong\r\n", good), status: 401, header: "Www-Authenticate", closes: true},
		"health without a token":          {raw: "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", status: 401, closes: true},
		"dead letters without a token":    {raw: "GET /dead HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", status: 401, closes: true},
		"a page of another origin":        {raw: withBody("/updates", bearerHeader+"Origin: https://evil.example\r\nContent-Type: text/plain\r\n", good), status: 403, closes: true},
		"a name that DNS may rebind":      {raw: "GET /dead HTTP/1.1\r\nHost: evil.example\r\n" + bearerHeader + "\r\n", status: 421, closes: true},
		"a method that is not one":        {raw: "PUT /updates HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "Content-Length: 0\r\n\r\n", status: 405, header: "Allow: POST"},
		"a path that is not one":          {raw: "GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "\r\n", status: 404},
		"a resend of nobody":              {raw: withBody("/dead/resend?id=nobody", bearerHeader, ""), status: 404, has: "no dead letter"},
		"a resend without an id":          {raw: withBody("/dead/resend", bearerHeader, ""), status: 404},
	}
}

// identityLine is an update that adds n identities.
func identityLine(profile string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"profile":%q,"addIdentity":{"crm":["i0"`, profile)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,"i%d"`, i)
	}
	return b.String() + "]}}\n"
}

// send writes a request and reads its answer; closed says that the connection
// ended after it.
func (h hostile) send(t *testing.T, address string) (answer *http.Response, body string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // of a test that hangs
	_, _ = io.WriteString(conn, h.raw)                // an early answer may break it off
	if h.half {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	reader := bufio.NewReader(conn)
	method, _, _ := strings.Cut(h.raw, " ")
	answer, err = http.ReadResponse(reader, &http.Request{Method: method})
	if err != nil {
		return nil, "", true
	}
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("the body of the answer: %v", err)
	}
	return answer, string(read), answer.Close
}

// check holds an answer against the documented one.
func (h hostile) check(t *testing.T, address string) {
	t.Helper()
	answer, body, closed := h.send(t, address)
	if answer == nil {
		if h.status != 0 {
			t.Errorf("no answer; want %d", h.status)
		}
		return
	}
	if answer.StatusCode != h.status || !strings.Contains(body, h.has) {
		t.Errorf("answer %d %.300s; want %d with %q", answer.StatusCode, body, h.status, h.has)
	}
	name, value, _ := strings.Cut(h.header, ": ")
	if got := answer.Header.Get(name); h.header != "" && (got == "" || !strings.Contains(got, value)) {
		t.Errorf("header %s is %q; want %q", name, got, value)
	}
	if h.closes && !closed {
		t.Error("the connection stays open")
	}
}

// startHostileEngine serves an engine whose receiver takes everything, with the
// token right.
func startHostileEngine(t testing.TB) (address string, driver *live.Driver) {
	t.Helper()
	const text = "audiences: {delorean: {}}\ndestination: {name: crm, endpoint: \"http://127.0.0.1:1/\", retry: {delays: []}}\ndataflow: {audiences: [delorean], attributes: [person]}\n"
	file := t.TempDir() + "/serve.yaml"
	writeFile(t, file, text)
	sc, err := scenarios.LoadService(file)
	if err != nil {
		t.Fatal(err)
	}
	config, err := simulate.NewServices(sc, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &service{config: config, store: memory.New(), guard: access.Guard{Token: "right", Realm: "httpdest serve"}}
	s.driver, err = live.New(live.Config{Dataflows: []flow.Dataflow{config.Each[0].Dataflow(false, false)}, Store: s.store, Perform: accepting,
		Memory: defaultMemory, FinishQueue: true, Ahead: live.DefaultAhead, Linger: live.DefaultLinger})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := intakeServer(s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.driver.Run(ctx) }()
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the engine ended with %v", err)
		}
		_ = server.Close()
	})
	return listener.Addr().String(), s.driver
}

// Nothing that is sent to the intake can stop the engine: every request gets the
// documented answer, and the engine goes on.
func TestHostileUpdates(t *testing.T) {
	address, driver := startHostileEngine(t)
	for name, h := range hostileUpdates() {
		t.Run(name, func(t *testing.T) { h.check(t, address) })
	}
	hostile{raw: update(`{"profile":"doc","qualify":"delorean","set":{"person.name":"Emmett"}}`), status: 200, has: `"accepted":1`}.check(t, address)
	hostile{raw: "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "\r\n", status: 200, has: `"updates"`}.check(t, address)
	if st := driver.Stats(); st.Updates == 0 {
		t.Errorf("Stats = %+v; want updates", st)
	}
}

// hostileExports are requests to the mock endpoint.
func hostileExports() map[string]hostile {
	const good = `{"identityMap":{"crm":[{"id":"doc"}]},"segmentMembership":{}}`
	goodChunk := fmt.Sprintf("%x\r\n%s\r\n", len(good), good)
	post := func(headers, body string) string { return withBody("/profiles", bearerHeader+headers, body) }
	chunks := func(raw string) string { return chunked("/profiles", bearerHeader, raw) }
	return map[string]hostile{
		"a good one":                     {raw: post("", good), status: 200},
		"a body of 16 MiB":               {raw: post("", strings.Repeat(" ", 16<<20)), status: 200},
		"a body of 16 MiB and a byte":    {raw: post("", strings.Repeat(" ", 16<<20+1)), status: 413, has: "body-bytes", closes: true, refused: "body-bytes"},
		"a body of 20 MiB in chunks":     {raw: chunks("1400000\r\n" + strings.Repeat(" ", 20<<20) + "\r\n0\r\n\r\n"), status: 413, closes: true, refused: "body-bytes"},
		"a chunk without a size":         {raw: chunks(goodChunk + "no size\r\n"), status: 400, closes: true, refused: "malformed"},
		"a chunk size that is too large": {raw: chunks("fffffffffffffffff\r\n"), status: 400, closes: true, refused: "malformed"},
		"a negative chunk size":          {raw: chunks("-1\r\n"), status: 400, closes: true, refused: "malformed"},
		"a chunk longer than its size":   {raw: chunks("2\r\nhello\r\n0\r\n\r\n"), status: 400, closes: true, refused: "malformed"},
		"an end that is malformed":       {raw: chunks(goodChunk + "0\r\nnot a header\r\n\r\n"), status: 400, closes: true, refused: "malformed"},
		"a length and chunks":            {raw: chunked("/profiles", bearerHeader+"Content-Length: 5\r\n", goodChunk+"0\r\n\r\n"), status: 200, closes: true},
		"no token":                       {raw: withBody("/profiles", "", good), status: 401, header: "Www-Authenticate: Bearer"},
		"a method that is not one":       {raw: "GET /profiles HTTP/1.1\r\nHost: 127.0.0.1\r\n" + bearerHeader + "\r\n", status: 405, header: "Allow: OPTIONS, POST"},
		"two lengths":                    {raw: "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", status: 400, closes: true},
		"not HTTP":                       {raw: "\x16\x03\x01\x02\x00\r\n\r\n", status: 400, closes: true},
		"a deep body":                    {raw: post("", strings.Repeat("[", 1_000_000)), status: 200},
		"a million profiles":             {raw: post("", "["+strings.Repeat(`{"identityMap":{}},`, 800_000)+"{}]"), status: 200},
		"a body that breaks off":         {raw: "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{", half: true},
	}
}

// Nothing that is sent to the mock endpoint can stop it, and what it refuses is
// recorded as refused.
func TestHostileExports(t *testing.T) {
	for name, h := range hostileExports() {
		t.Run(name, func(t *testing.T) {
			s := mockendpoint.Start(t, mockendpoint.Options{Bearer: "right"})
			address := strings.TrimPrefix(s.URL, "http://")
			h.check(t, address)
			hostile{raw: withBody("/profiles", bearerHeader, "{}"), status: 200}.check(t, address)
			var first journal.Request
			if all := s.Journal.Requests(); len(all) > 1 {
				first = all[0]
			}
			if h.refused != "" && (!strings.Contains(first.Refused, h.refused) || first.Status != h.status || first.Disconnected) {
				t.Errorf("journal: status %d, refused %q, left %v; want %d, %q", first.Status, first.Refused, first.Disconnected, h.status, h.refused)
			}
		})
	}
}
