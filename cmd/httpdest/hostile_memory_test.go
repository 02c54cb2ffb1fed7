package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/live"
)

// `make hostile` asks for it: it takes a gigabyte of traffic, and the machine's
// memory is what it measures.
var hostileMemory = flag.Bool("hostile", false, "measure the memory of serve and mock under hostile senders")

// highWater is the most memory that the process ever had, in MiB.
func (s *spawned) highWater(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// below fails where the process took more than so many MiB.
func (s *spawned) below(t *testing.T, most int, what string) {
	t.Helper()
	got := s.highWater(t)
	t.Logf("%s: %d MiB at most, of %d", what, got, most)
	if got > most {
		t.Errorf("%s took %d MiB; want at most %d", what, got, most)
	}
}

func measuresMemory(t *testing.T) {
	t.Helper()
	if !*hostileMemory {
		t.Skip("needs the flag -hostile: it takes a minute and a gigabyte of traffic; `make hostile` gives it")
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("this system has no /proc to measure by")
	}
}

// outage is a receiver that is down until it is told otherwise, and then takes each
// note once.
type outage struct {
	over atomic.Bool
	note string

	mu       sync.Mutex
	profiles map[string]bool
	wrong    string // the beginning of a body that is not as it was sent
}

// ServeHTTP implements http.Handler.
func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !o.over.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var payload struct {
		Person struct{ Note, Name string }
	}
	err = json.Unmarshal(body, &payload)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || payload.Person.Note != o.note {
		o.wrong = string(body[:min(len(body), 200)])
	}
	o.profiles[payload.Person.Name] = true
}

// 953 MB of updates while the receiver is down are all accepted: they wait on disk,
// and the process stays small, also after a restart and while they are delivered.
func TestHostileMemoryOfServe(t *testing.T) {
	measuresMemory(t)
	const memory = 512
	receiver := &outage{note: strings.Repeat("x", 500_000), profiles: map[string]bool{}}
	server := httptest.NewServer(receiver)
	defer server.Close()
	dir := t.TempDir()
	config := filepath.Join(dir, "serve.yaml")
	writeFile(t, config, fmt.Sprintf("audiences: {delorean: {}}\ndestination: {name: crm, endpoint: %q}\ndataflow: {audiences: [delorean], attributes: [person]}\n", server.URL+"/"))
	serve := []string{"serve", "--no-auth", "--config", config, "--data", filepath.Join(dir, "data"), "--memory", fmt.Sprintf("%dMiB", memory)}
	s, at := spawn(t, 1, serve...)
	accepted := pushNotes(t, at[0], receiver.note)
	t.Logf("%d exports accepted", accepted)
	s.below(t, memory*5/4, "serve with a receiver that is down")
	s.end(t)
	s, at = spawn(t, 1, serve...)
	s.below(t, memory*5/4, "serve at its next start")
	receiver.over.Store(true)
	left := health(t, at[0])
	for ; left.Pending > 0; left = health(t, at[0]) {
		time.Sleep(100 * time.Millisecond) // another process delivers
	}
	if got := len(receiver.profiles) + int(left.Dead); got != accepted || receiver.wrong != "" {
		t.Errorf("%d exports accepted, %d delivered, %d dead; a wrong body: %q", accepted, len(receiver.profiles), left.Dead, receiver.wrong)
	}
	t.Logf("%d delivered, %d dead", len(receiver.profiles), left.Dead)
	s.below(t, memory*5/4, "serve that delivers what waited on disk")
	for range 3 {
		for name, h := range hostileUpdates() {
			h.raw = strings.ReplaceAll(h.raw, bearerHeader, "")
			if h.status != http.StatusUnauthorized {
				h.send(t, strings.TrimPrefix(at[0], "http://"))
			}
			if s.cmd.ProcessState != nil {
				t.Fatalf("%s ended the engine", name)
			}
		}
	}
	s.below(t, memory*5/4, "serve after three rounds of the hostile requests")
	s.end(t)
}

// pushNotes sends 953 MB of updates, of which none may be refused, and returns
// how many they were.
func pushNotes(t *testing.T, at, note string) (accepted int) {
	t.Helper()
	for pushed := 0; pushed < 953_000_000; accepted += 20 {
		var lines bytes.Buffer
		for i := range 20 {
			fmt.Fprintf(&lines, `{"profile":"p%d","qualify":"delorean","set":{"person.note":%q,"person.name":"p%d"}}`+"\n", accepted+i, note, accepted+i)
		}
		pushed += lines.Len()
		answer, err := http.Post(at+"/updates", "application/x-ndjson", &lines)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("after %d MB: answer %d %s", pushed/1_000_000, answer.StatusCode, body)
		}
	}
	return accepted
}

// health is what serve has done so far.
func health(t *testing.T, at string) (s live.Stats) {
	t.Helper()
	answer, err := http.Get(at + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// 500 clients that send 500 kB each, slowly, and never end take no more than
// their bodies, and the next request is answered.
func TestHostileMemoryOfMock(t *testing.T) {
	measuresMemory(t)
	s, at := spawn(t, 1, "mock", "--tls", "plain", "--admin", "off", "--quiet")
	address := strings.TrimPrefix(at[0], "http://")
	body := strings.Repeat("x", 500_000)
	var clients sync.WaitGroup
	held := make([]net.Conn, 500)
	for i := range held {
		clients.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			held[i] = conn
			_, _ = fmt.Fprintf(conn, "POST /profiles HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body[1:])
		})
	}
	clients.Wait()
	began := time.Now()
	answer, err := http.Post(at[0]+"/profiles", "application/json", strings.NewReader("{}"))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the next request: %v %v", answer, err)
	}
	t.Logf("the next request took %s", time.Since(began).Round(time.Millisecond))
	s.below(t, 700, "mock with 500 slow bodies of 500 kB")
	for _, conn := range held { // all bodies end at once
		_, _ = io.WriteString(conn, "x")
	}
	began = time.Now()
	if answer, err = http.Post(at[0]+"/profiles", "application/json", strings.NewReader("{}")); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the next request: %v %v", answer, err)
	}
	t.Logf("the next request took %s while 500 bodies ended", time.Since(began).Round(time.Millisecond))
	for range 2 {
		for _, h := range hostileExports() {
			h.send(t, address)
		}
	}
	s.below(t, 700, "mock after the hostile requests")
	for _, conn := range held {
		_ = conn.Close()
	}
	s.end(t)
}

// A listener with TLS takes clients that never go on with their handshake, and
// goes on with others.
func TestSilentHandshakesHoldNobodyUp(t *testing.T) {
	s, at := spawn(t, 1, "mock", "--tls", "tls", "--admin", "off", "--quiet")
	address := strings.TrimPrefix(at[0], "https://")
	for range 50 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // a throwaway certificate
	answer, err := client.Post(at[0]+"/profiles", "application/json", strings.NewReader("{}"))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("a client that goes on: %v %v", answer, err)
	}
	client.CloseIdleConnections()
	s.end(t)
}
