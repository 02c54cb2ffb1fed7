package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// `make crash CYCLES=100` asks for more.
var cycles = flag.Int("cycles", 3, "how often the engine is killed")

const (
	crashProfiles  = 24
	crashPatience  = 30 * time.Second
	killsInAttempt = 0.8 // the share of kills that must come while attempts are under way
)

// crashCase is one kind of destination that is killed.
type crashCase struct {
	name        string
	destination string // further keys of the block; %s is the URL of the token endpoint
	tokens      bool
}

var crashCases = []crashCase{
	{"one profile in a request", "", false},
	{"batches of 5 in an array", "maxProfilesPerRequest: 5", false},
	{"batches of 10 in the profiles wrapper with OAuth 2", `maxProfilesPerRequest: 10, batchEncoding: profiles, auth: {type: oauth2-client-credentials, ` +
		`credentials: body-form-encoded, clientID: hill-valley, clientSecret: flux-capacitor, tokenURL: %q}`, true},
}

// config is the configuration of serve.
func (c crashCase) config(r *receiving) string {
	extra := c.destination
	if c.tokens {
		extra = fmt.Sprintf(extra, r.tokenURL)
	}
	if extra != "" {
		extra = ", " + extra
	}
	return fmt.Sprintf("audiences: {delorean: {}}\ndestination: {name: crm, endpoint: %q, retry: {delays: [20ms, 40ms]}%s}\n"+
		"dataflow: {audiences: [delorean], attributes: [n, s], maxInFlight: 16}\n", "http://"+r.listener.Addr().String()+"/profiles", extra)
}

// receiving is the receiver of a crash test: the mock endpoint, which takes a
// while, fails every tenth request, and refuses one profile for good.
type receiving struct {
	journal  journal.Memory
	endpoint *mockendpoint.Endpoint
	listener net.Listener
	tokenURL string

	mu   sync.Mutex
	open map[net.Conn]bool // with a request being answered
}

func (r *receiving) answering() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// requests are the data calls so far.
func (r *receiving) requests() []journal.Request {
	var data []journal.Request
	for _, q := range r.journal.Requests() {
		if q.TokenRequest == nil {
			data = append(data, q)
		}
	}
	return data
}

func startReceiver(t *testing.T, tokens bool) *receiving {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiving{listener: l, open: map[net.Conn]bool{}}
	plan := fault.NewPlan(1,
		fault.Fault{ID: "refused", Profiles: func(p string) bool { return p == "p0" }, ProfileCount: 1, Latency: 2 * time.Millisecond, Status: 503},
		fault.Fault{ID: "flaky", Probability: 0.1, Latency: 5 * time.Millisecond, Status: 500},
		fault.Fault{ID: "slow", Latency: 10 * time.Millisecond})
	var issuer *token.Issuer
	if tokens {
		issuer = token.New(token.Options{ClientID: "hill-valley", ClientSecret: "flux-capacitor", ExpiresIn: time.Hour})
	}
	r.endpoint = mockendpoint.New(mockendpoint.Options{Faults: plan, Journal: &r.journal, Tokens: issuer,
		ProfileOf: func(namespace, id string) (string, bool) { return id, namespace == "crm" },
		OnState: func(c net.Conn, s mockendpoint.State) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if delete(r.open, c); s == mockendpoint.Active {
				r.open[c] = true
			}
		}})
	go func() { _ = r.endpoint.Serve(l) }() // ends with the listener
	t.Cleanup(func() { _ = l.Close(); _ = r.endpoint.Close() })
	if tokens {
		own, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.tokenURL = "http://" + own.Addr().String() + "/token"
		go func() { _ = r.endpoint.ServeTokens(own) }() // ends with the listener
		t.Cleanup(func() { _ = own.Close() })
	}
	return r
}

// engineProcess is one life of the real binary.
type engineProcess struct {
	cmd *exec.Cmd
	url string
}

func startEngine(t *testing.T, binary, dir string) *engineProcess {
	t.Helper()
	p := &engineProcess{cmd: exec.Command(binary, "serve", "--no-auth", "--config", filepath.Join(dir, "serve.yaml"), "--data", filepath.Join(dir, "data"))}
	var stderr bytes.Buffer
	p.cmd.Stderr = &stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSuffix(line, " (updates)\n"), "listening on ")
	if err != nil || !ok {
		_ = p.cmd.Wait()
		t.Fatalf("serve said %q, %v: %s", line, err, stderr.String())
	}
	p.url = url
	return p
}

