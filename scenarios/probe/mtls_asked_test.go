package probe

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// tlsReceiver is a probe of a receiver with TLS that requests client
// certificates, without any to present.
func tlsReceiver(t *testing.T, version uint16, auth tls.ClientAuthType, answer http.HandlerFunc) *Prober {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = quiet
	server.TLS = &tls.Config{MinVersion: version, MaxVersion: version, ClientAuth: auth}
	server.StartTLS()
	t.Cleanup(server.Close)
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL, MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1, Auth: dataflow.Auth{Kind: dataflow.AuthNone}},
		Limits: scenarios.Limits{Rate: 1000, Requests: 1000, Burst: 20}, Rules: rules, Pause: time.Millisecond, Load: scenarios.StatedLoad{Rate: 10, For: time.Second}}
	c.Roots = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return New(c)
}

// The refusal of a client without a certificate is noticed as an alert, as a
// reset or as an end of the connection. It is one refusal, with one verdict.
func TestOneVerdictForOneRefusal(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p := tlsReceiver(t, version, tls.RequireAnyClientCert, func(http.ResponseWriter, *http.Request) {})
		defer p.close()
		plain, verdicts := shapes(p.people, p.config)[0], map[string]int{}
		for range 200 {
			r := &caseRun{Prober: p}
			p.senders, p.main = nil, p.senderFor(p.config.Destination, nil) // a handshake each
			r.first(context.Background(), plain)
			for _, k := range r.checks {
				verdicts[string(k.Verdict)+" "+k.Rule+" "+k.Class]++
			}
			p.refused = nil
			p.close()
		}
		if len(verdicts) != 1 || verdicts["inconclusive rcv-mtls-only mtls"] != 200 {
			t.Errorf("%s: %v", tls.VersionName(version), verdicts)
		}
	}
}

// A server that requests a certificate and refuses by a status is not told that
// it validates too strictly.
func TestRefusedByStatusForWantOfACertificate(t *testing.T) {
	for _, status := range []int{400, 403, 495, 496} {
		p := tlsReceiver(t, tls.VersionTLS13, tls.RequestClientCert, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html><head><title>400 No required SSL certificate was sent</title></head><body>nginx</body></html>"))
		})
		r, err := p.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != reports.Inconclusive {
			t.Errorf("%d: verdict %s", status, r.Verdict)
		}
		for _, c := range r.Cases {
			for _, k := range c.Checks {
				switch {
				case c.ID == "message/plain" && (k.Class != "mtls" || k.Said == "" || !strings.Contains(k.Fix, "--write-certificates")):
					t.Errorf("%d: class %q, said %q, fix %q", status, k.Class, k.Said, k.Fix)
				case k.Verdict == reports.Fail:
					t.Errorf("%d: %s fails: %s", status, k.Rule, k.Title)
				}
			}
		}
	}
}

// A port that speaks TLS is named as such when the endpoint is http.
func TestClearTextToATLSPort(t *testing.T) {
	p := tlsReceiver(t, tls.VersionTLS13, tls.NoClientCert, func(http.ResponseWriter, *http.Request) {})
	c := p.config
	c.Destination.Endpoint = strings.Replace(c.Destination.Endpoint, "https:", "http:", 1)
	r, err := New(c).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(r); len(got) != 1 || !strings.HasPrefix(got[0], "rcv-tls: this port speaks TLS") {
		t.Errorf("%q", got)
	}
}

// failures are the failed checks of a report.
func failures(r *reports.Report) []string {
	var out []string
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail {
				out = append(out, k.Rule+": "+k.Title)
			}
		}
	}
	return out
}
