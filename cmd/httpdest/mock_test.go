package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/httpdest/httpdest/engine/live"
)

// serving is an httpdest mock that a script started.
type serving struct {
	cmd    *exec.Cmd
	first  string        // line of stdout
	rest   *bufio.Reader // of stdout
	stderr bytes.Buffer
	half   net.Conn // a request that never becomes whole
}

// mockCommands are what scripts about httpdest mock are written with.
//
//	mock args…         starts one; $MOCK is the address it says it listens on
//	mock-with-tokens args…
//	                   the same, and $TOKEN is the URL of its token endpoint
//	mock-of N args…    one with N listeners: $MOCK2 and so on are the others, and its output is in the file stdout.txt
//	mock-with-admin args…
//	                   the same, and $ADMIN is the address of its admin API
//	proxy args…        starts a proxy, which ends and half are about from then on; $PROXY
//	receiver WAY       starts a receiver that keeps profiles, right or wrong in one way; $RECEIVER
//	service args…      starts another server, such as httpdest serve; $SERVICE
//	post FILE STATUS T posts the file to its /updates, and wants status and text
//	settled N          waits until nothing is pending, and wants N settled messages
//	half               sends it half a request, so that it has something to wait for
//	ends STATUS SIG…   sends it the signals and wants that exit status; its
//	                   stderr is in the file stderr.txt
func mockCommands() map[string]func(*testscript.TestScript, bool, []string) {
	var running sync.Map // *serving by the folder of the script; scripts run side by side
	of := func(ts *testscript.TestScript) *serving {
		s, ok := running.Load(ts.Getenv("WORK"))
		if !ok {
			ts.Fatalf("start one with mock first")
		}
		return s.(*serving)
	}
	return map[string]func(*testscript.TestScript, bool, []string){
		"mock": func(ts *testscript.TestScript, _ bool, args []string) {
			running.Store(ts.Getenv("WORK"), start(ts, "MOCK", append([]string{"mock"}, args...)))
		},
		"mock-with-tokens": func(ts *testscript.TestScript, _ bool, args []string) {
			s := start(ts, "MOCK", append([]string{"mock"}, args...))
			s.tokens(ts)
			running.Store(ts.Getenv("WORK"), s)
		},
		"mock-of": func(ts *testscript.TestScript, _ bool, args []string) {
			s := start(ts, "MOCK", append([]string{"mock"}, args[1:]...))
			s.others(ts, args[0])
			running.Store(ts.Getenv("WORK"), s)
		},
		"mock-with-admin": func(ts *testscript.TestScript, _ bool, args []string) {
			s := start(ts, "MOCK", append([]string{"mock"}, args...))
			s.admin(ts)
			running.Store(ts.Getenv("WORK"), s)
		},
		"proxy": func(ts *testscript.TestScript, _ bool, args []string) {
			running.Store(ts.Getenv("WORK"), start(ts, "PROXY", append([]string{"proxy"}, args...)))
		},
		"receiver": func(ts *testscript.TestScript, _ bool, args []string) {
			running.Store(ts.Getenv("WORK"), startProgram(ts, "RECEIVER", "stateful-receiver", args))
		},
		"service": func(ts *testscript.TestScript, _ bool, args []string) {
			running.Store(ts.Getenv("WORK"), start(ts, "SERVICE", args))
		},
		"post":    post,
		"get":     get,
		"settled": settledAs,
		"half":    func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).sendHalf(ts) },
		"ends":    func(ts *testscript.TestScript, _ bool, args []string) { of(ts).end(ts, args) },
	}
}

// start starts a server; the address it says it listens on goes to variable.
func start(ts *testscript.TestScript, variable string, args []string) *serving {
	return startProgram(ts, variable, "httpdest", args)
}

// startProgram is start for another program than httpdest.
func startProgram(ts *testscript.TestScript, variable, program string, args []string) *serving {
	path, err := exec.LookPath(program)
	ts.Check(err)
	s := &serving{cmd: exec.Command(path, args...)}
	s.cmd.Dir = ts.Getenv("WORK")
	s.cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { _ = s.cmd.Process.Kill() })
	s.rest = bufio.NewReader(stdout)
	line, err := s.rest.ReadString('\n')
	address, ok := strings.CutPrefix(line, "listening on ")
	address, _, _ = strings.Cut(strings.TrimSuffix(address, "\n"), " ")
	if err != nil || !ok {
		_ = s.cmd.Wait()
		ts.Fatalf("first line %q, %v: %s", line, err, s.stderr.String())
	}
	ts.Setenv(variable, address)
	s.first = line
	return s
}

