package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
)

// inbox is a receiver that keeps what it is sent.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is cut is not what the test wants
		b.mu.Lock()
		defer b.mu.Unlock()
		b.bodies = append(b.bodies, r.Header.Get("X-To")+string(body))
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) all() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.bodies, "\n")
}

// serve decides each update for every dataflow and sends it with the configuration of that
// dataflow. An action changes one of them.
func TestServeSeveralDataflows(t *testing.T) {
	crm, warehouse := newInbox(t), newInbox(t)
	file := filepath.Join(t.TempDir(), "serve.yaml")
	write(t, file, fmt.Sprintf(`
audiences: {delorean: {}, scifi: {}}
destinations:
  crm: {endpoint: %q, headers: "X-To:crm"}
  warehouse: {endpoint: %q, headers: "X-To:warehouse"}
dataflows:
  loyalty: {destination: crm, audiences: [delorean], attributes: [first]}
  archive: {destination: warehouse, audiences: [delorean], attributes: [last]}
  films: {destination: warehouse, audiences: [scifi], attributes: [first]}
`, crm.URL, warehouse.URL))
	s, err := serveFlags{config: file, store: "memory", memory: defaultMemory}.open(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.driver.Run(ctx) }()
	ref, known := s.config.Audience("delorean")
	if !known {
		t.Fatal("no audience delorean")
	}
	if _, err := s.driver.Act(ctx, flow.Action{Kind: flow.Disable, Dataflow: "loyalty"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []profile.ID{"doc", "marty"} {
		u := profile.Update{Profile: id, Changes: []profile.Change{{Op: profile.Qualify, Audience: ref},
			{Op: profile.Set, Path: "first", Value: "Emmett"}, {Op: profile.Set, Path: "last", Value: "Brown"}}}
		if err := s.driver.Submit(ctx, u); err != nil {
			t.Fatal(err)
		}
		if id == "doc" {
			if _, err := s.driver.Act(ctx, flow.Action{Kind: flow.Enable, Dataflow: "loyalty"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	cancel()
	if err := <-ended; err != nil { // a store that forgets is emptied before
		t.Fatal(err)
	}
	s.wire.Close()
	s.notices.close()
	if got := strings.Count(crm.all(), `crm{`); got != 1 || !strings.Contains(crm.all(), "Emmett") || strings.Contains(crm.all(), "Brown") {
		t.Errorf("%d requests at the CRM; want that of marty with the first name:\n%s", got, crm.all())
	}
	if got := strings.Count(warehouse.all(), `warehouse{`); got != 2 || !strings.Contains(warehouse.all(), "Brown") || strings.Contains(warehouse.all(), "Emmett") {
		t.Errorf("%d requests at the warehouse; want both with the last name:\n%s", got, warehouse.all())
	}
}

// The error of one of several dataflows has its name.
func TestServeRefusesADataflow(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no endpoint":   {"destinations: {crm: {}}\ndataflows: {loyalty: {destination: crm}}", "serve.yaml:2:16: the destination crm has no endpoint to send to"},
		"no dataflow":   {"destinations: {crm: {endpoint: \"https://receiver.test/\"}}", "a configuration of serve has no dataflows"},
		"one and many":  {"destination: {}\ndataflows: {}", "destination does not go with destinations and dataflows"},
		"in the clear":  {"destinations: {crm: {endpoint: \"http://receiver.test/\"}}\ndataflows: {loyalty: {destination: crm}}", "loyalty: destination.endpoint: plain http"},
		"a hundred one": {"destinations: {\"r-{1..101}\": {endpoint: \"https://receiver.test/\"}}\ndataflows: {\"f-{1..101}\": {destination: \"r-{n}\"}}", "101 destinations in the sandbox"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "serve.yaml")
			write(t, file, "audiences: {a: {}}\n"+c.text+"\n")
			var stdout, stderr bytes.Buffer
			if got := run(t.Context(), []string{"serve", "--config", file, "--store", "memory"}, &stdout, &stderr, func(string) string { return "" }); got != exitUsage {
				t.Errorf("exit status %d; want %d", got, exitUsage)
			}
			if !strings.Contains(stderr.String(), c.want) {
				t.Errorf("stderr = %q; want %q", stderr.String(), c.want)
			}
		})
	}
}
