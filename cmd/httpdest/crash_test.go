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
)

// `make crash CYCLES=100` asks for more.
var cycles = flag.Int("cycles", 3, "how often the engine is killed")

const (
	crashProfiles  = 24
	crashConfig    = "audiences: {delorean: {}}\ndestination: {name: crm, endpoint: %q, retry: {delays: [20ms, 40ms]}}\ndataflow: {audiences: [delorean], attributes: [n, s], maxInFlight: 16}\n"
	crashPatience  = 30 * time.Second
	killsInAttempt = 0.8 // the share of kills that must come while attempts are under way
)

// receiving is the receiver of a crash test: the mock endpoint, which takes a
// while, fails every tenth request, and refuses one profile for good.
type receiving struct {
	journal  journal.Memory
	endpoint *mockendpoint.Endpoint
	listener net.Listener

	mu   sync.Mutex
	open map[net.Conn]bool // with a request being answered
}

func (r *receiving) answering() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

func startReceiver(t *testing.T) *receiving {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiving{listener: l, open: map[net.Conn]bool{}}
	plan := fault.NewPlan(1,
		fault.Fault{ID: "refused", Profiles: func(p string) bool { return p == "p0" }, ProfileCount: 1, Latency: 2 * time.Millisecond, Status: 503},
		fault.Fault{ID: "flaky", Probability: 0.1, Latency: 5 * time.Millisecond, Status: 500},
		fault.Fault{ID: "slow", Latency: 10 * time.Millisecond})
	r.endpoint = mockendpoint.New(mockendpoint.Options{Faults: plan, Journal: &r.journal,
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
// under way. From the receiver's journal: every acknowledged update was
// delivered or is dead, no export came more than three times, the exports of a
// profile came in order, and nothing is dead with fewer than three attempts.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "httpdest")
	build := exec.Command("go", "build", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	r := startReceiver(t)
	config := fmt.Sprintf(crashConfig, "http://"+r.listener.Addr().String()+"/profiles")
	if err := os.WriteFile(filepath.Join(dir, "serve.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	clients := make([]*client, crashProfiles)
	for i := range clients {
		clients[i] = &client{profile: fmt.Sprintf("p%d", i)}
	}
	random := rand.New(rand.NewPCG(uint64(*cycles), 7))
	inAttempt, unknown := 0, uint64(0)
	for range *cycles {
		p := startEngine(t, binary, dir)
		unknown += p.stats(t).Unknown
		if killWhileSending(t, p, r, clients, random.IntN(200)) {
			inAttempt++
		}
	}
	p := startEngine(t, binary, dir)
	unknown += p.stats(t).Unknown
	drained(t, p, r)
	letters := deadLetters(t, p)
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
// further requests, and says whether attempts were under way.
func killWhileSending(t *testing.T, p *engineProcess, r *receiving, clients []*client, after int) bool {
	until := make(chan struct{})
	var sending sync.WaitGroup
	for _, c := range clients {
		sending.Go(func() { c.send(p.url, until) })
	}
	want := len(r.journal.Requests()) + after
	for deadline := time.Now().Add(crashPatience); len(r.journal.Requests()) < want || r.answering() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("no request came")
		}
		r.next()
	}
	open := r.answering() > 0
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // killed
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

// numbered is what a body says: whose it is, and its number.
func numbered(t *testing.T, body string) (profile string, n int64) {
	t.Helper()
	var b struct {
		N           int64
		IdentityMap map[string][]struct{ ID string }
	}
	if err := json.Unmarshal([]byte(body), &b); err != nil || len(b.IdentityMap["crm"]) != 1 {
		t.Fatalf("body %s: %v", body, err)
	}
	return b.IdentityMap["crm"][0].ID, b.N
}

func judgeKills(t *testing.T, r *receiving, clients []*client, letters []live.Letter, unknown uint64) {
	type update struct {
		profile string
		n       int64
	}
	requests, delivered, last := map[string]int{}, map[update]int{}, map[string]int64{}
	most, duplicates := 0, 0
	for _, q := range r.journal.Requests() {
		profile, n := numbered(t, string(q.Body))
		requests[string(q.Body)]++
		most = max(most, requests[string(q.Body)])
		if n < last[profile] {
			t.Errorf("%s: update %d came after %d", profile, n, last[profile])
		}
		last[profile] = n
		if q.Status == http.StatusOK && !q.Disconnected {
			if delivered[update{profile, n}]++; delivered[update{profile, n}] > 1 {
				duplicates++
			}
		}
	}
	dead := map[update]bool{}
	for _, l := range letters {
		profile, n := numbered(t, l.Body)
		dead[update{profile, n}] = true
		if l.Attempts != 3 {
			t.Errorf("%s is dead after %d attempts", l.ID, l.Attempts)
		}
	}
	accepted, lost := int64(0), 0
	for _, c := range clients {
		accepted += c.acked
		for n := int64(1); n <= c.acked; n++ {
			if u := (update{c.profile, n}); delivered[u] == 0 && !dead[u] {
				lost++
				t.Errorf("%s: update %d was acknowledged, and neither delivered nor dead", c.profile, n)
			}
		}
	}
	fmt.Printf("cycles=%d accepted=%d delivered=%d dead=%d unknown=%d duplicates=%d most-attempts=%d lost=%d\n",
		*cycles, accepted, len(delivered), len(dead), unknown, duplicates, most, lost)
	if most > 3 {
		t.Errorf("one export was sent %d times", most)
	}
	if len(dead) == 0 {
		t.Error("nothing is dead, though one profile is refused for good")
	}
}
