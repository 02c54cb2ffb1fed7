package simulate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// against is the recording of one export to an endpoint.
func against(t *testing.T, endpoint string, wire simulate.Wire) ([]recording.Line, error) {
	t.Helper()
	sc, err := scenarios.Parse("endpoint.yaml", []byte(`
title: An endpoint that asks for more
rules: [trig-enter]
audiences: {a: {}}
destination: {headers: "X-Tenant:acme", queryParameters: "source=aep"}
dataflow: {audiences: [a], attributes: [email]}
profiles: {p: {}}
history: [{at: 1h, profile: p, qualify: a}]
expect: []
others: allowed
endpoint: `+endpoint+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return simulate.PlayOn(context.Background(), sc, simulate.Setting{Wire: wire, Store: memory.New()})
}

// The engine's outcome at each endpoint, its reason, and the part that the
// request lacks according to the endpoint.
func TestEndpointsThatAskForMore(t *testing.T) {
	for _, c := range []struct{ endpoint, want string }{
		{`{require: {contentType: application/json, headers: {X-Tenant: acme}, query: {source: aep}, payload: true}, minTLS: TLSv1.3}`, "200"},
		{`{require: {headers: {X-Tenant: ""}}}`, "200"},
		{`{require: {contentType: text/csv}}`, "415 (the content type is not text/csv)"},
		{`{require: {headers: {x-stage: prod}}}`, "400 (header x-stage is missing)"},
		{`{require: {query: {source: other}}}`, "400 (query parameter source does not have the required value)"},
		{`{certificate: expired}`, "tls server-certificate-expired"},
		{`{certificate: not-yet-valid}`, "tls server-certificate-not-yet-valid"},
		{`{certificate: wrong-host}`, "tls server-certificate-wrong-host"},
		{`{certificate: unknown-ca}`, "tls server-certificate-unknown-ca"},
		{`{certificate: self-signed}`, "tls server-certificate-self-signed"},
		{`{certificate: missing-intermediate}`, "tls server-certificate-unknown-ca"},
		{`{minTLS: TLSv1.0, maxTLS: TLSv1.1}`, "tls protocol-version"},
		{`{maxTLS: TLSv1.2}`, "200"},
	} {
		t.Run(c.endpoint, func(t *testing.T) {
			lines, err := against(t, c.endpoint, simulate.InMemory)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, firstOutcome(lines)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// firstOutcome is that of the first attempt, or of the decision it waited for.
func firstOutcome(lines []recording.Line) string {
	refused := ""
	for _, l := range lines {
		switch {
		case l.Request != nil && l.Request.Refused != "":
			refused = " (" + l.Request.Refused + ")"
		case l.Decision != nil && l.Decision.Reason != "":
			return l.Decision.First + " " + l.Decision.Reason
		case l.Attempt != nil:
			return l.Attempt.Outcome + refused
		}
	}
	return fmt.Sprintf("no attempt in %d lines", len(lines))
}

// A model refuses a scenario that it cannot play.
func TestTheModelHasNoCertificates(t *testing.T) {
	for _, endpoint := range []string{`{certificate: expired}`, `{maxTLS: TLSv1.2}`, `{require: {payload: true}}`} {
		if _, err := against(t, endpoint, simulate.Model); !errors.Is(err, simulate.ErrNotModelled) {
			t.Errorf("%s: %v; want ErrNotModelled", endpoint, err)
		}
	}
	if _, err := against(t, `{certificate: proper}`, simulate.Model); err != nil {
		t.Error(err)
	}
}

// Whatever endpoint a scenario of the library has, the mock endpoint takes it.
func TestEveryEndpointOfTheLibraryIsTaken(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, sc := range cases {
		if sc.Refuses() {
			continue // its configuration is what is wrong
		}
		if err := simulate.NewReceiver(sc).Options().Check(); err != nil {
			t.Errorf("%s: %v", sc.ID, err)
		}
	}
}