func (p *engineProcess) stats(t *testing.T) live.Stats {
	t.Helper()
	answer, err := http.Get(p.url + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var s live.Stats
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// client sends the numbered updates of one profile, one after the other, and
// begins with the first that was not acknowledged.
type client struct {
	profile string
	acked   int64
	tries   int64 // of all its updates; in the body, so that each export has one of its own
}

func (c *client) send(url string, until <-chan struct{}) {
	for {
		select {
		case <-until:
			return
		default:
		}
		n := c.acked + 1
		c.tries++
		update := fmt.Sprintf(`{"profile": %q, "set": {"n": %d, "s": %d}, "qualify": "delorean", "addIdentity": {"crm": %q}}`, c.profile, n, c.tries, c.profile)
		answer, err := http.Post(url+"/updates", "application/x-ndjson", strings.NewReader(update))
		if err != nil {
			return // killed
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return
		}
		c.acked = n
	}
}

// The real binary is killed at random moments, most of them while attempts are
// under way, and every fourth time it is told to end. From the receiver's
// journal: every acknowledged update was delivered or is dead, no export came
// more than three times or in two different bodies, the exports of a profile
// came in order, and nothing is dead with fewer than three attempts.
func TestKill(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "httpdest")
	build := exec.Command("go", "build", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, c := range crashCases {
		t.Run(c.name, func(t *testing.T) { c.kill(t, binary) })
	}
}

func (c crashCase) kill(t *testing.T, binary string) {
	dir := t.TempDir()
	r := startReceiver(t, c.tokens)
	if err := os.WriteFile(filepath.Join(dir, "serve.yaml"), []byte(c.config(r)), 0o600); err != nil {
		t.Fatal(err)
	}
	clients := make([]*client, crashProfiles)
	for i := range clients {
		clients[i] = &client{profile: fmt.Sprintf("p%d", i)}
	}
	random := rand.New(rand.NewPCG(uint64(*cycles), 7))
	inAttempt, unknown := 0, uint64(0)
	for n := range *cycles {
		p := startEngine(t, binary, dir)
		unknown += p.stats(t).Unknown
		end := syscall.SIGKILL
		if n%4 == 1 {
			end = syscall.SIGTERM
		}
		if killWhileSending(t, p, r, clients, random.IntN(200), end) {
			inAttempt++
		}
	}
	p := startEngine(t, binary, dir)
	unknown += p.stats(t).Unknown
	drained(t, p, r)
	letters := deadLetters(t, p)
	if st := p.stats(t); st.Dead != int64(len(letters)) {
		t.Errorf("/health counts %d dead letters; there are %d", st.Dead, len(letters))
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the clean end: %v", err)
	}
	judgeKills(t, r, clients, letters, unknown)
	if float64(inAttempt) < killsInAttempt*float64(*cycles) {
		t.Errorf("%d of %d kills came while attempts were under way; want %.0f %%", inAttempt, *cycles, 100*killsInAttempt)
	}
}

// drained waits until nothing is pending. The profile that is refused for good
// has a long queue after many cycles, so that patience is for the next export
// and not for all of them.
func drained(t *testing.T, p *engineProcess, r *receiving) {
	deadline, left := time.Now().Add(crashPatience), int64(0)
	for st := p.stats(t); st.Pending > 0; st = p.stats(t) {
		if st.Pending != left {
			deadline, left = time.Now().Add(crashPatience), st.Pending
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing was settled for %s: %+v", crashPatience, st)
		}
		r.next()
	}
}

// next lets the other process go on for a moment.
func (r *receiving) next() { <-time.After(time.Millisecond) }

// killWhileSending lets all clients send, kills the engine after a number of
// further requests, and reports whether attempts were under way.
func killWhileSending(t *testing.T, p *engineProcess, r *receiving, clients []*client, after int, end syscall.Signal) bool {
	until := make(chan struct{})
	var sending sync.WaitGroup
	for _, c := range clients {
		sending.Go(func() { c.send(p.url, until) })
	}
	want := len(r.requests()) + after
	for deadline := time.Now().Add(crashPatience); len(r.requests()) < want || r.answering() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no request came")
		}
		r.next()
	}
	open := r.answering() > 0
	if err := p.cmd.Process.Signal(end); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil && end == syscall.SIGTERM {
		t.Errorf("the clean end: %v", err)
	}
	close(until)
	sending.Wait()
	return open
}

func deadLetters(t *testing.T, p *engineProcess) []live.Letter {
	answer, err := http.Get(p.url + "/dead")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var out []live.Letter
	for d := json.NewDecoder(answer.Body); ; {
		var l live.Letter
		if err := d.Decode(&l); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
}
