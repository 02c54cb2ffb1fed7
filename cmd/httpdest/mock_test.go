package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// serving is an httpdest mock that a script started.
type serving struct {
	cmd    *exec.Cmd
	rest   *bufio.Reader // of stdout
	stderr bytes.Buffer
	half   net.Conn // a request that never becomes whole
}

// mockCommands are what scripts about httpdest mock are written with.
//
//	mock args…         starts one; $MOCK is the address it says it listens on
//	mock-with-tokens args…
//	                   the same, and $TOKEN is the URL of its token endpoint
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
			running.Store(ts.Getenv("WORK"), startMock(ts, args, false))
		},
		"mock-with-tokens": func(ts *testscript.TestScript, _ bool, args []string) {
			running.Store(ts.Getenv("WORK"), startMock(ts, args, true))
		},
		"half": func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).sendHalf(ts) },
		"ends": func(ts *testscript.TestScript, _ bool, args []string) { of(ts).end(ts, args) },
	}
}

func startMock(ts *testscript.TestScript, args []string, tokens bool) *serving {
	path, err := exec.LookPath("httpdest")
	ts.Check(err)
	s := &serving{cmd: exec.Command(path, append([]string{"mock"}, args...)...)}
	s.cmd.Dir = ts.Getenv("WORK")
	s.cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	s.cmd.Stderr = &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { _ = s.cmd.Process.Kill() })
	s.rest = bufio.NewReader(stdout)
	line, err := s.rest.ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSuffix(line, " (data)\n"), "listening on ")
	if err != nil || !ok {
		_ = s.cmd.Wait()
		ts.Fatalf("first line %q, %v: %s", line, err, s.stderr.String())
	}
	ts.Setenv("MOCK", address)
	if tokens {
		line, err := s.rest.ReadString('\n')
		ts.Check(err)
		address, ok := strings.CutPrefix(strings.TrimSuffix(line, " (token)\n"), "listening on ")
		if !ok {
			ts.Fatalf("second line %q", line)
		}
		ts.Setenv("TOKEN", address+"/token")
	}
	return s
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
	if len(rest) > 0 {
		ts.Fatalf("more on stdout: %s", rest)
	}
	err = s.cmd.Wait()
	if s.half != nil {
		_ = s.half.Close()
	}
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), s.stderr.Bytes(), 0o644))
	got := s.cmd.ProcessState.ExitCode()
	if want := map[string]int{"0": 0, "130": exitInterrupted, "killed": -1}[args[0]]; got != want {
		ts.Fatalf("%v, exit status %d; want %s: %s", err, got, args[0], s.stderr.String())
	}
}
