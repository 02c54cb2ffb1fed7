package main

import (
	"bufio"
	"context"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/httpdest/httpdest/scenarios"
)

// Every command and exit status is a script in testdata/script; the first line
// of each explains its purpose.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"httpdest": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		status := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
		stop()
		os.Exit(status)
	}, "live-sender": senderMain, "stateful-receiver": receiverMain})
}

func TestScripts(t *testing.T) {
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"document": document,
		// interrupt command args… runs a command, sends it an interrupt when it
		// says its first word, and wants exit status 130.
		"interrupt": interrupt,
		"terminate": terminate,
		// sparse BYTES FILE makes a file that takes no room.
		"sparse": func(ts *testscript.TestScript, _ bool, args []string) {
			bytes, err := strconv.ParseInt(args[0], 10, 64)
			ts.Check(err)
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), nil, 0o644))
			ts.Check(os.Truncate(ts.MkAbs(args[1]), bytes))
		},
		// measured command args… runs a command whose verdict is the machine's: 0, 1
		// or 3.
		"measured": func(ts *testscript.TestScript, _ bool, args []string) {
			if err := ts.Exec(args[0], args[1:]...); err != nil && !slices.Contains([]string{"1", "3"}, lastWord(err.Error())) {
				ts.Fatalf("exit status %s; want a verdict", lastWord(err.Error()))
			}
		},
		// status N command args… runs a command and wants exit status N.
		"status": func(ts *testscript.TestScript, _ bool, args []string) {
			err := ts.Exec(args[1], args[2:]...)
			got := "0"
			if err != nil {
				got = lastWord(err.Error())
			}
			if got != args[0] {
				ts.Fatalf("exit status %s; want %s", got, args[0])
			}
		},
	}
	maps.Copy(commands, mockCommands())
	documents, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Setup: func(e *testscript.Env) error {
			e.Setenv("DOCS", documents)
			// Ids of cases are relative to the folder of the script.
			return os.WriteFile(filepath.Join(e.WorkDir, scenarios.RootMarker), nil, 0o644)
		},
		Dir:           "testdata/script",
		Cmds:          commands,
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

func interrupt(ts *testscript.TestScript, _ bool, args []string) { signalled(ts, os.Interrupt, args) }

// terminate is interrupt with SIGTERM.
func terminate(ts *testscript.TestScript, _ bool, args []string) {
	signalled(ts, syscall.SIGTERM, args)
}

// signalled sends a signal to a command once it said something.
func signalled(ts *testscript.TestScript, signal os.Signal, args []string) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"))
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(stderr)
	if !lines.Scan() {
		ts.Fatalf("it said nothing")
	}
	ts.Check(cmd.Process.Signal(signal))
	said := lines.Text()
	for lines.Scan() {
		said += "\n" + lines.Text()
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() != exitInterrupted {
		ts.Fatalf("%v; want exit status %d: %s", err, exitInterrupted, said)
	}
}

// lastWord is the number in "exit status 2".
func lastWord(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ' ' {
			return s[i+1:]
		}
	}
	return s
}