// tokens reads where the token endpoint is: $TOKEN.
func (s *serving) tokens(ts *testscript.TestScript) {
	line, err := s.rest.ReadString('\n')
	ts.Check(err)
	address, ok := strings.CutPrefix(strings.TrimSuffix(line, " (token)\n"), "listening on ")
	if !ok {
		ts.Fatalf("second line %q", line)
	}
	ts.Setenv("TOKEN", address+"/token")
}

// others reads where the further listeners are.
func (s *serving) others(ts *testscript.TestScript, number string) {
	n, err := strconv.Atoi(number)
	ts.Check(err)
	said := s.first
	for i := 2; i <= n; i++ {
		line, err := s.rest.ReadString('\n')
		ts.Check(err)
		address, _, ok := strings.Cut(strings.TrimPrefix(line, "listening on "), " ")
		if !ok {
			ts.Fatalf("line %d is %q", i, line)
		}
		ts.Setenv(fmt.Sprintf("MOCK%d", i), address)
		said += line
	}
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), []byte(said), 0o600))
}

// adminLine is the line with the address of the admin API, after the other
// listeners.
var adminLine = regexp.MustCompile(`(?m)^listening on (http://.*) \(admin\)\n`)

// admin reads where the admin API is: $ADMIN.
func (s *serving) admin(ts *testscript.TestScript) {
	line, err := s.rest.ReadString('\n')
	ts.Check(err)
	address := adminLine.FindStringSubmatch(line)
	if address == nil {
		ts.Fatalf("second line %q", line)
	}
	ts.Setenv("ADMIN", address[1])
}

func (s *serving) sendHalf(ts *testscript.TestScript) {
	_, address, _ := strings.Cut(ts.Getenv("MOCK"), "://")
	var err error
	s.half, err = net.Dial("tcp", address)
	ts.Check(err)
	_, err = s.half.Write([]byte("POST / HTTP/1.1\r\nHost: receiver.test\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{"))
	ts.Check(err)
	_, err = s.half.Read(make([]byte, 1)) // of the 100 Continue: it is being answered
	ts.Check(err)
}

func (s *serving) end(ts *testscript.TestScript, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	for _, name := range args[1:] {
		ts.Check(s.cmd.Process.Signal(signals[name]))
	}
	rest, err := io.ReadAll(s.rest)
	ts.Check(err)
	if more := strings.TrimSpace(adminLine.ReplaceAllString(string(rest), "")); more != "" {
		ts.Fatalf("more on stdout: %s", more)
	}
	err = s.cmd.Wait()
	if s.half != nil {
		_ = s.half.Close()
	}
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), s.stderr.Bytes(), 0o644))
	got := s.cmd.ProcessState.ExitCode()
	if want := map[string]int{"0": 0, "3": exitUnjudged, "130": exitInterrupted, "killed": -1}[args[0]]; got != want {
		ts.Fatalf("%v, exit status %d; want %s: %s", err, got, args[0], s.stderr.String())
	}
}

// post FILE STATUS TEXT posts a file of updates.
func post(ts *testscript.TestScript, _ bool, args []string) {
	path := "/updates"
	if len(args) > 3 {
		path = args[3]
	}
	answer, err := http.Post(ts.Getenv("SERVICE")+path, "application/json", strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if fmt.Sprint(answer.StatusCode) != args[1] || !strings.Contains(string(body), args[2]) {
		ts.Fatalf("%d %s; want %s with %s", answer.StatusCode, body, args[1], args[2])
	}
}

// get PATH TEXT wants a text in what the service answers.
func get(ts *testscript.TestScript, _ bool, args []string) {
	answer, err := http.Get(ts.Getenv("SERVICE") + args[0])
	ts.Check(err)
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(answer.Body.Close())
	if !strings.Contains(string(body), args[1]) {
		ts.Fatalf("%d %s; want %s", answer.StatusCode, body, args[1])
	}
}

// settledAs N waits until nothing is pending, and wants N settled messages.
func settledAs(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); ; <-time.After(5 * time.Millisecond) {
		answer, err := http.Get(ts.Getenv("SERVICE") + "/health")
		ts.Check(err)
		var s live.Stats
		ts.Check(json.NewDecoder(answer.Body).Decode(&s))
		ts.Check(answer.Body.Close())
		switch got := fmt.Sprint(s.Delivered + s.Dropped); {
		case s.Pending == 0 && got == args[0]:
			return
		case s.Pending == 0 || time.Now().After(deadline):
			ts.Fatalf("%s messages are settled, %d exports pending; want %s", got, s.Pending, args[0])
		}
	}
}
