package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint/admin"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// administered is an Admin with what it shows.
type administered struct {
	*admin.Admin
	spool   *journal.Spool
	metrics *admin.Metrics
	faults  *fault.Plan
	sink    journal.Tee
	file    string
}

func newAdmin(t testing.TB, token string) *administered {
	t.Helper()
	a := &administered{file: filepath.Join(t.TempDir(), "journal"), metrics: admin.NewMetrics(), faults: fault.NewPlan(1)}
	spool, err := journal.NewSpool(journal.SpoolOptions{Path: a.file, Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = spool.Close() })
	a.spool, a.sink = spool, journal.Tee{spool, a.metrics}
	a.Admin = admin.New(admin.Options{Journal: spool, Faults: a.faults, Metrics: a.metrics, Token: token, Version: "test", Host: "mock.test",
		Listeners: []admin.Listener{{Role: "data", URL: "https://127.0.0.1:8443"}}, Tick: time.Millisecond})
	t.Cleanup(a.Close)
	return a
}

// fill journals n requests and a refused handshake.
func (a *administered) fill(n int) {
	for i := range n {
		a.sink.Request(journal.Request{Arrived: noon, Answered: noon.Add(time.Millisecond), Socket: 1, Number: i + 1,
			Remote: "127.0.0.1:9", Method: "POST",
			Forwards: []journal.Forward{{Sent: noon, Took: 1500 * time.Microsecond, Status: 201}, {Sent: noon, Failure: "refused"}},
			Target:   "/profiles?n=1", Proto: "HTTP/1.1", Head: []byte("POST /profiles?n=1 HTTP/1.1\r\nHost: receiver.test\r\nContent-Type: application/json\r\n\r\n"),
			Body: fmt.Appendf(nil, `{"id":%d}`, i+1), Status: 200, Profiles: []string{fmt.Sprintf("p-%d", i+1)}, TLS: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256",
			Peer: &journal.Peer{CommonName: "client", Issuer: "CA", Expires: noon}})
	}
	a.sink.Handshake(journal.Handshake{Accepted: noon, Ended: noon.Add(time.Millisecond), Socket: 2, Remote: "127.0.0.1:10", Reason: "unknown-ca", TLS: "TLS 1.3",
		Alert: &journal.Alert{By: "endpoint", Code: 48, Description: "unknown_ca"}, ServerName: "receiver.test", Peer: &journal.Peer{CommonName: "stranger"}})
}

// breakDown damages the file of the journal: reading it is an error, and what
// is lost is told.
func (a *administered) breakDown(g *WithT, d *documented) {
	for range 2 {
		a.sink.Request(journal.Request{Method: "POST", Body: make([]byte, 300<<10)})
	}
	first := a.spool.Stats().First
	g.Expect(os.Truncate(a.file, 100)).To(Succeed())
	for operation, want := range map[string]int{"GET /api/v1/journal?order=oldest": 500} {
		status, answer, err := d.ask(operation, "secret", "", true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(status).To(Equal(want), answer)
	}
	g.Expect(func() { // half an export must not look whole
		a.ServeHTTP(httptest.NewRecorder(), asked("GET", "/api/v1/journal/export", "secret"))
	}).To(PanicWith(http.ErrAbortHandler))
	g.Expect(first).To(BeNumerically(">", 0))
	g.Expect(a.spool.Close()).To(Succeed())
	a.sink.Request(journal.Request{Method: "POST"}) // there is no journal any more
	status, answer, err := d.ask("GET /api/v1/health", "secret", "", true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(503))
	g.Expect(answer).To(And(ContainSubstring(`"status":"degraded"`), ContainSubstring(`"lost":1`)))
	_, answer, err = d.ask("GET /api/v1/health", "", "", true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(answer).To(Equal(`{"status":"degraded"}` + "\n"))
}

func asked(method, path, token string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// A browser that somebody else's page commands gets nothing.
func TestForeignPagesAreRefused(t *testing.T) {
	a := newAdmin(t, "secret")
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:8000", "", 200},
		{"[::1]:8000", "", 200},
		{"localhost:8000", "http://localhost:8000", 200},
		{"mock.test", "", 200},
		{"rebound.example:8000", "", 421},
		{"127.0.0.1.example", "", 421},
		{"", "", 421},
		{"127.0.0.1:8000", "http://127.0.0.1:9000", 403},
		{"127.0.0.1:8000", "https://evil.example", 403},
		{"127.0.0.1:8000", "null", 403},
		{"127.0.0.1:8000", "http://evil.127.0.0.1:8000", 403},
		{"127.0.0.1:8000", "http://127.0.0.1:8000.evil.example", 403},
		{"127.0.0.1:8000", "http://evil.example/127.0.0.1:8000", 403},
		{"127.0.0.1:8000", "http://127.0.0.1:8000@evil.example", 403},
		{"127.0.0.1:8000", "http://127.0.0.1", 403},
		{"mock.test", "http://evilmock.test", 403},
		{"mock.test", "http://mock.test.evil.example", 403},
		{"evilmock.test", "", 421},
		{"mock.test.evil.example", "", 421},
	} {
		for _, path := range []string{"/", "/api/v1/journal", "/api/v1/health"} {
			r := asked("GET", path, "secret")
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s of host %q, origin %q: %d; want %d", path, c.host, c.origin, w.Code, c.want)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" || w.Header().Get("Content-Security-Policy") == "" {
				t.Errorf("%s allows origin %q, policy %q", path, got, w.Header().Get("Content-Security-Policy"))
			}
		}
	}
}

// The page and its parts come without a token, since a browser asks for them
// before it has one.
func TestPageIsServed(t *testing.T) {
	a := newAdmin(t, "secret")
	for path, want := range map[string]string{"/": "text/html; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/page.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
		if w.Code != 200 || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

// A fault that is switched off acts no more, and acts again when it is on.
func TestSwitchedFaultsAct(t *testing.T) {
	g := NewWithT(t)
	a := newAdmin(t, "")
	d, err := newDocumented(a.Admin)
	g.Expect(err).NotTo(HaveOccurred())
	must := func(operation, body string, want int) {
		t.Helper()
		status, answer, err := d.ask(operation, "any", body, true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(status).To(Equal(want), answer)
	}
	must("POST /api/v1/faults", `{"id": "f", "status": 503}`, 201)
	g.Expect(a.faults.Request(nil, fault.Message, 1)).NotTo(BeNil())
	must("PATCH /api/v1/faults/f", `{"enabled": false}`, 200)
	must("PATCH /api/v1/faults/f", `{"enabled": false}`, 200)
	g.Expect(a.faults.Request(nil, fault.Message, 1)).To(BeNil())
	must("PATCH /api/v1/faults/f", `{"enabled": true}`, 200)
	g.Expect(a.faults.Request(nil, fault.Message, 1)).NotTo(BeNil())
	must("PATCH /api/v1/faults/f", `{"enabled": false}`, 200)
	must("DELETE /api/v1/faults/f", "", 204)
	must("PATCH /api/v1/faults/f", `{"enabled": true}`, 404)
}
