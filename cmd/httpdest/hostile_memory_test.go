package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
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

// 953 MB of updates while the receiver is down fill the share of --memory that is
// for them. Then intake refuses with Retry-After, and the process stays small.
func TestHostileMemoryOfServe(t *testing.T) {
	measuresMemory(t)
	const memory = 512
	dir := t.TempDir()
	config := filepath.Join(dir, "serve.yaml")
	writeFile(t, config, "audiences: {delorean: {}}\ndestination: {name: crm, endpoint: \"http://127.0.0.1:1/\"}\ndataflow: {audiences: [delorean], attributes: [person]}\n")
	s, at := spawn(t, 1, "serve", "--no-auth", "--config", config, "--data", filepath.Join(dir, "data"), "--memory", fmt.Sprintf("%dMiB", memory))
	note := strings.Repeat("x", 500_000)
	refused, pushed := 0, 0
	for n := 0; pushed < 953_000_000 && refused < 2; n++ {
		var lines bytes.Buffer
		for i := range 20 {
			fmt.Fprintf(&lines, `{"profile":"p%d-%d","qualify":"delorean","set":{"person.note":%q}}`+"\n", n, i, note)
		}
		pushed += lines.Len()
		answer, err := http.Post(at[0]+"/updates", "application/x-ndjson", &lines)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		switch {
		case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
			refused++
		case answer.StatusCode != http.StatusOK:
			t.Fatalf("answer %d %s", answer.StatusCode, body)
		}
	}
	if refused == 0 {
		t.Errorf("%d MB were accepted and none refused", pushed/1_000_000)
	}
	t.Logf("%d MB pushed, %d requests refused", pushed/1_000_000, refused)
	s.below(t, memory*5/4, "serve with a receiver that is down")
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
