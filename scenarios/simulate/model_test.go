package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// text is a recording as it is written, a line each.
func text(tb testing.TB, lines []recording.Line) []string {
	tb.Helper()
	out := make([]string, len(lines))
	for i, l := range lines {
		b, err := json.Marshal(l)
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = string(b)
	}
	return out
}

// beyondModel reports whether a dataflow has what the model has not.
func beyondModel(part *scenarios.Scenario) bool {
	requires := len(part.Endpoint.Require.Headers)+len(part.Endpoint.Require.Query) > 0
	wrongServer := !slices.Contains([]string{"", "proper"}, part.Endpoint.Certificate)
	return part.Destination.Auth.FetchesTokens() || requires || wrongServer || takesFirstByte(part)
}

// The model leaves the recording that the wire leaves, line for line, for
// every case of the library: whoever judges the one judges the other. Left out
// are the cases with OAuth 2, with requirements of the endpoint, with a wrong
// certificate of its server or with the reading first-byte, which the model refuses; see ErrNotModelled.
func TestModelAndWireAgree(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range fewer(cases) {
		t.Run(sc.ID, func(t *testing.T) {
			// A configuration that the engine refuses is not played on either.
			refused := slices.ContainsFunc(sc.Expect, func(e scenarios.Expectation) bool {
				return e.Problem != "" && e.Problem != "none" && e.Level == "error"
			})
			if slices.ContainsFunc(sc.Split(), beyondModel) && !refused {
				if _, err := PlayOn(context.Background(), sc, Setting{Wire: Model, Store: memory.New()}); !errors.Is(err, ErrNotModelled) {
					t.Errorf("PlayOn = %v; want ErrNotModelled", err)
				}
				cell{sc.ID, "model", "skip", "the model has no token endpoint, no certificates, no requirements and no bodies"}.tell(t)
				return
			}
			tellAtEnd(t, sc.ID, "model")
			wire, err := PlayOn(context.Background(), sc, Setting{Store: memory.New()})
			if err != nil {
				t.Fatal(err)
			}
			modelled, err := PlayOn(context.Background(), sc, Setting{Wire: Model, Store: memory.New()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(text(t, wire), text(t, modelled)); diff != "" {
				t.Errorf("the recording (-wire +model):\n%s", diff)
			}
			if c := check.Judge(sc, rules, modelled); c.Verdict != reports.Pass {
				t.Errorf("the verdict on the model is %s: %s", c.Verdict, c.Reason)
			}
		})
	}
}

// BenchmarkModel is one export on the model, and a change without an export:
// the cost of a million events.
func BenchmarkModel(b *testing.B) {
	sc, err := scenarios.Parse("bench.yaml", fmt.Appendf(nil, `
title: one export for each profile
rules: [trig-enter]
audiences: {a: {}}
dataflow: {audiences: [a], attributes: [person.name]}
profiles:
  p-{1..%d}: {attributes: {person: {name: {firstName: Emmett, lastName: Brown}}}}
endpoint: {tls: mtls-only}
history: [{at: 1h, profiles: "p-{1..%d}", qualify: a}]
expect: []
others: allowed
`, b.N, b.N))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := PlayOn(context.Background(), sc, Setting{Wire: Model, Store: memory.New()}); err != nil {
		b.Fatal(err)
	}
	// Per profile: its update, the start of its attempt, the end of it.
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// Two answers that end at one instant end in the order in which their last waits
// began, on the model as over the wire: an answer with a late head waits once more.
func TestModelEndsTogetherAsTheWireDoes(t *testing.T) {
	sc, err := scenarios.Parse("together.yaml", []byte(`
title: t
rules: [trig-enter]
audiences: {fans: {}}
profiles: {doc: {}, marty: {}}
endpoint:
  faults:
    - {profile: doc, headersAt: 1s, slowBody: 2s}
    - {profile: marty, latency: 2s}
dataflow: {audiences: [fans]}
history: [{at: 1h, profile: doc, qualify: fans}, {at: 1h, profile: marty, qualify: fans}]
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	played := map[Wire][]string{}
	for _, on := range []Wire{InMemory, Model} {
		lines, err := PlayOn(context.Background(), sc, Setting{Wire: on, Store: memory.New()})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			if l.Attempt != nil {
				played[on] = append(played[on], l.Attempt.Message)
			}
		}
	}
	if diff := cmp.Diff(played[InMemory], played[Model]); diff != "" || len(played[Model]) != 2 || played[Model][0] != "marty#1" {
		t.Errorf("the attempts end in the order %v on the wire and %v on the model; want that of marty first", played[InMemory], played[Model])
	}
}
