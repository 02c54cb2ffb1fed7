package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spawned is httpdest as a process of its own: this test binary under its name
// (TestMain).
type spawned struct {
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr bytes.Buffer
	said   strings.Builder // what was read of stdout
}

// spawn starts a server and returns the addresses that it says it listens on.
func spawn(t *testing.T, addresses int, args ...string) (s *spawned, at []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s = &spawned{cmd: &exec.Cmd{Path: self, Args: append([]string{"httpdest"}, args...)}}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.stdout = bufio.NewReader(out)
	for range addresses {
		line, err := s.stdout.ReadString('\n')
		words := strings.Fields(line)
		if err != nil || len(words) != 4 {
			_ = s.cmd.Wait()
			t.Fatalf("httpdest %s said %q, %v: %s", strings.Join(args, " "), line, err, s.stderr.String())
		}
		s.said.WriteString(line)
		at = append(at, words[2])
	}
	return s, at
}

// end ends a server cleanly and returns all it said.
func (s *spawned) end(t *testing.T) string {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(s.stdout)
	if err != nil {
		t.Fatal(err)
	}
	err = s.cmd.Wait()
	if strings.Contains(s.stderr.String(), unfulfilled) && s.cmd.ProcessState.ExitCode() == exitUnjudged {
		err = nil
	}
	if err != nil {
		t.Errorf("the end of %s: %v\n%s", s.cmd.Args, err, s.stderr.String())
	}
	return s.said.String() + string(rest) + s.stderr.String()
}

// ask sends a request to one of the servers and returns the answer.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answer.Status + "\n" + string(content)
}

// awaitSettled waits until nothing is pending.
func awaitSettled(t *testing.T, service string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		health := ask(t, http.MethodGet, service+"/health", "")
		if strings.Contains(health, `"pending":0`) && strings.Contains(health, `"underWay":0`) {
			return health
		}
		if time.Now().After(deadline) {
			t.Fatalf("still pending: %s", health)
		}
	}
}

// R32 for the engine as a service, with each of the five authentications
// against the mock with --record: both streams of every command, every answer,
// the recording, what judge makes of it, and dead letters. The folder of --data
// is the one exception: the store keeps bodies, which are the receiver's, and
// is compressed, so that a search of it would show nothing.
func TestNoSecretIsShownByServe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	for kind, destination := range withSecrets {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := secretRun{t: t, dir: t.TempDir(), kind: kind}
			r.play(destination)
			r.search()
		})
	}
}

// secretRun is everything that one authentication leaves behind.
type secretRun struct {
	t         *testing.T
	dir, kind string
	said      strings.Builder
}

func (r *secretRun) path(name string) string { return filepath.Join(r.dir, name) }

// httpdest runs a command to its end.
func (r *secretRun) httpdest(status int, args ...string) {
	r.t.Helper()
	var out bytes.Buffer
	if got := run(r.t.Context(), args, &out, &out, func(string) string { return "" }); got != status {
		r.t.Errorf("httpdest %s: exit status %d; want %d\n%s", strings.Join(args, " "), got, status, out.String())
	}
	r.said.WriteString(out.String())
}

func (r *secretRun) play(destination string) {
	t := r.t
	write(t, r.path("in-scenario.yaml"), secretScenario(r.kind, destination))
	fetches := strings.Contains(destination, "oauth2")
	addresses := 1
	if fetches {
		addresses = 2
	}
	mock, at := spawn(t, addresses, "mock", "--scenario", r.path("in-scenario.yaml"), "--tls", "plain", "--record", r.path("recording.jsonl"))
	if fetches {
		destination = strings.Replace(destination, "clientID:", fmt.Sprintf("tokenURL: %q, clientID:", at[1]+"/token"), 1)
	}
	config := fmt.Sprintf("audiences: {delorean: {}}\ndestination:\n  name: crm\n  endpoint: %q\n  retry: {delays: [20ms, 20ms]}\n  %s\ndataflow: {audiences: [delorean]}\n", at[0]+"/profiles", destination)
	write(t, r.path("in-serve.yaml"), config)
	write(t, r.path("in-broken.yaml"), strings.NewReplacer("auth: {type: ", "auth: {type: more-", "name: crm", "surname: crm").Replace(config))
	r.httpdest(exitUsage, "serve", "--config", r.path("in-broken.yaml"), "--data", r.path("data"))
	write(t, r.path("in-broken.yaml"), strings.NewReplacer("auth: {type: ", "auth: {type: more-").Replace(config))
	r.httpdest(exitUsage, "serve", "--config", r.path("in-broken.yaml"), "--data", r.path("data"))

	first, service := spawn(t, 1, "serve", "--no-auth", "--config", r.path("in-serve.yaml"), "--data", r.path("data"))
	r.said.WriteString(ask(t, http.MethodPost, service[0]+"/updates", `{"profile": "doc", "qualify": "delorean"}`))
	r.said.WriteString(ask(t, http.MethodPost, service[0]+"/updates", `{"profile": "doc", "qualify": "nobody"}`))
	r.said.WriteString(awaitSettled(t, service[0]))
	r.said.WriteString(mock.end(t))
	r.said.WriteString(ask(t, http.MethodPost, service[0]+"/updates", `{"profile": "marty", "qualify": "delorean"}`)) // nobody is there
	r.said.WriteString(awaitSettled(t, service[0]))
	r.said.WriteString(ask(t, http.MethodGet, service[0]+"/dead", ""))
	r.said.WriteString(ask(t, http.MethodPost, service[0]+"/dead/resend?id=nobody", ""))
	r.said.WriteString(ask(t, http.MethodPost, service[0]+"/dead/resend?id=marty%231", ""))
	r.said.WriteString(awaitSettled(t, service[0]))
	r.said.WriteString(first.end(t))

	r.httpdest(exitPass, "dead", "list", "--data", r.path("data"))
	r.httpdest(exitPass, "dead", "list", "--data", r.path("data"), "--json")
	r.httpdest(exitPass, "dead", "show", "--data", r.path("data"), "marty#1")
	r.httpdest(exitPass, "dead", "resend", "--data", r.path("data"), "--all")
	again, service := spawn(t, 1, "serve", "--no-auth", "--config", r.path("in-serve.yaml"), "--data", r.path("data"))
	r.said.WriteString(awaitSettled(t, service[0]))
	r.said.WriteString(again.end(t))
	for _, more := range [][]string{nil, {"--scenario", r.path("in-scenario.yaml")}} {
		var out bytes.Buffer
		args := append([]string{"judge", "--verbose", "--out", r.path("judged"), r.path("recording.jsonl")}, more...)
		if got := run(t.Context(), args, &out, &out, func(string) string { return "" }); got != exitPass && got != exitFail && got != exitUnjudged {
			t.Errorf("httpdest %s: exit status %d: %s", strings.Join(args, " "), got, out.String())
		}
		r.said.WriteString(out.String())
	}
}

