package conformance_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/conformance"
)

// fake is a test that keeps what it was failed with.
type fake struct {
	cleanups []func()
	failures []string
}

func (f *fake) Helper()          {}
func (f *fake) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }
func (f *fake) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}
func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// failuresOf runs a test to its end and returns what failed in it.
func failuresOf(run func(t conformance.TB)) string {
	f := &fake{}
	done := make(chan struct{})
	go func() { // ends with run, or with Fatalf
		defer close(done)
		run(f)
	}()
	<-done
	f.end()
	return strings.Join(f.failures, "\n")
}

var right = sender{client: http.DefaultClient, token: "s3cret", retry: true}

func replaced(old, new string) func(string) string {
	return func(body string) string {
		if !strings.Contains(body, old) {
			panic("the body has no " + old)
		}
		return strings.ReplaceAll(body, old, new)
	}
}

// A right sender passes, and each wrong one fails under its rule.
func TestJudge(t *testing.T) {
	conformance.Judge(t, "testdata/enter.yaml", right.send)
	wrong := func(change func(*sender)) sender {
		s := right
		change(&s)
		return s
	}
	n := 0
	for _, c := range []struct {
		name string
		sender
		want string
	}{
		{"a wrong token", wrong(func(s *sender) { s.token = "other" }), "R24"},
		{"an attribute that is not mapped", wrong(func(s *sender) { s.body = replaced(`{"firstName":`, `{"lastName":"x","firstName":`) }), "only-mapped-attributes"},
		{"without a mapped attribute", wrong(func(s *sender) { s.body = replaced(`"person":{"name":{"firstName":"Emmett"}},`, "") }), ""},
		{"not JSON", wrong(func(s *sender) { s.body = replaced(`}}}`, `}},}`) }), "valid-json"},
		{"another status", wrong(func(s *sender) { s.body = replaced("realized", "existing") }), "status-values"},
		{"a retry with another body", wrong(func(s *sender) {
			s.body = func(body string) string { n++; return strings.Replace(body, ":01Z", fmt.Sprintf(":%02dZ", n), 1) }
		}), "marty"},
		{"no retry", wrong(func(s *sender) { s.retry = false }), ""},
		{"everything twice", wrong(func(s *sender) { s.twice = true }), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			send := c.send
			if c.name == "without a mapped attribute" { // that of one profile
				send = func(url string) {
					if err := c.qualify(url, "Emmett", "14575006536349286404619648085736425115"); err != nil {
						t.Fatal(err)
					}
					if err := right.qualify(url, "Marty", "66478888669296734530114754794777368480"); err != nil {
						t.Fatal(err)
					}
				}
			}
			failed := failuresOf(func(f conformance.TB) { conformance.Judge(f, "testdata/enter.yaml", send) })
			if failed == "" || !strings.Contains(failed, c.want) {
				t.Errorf("want a failure that names %q, but got: %s", c.want, failed)
			}
			if strings.Contains(failed, "s3cret") {
				t.Error("the failure holds the token")
			}
		})
	}
}