// search looks through all of it, and wants it to be what it should be.
func (r *secretRun) search() {
	t := r.t
	write(t, r.path("said.txt"), r.said.String())
	searched := map[string]string{}
	err := filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "data":
			return filepath.SkipDir // the store
		case e.IsDir(), strings.HasPrefix(e.Name(), "in-"): // where the secrets come from
			return nil
		}
		content, err := os.ReadFile(path)
		searched[e.Name()] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"said.txt", "recording.jsonl", "report.json", "junit.xml", "summary.md"} {
		if searched[name] == "" {
			t.Errorf("there is no %s to search", name)
		}
	}
	for name, content := range searched {
		if found := secretsIn(content); len(found) > 0 {
			t.Errorf("%s shows %q", name, found)
		}
	}
	for _, want := range []string{"marty#1", "connection-refused", "msg=request"} {
		if !strings.Contains(searched["said.txt"], want) {
			t.Errorf("nothing said %s: the run was not what it should be\n%s", want, searched["said.txt"])
		}
	}
	if !strings.Contains(searched["recording.jsonl"], "[redacted]") {
		t.Error("nothing in the recording was redacted: no secret travelled")
	}
}

// An endpoint that says the credentials back, unasked: net/http has a line for
// that on the standard logger, with the first bytes of what came.
func TestWhatComesUnaskedIsNotShown(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heard := make(chan bool, 1)
	go func() { // ends with the listener
		for first := true; ; first = false {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go sayBack(c, first, heard) // ends with the connection
		}
	}()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "serve.yaml"), fmt.Sprintf("audiences: {delorean: {}}\ndestination: {name: crm, endpoint: %q, auth: {type: bearer, token: b3arer-t0ken}}\ndataflow: {audiences: [delorean]}\n", "http://"+l.Addr().String()))
	s, service := spawn(t, 1, "serve", "--no-auth", "--config", filepath.Join(dir, "serve.yaml"), "--store", "memory")
	ask(t, http.MethodPost, service[0]+"/updates", `{"profile": "doc", "qualify": "delorean"}`)
	awaitSettled(t, service[0])
	ask(t, http.MethodPost, service[0]+"/updates", `{"profile": "marty", "qualify": "delorean"}`)
	awaitSettled(t, service[0])
	said := s.end(t)
	if !<-heard {
		t.Error("the socket was used again after a surplus")
	}
	for line := range strings.Lines(s.stderr.String()) {
		if !strings.HasPrefix(line, "httpdest: ") {
			t.Errorf("stderr has a line that is not ours: %s", line)
		}
	}
	if found := secretsIn(said); len(found) > 0 {
		t.Errorf("serve shows %q", found)
	}
}

// sayBack answers the requests of a connection, the first of all with a surplus:
// heard is then whether nothing more came by its connection.
func sayBack(c net.Conn, surplus bool, heard chan<- bool) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		if !surplus {
			_, _ = io.WriteString(c, answer)
			continue
		}
		_, _ = io.WriteString(c, answer+request.Header.Get("Authorization")+"\r\n")
		_, err = r.ReadByte()
		heard <- err != nil
		return
	}
}