// A fault that does not fire fails the test, judged or not.
func TestUnfiredFaults(t *testing.T) {
	half := func(url string) {
		if err := right.qualify(url, "Emmett", "14575006536349286404619648085736425115"); err != nil {
			t.Error(err)
		}
	}
	if failed := failuresOf(func(f conformance.TB) { conformance.Judge(f, "testdata/enter.yaml", half) }); !strings.Contains(failed, "busy") {
		t.Errorf("Judge: %s", failed)
	}
	content, err := os.ReadFile("testdata/enter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fifth := written(t, strings.Replace(string(content), "requests: 1,", "requests: 5,", 1))
	if failed := failuresOf(func(f conformance.TB) { conformance.Judge(f, fifth, right.send) }); !strings.Contains(failed, "fault busy of the scenario fired 0 of 1 times") {
		t.Errorf("Judge of a right sender: %s", failed)
	}
	failed := failuresOf(func(f conformance.TB) { half(startInTheClear(f, t).URL) })
	if !strings.Contains(failed, "the fault busy fired 0 of 1 times") {
		t.Errorf("Start: %s", failed)
	}
	if failed := failuresOf(func(f conformance.TB) { right.send(startInTheClear(f, t).URL) }); failed != "" {
		t.Errorf("Start, and the fault fired: %s", failed)
	}
	if failed := failuresOf(func(f conformance.TB) { conformance.Judge(f, "testdata/enter.yaml", func(string) {}) }); failed == "" {
		t.Error("nothing was sent, and the test passes")
	}
}

// startInTheClear starts the mock of enter.yaml without TLS.
func startInTheClear(f conformance.TB, t *testing.T) *conformance.Mock {
	t.Helper()
	content, err := os.ReadFile("testdata/enter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return conformance.Start(f, written(t, strings.Replace(string(content), "endpoint:\n", "endpoint:\n  tls: plain\n", 1)))
}

func written(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "case.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Start plays TLS as the scenario says, and judges a sender that trusts it.
func TestStart(t *testing.T) {
	m := conformance.Start(t, "testdata/mtls.yaml")
	if !strings.HasPrefix(m.URL, "https://127.0.0.1:") {
		t.Errorf("URL is %s", m.URL)
	}
	s := right
	s.client = m.Client()
	s.send(m.URL)
	c := m.Judge()
	if c.Verdict != reports.Pass || c.ID != "scenarios/conformance/testdata/mtls" {
		t.Errorf("%s is %s", c.ID, c.Verdict)
	}
	if fired := m.Fired(); len(fired) != 1 || fired[0].Fired != 1 {
		t.Errorf("fired: %v", fired)
	}
	if r := string(m.Recording()); strings.Count(r, `"request"`) != 3 || strings.Contains(r, "s3cret") {
		t.Errorf("recording: %s", r)
	}
	if _, err := s.client.Get(m.URL); err == nil {
		t.Error("the endpoint serves after it was judged")
	}
}

// Every wrong plan is refused by name, and nothing is served.
func TestWrongPlansAreRefused(t *testing.T) {
	content, err := os.ReadFile("testdata/enter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"endpoint:\n", "endpoint:\n  tls: mtls\n", "tls"},
		{"endpoint:\n", "endpoint:\n  tls: mtls-only\n", "use conformance.Start"},
		{"endpoint:\n", "endpoint:\n  certificate: expired\n", "use conformance.Start"},
		{"endpoint:\n", "endpoint:\n  minTLS: TLSv1.3\n", "use conformance.Start"},
		{"requests: 1, status: 503", "requests: 1, status: 1000", "status"},
		{"{id: busy, profile: marty, requests: 1, status: 503}", "{id: busy, at: handshake, connections: 1, reset: true}", "acts in the handshake"},
		{"type: bearer", "type: digest", "digest"},
		{"trig-enter", "trig-entre", "trig-entre"},
		{"identities: {ecid: \"66478888669296734530114754794777368480\"}", "identities: {ecid: \"14575006536349286404619648085736425115\"}", "have the same identity"},
		{"expect:\n", "expect:\n  - {problem: destination.headers}\n", "nothing to send"},
	} {
		file := written(t, strings.Replace(string(content), c.old, c.new, 1))
		sent := false
		failed := failuresOf(func(f conformance.TB) { conformance.Judge(f, file, func(string) { sent = true }) })
		if sent || !strings.Contains(failed, c.want) {
			t.Errorf("%s: sent %t, want a failure that names %q, but got: %s", c.new, sent, c.want, failed)
		}
	}
	if failed := failuresOf(func(f conformance.TB) { conformance.Start(f, "testdata/none.yaml") }); !strings.Contains(failed, "none.yaml: cannot be read") {
		t.Errorf("a missing file: %s", failed)
	}
}
