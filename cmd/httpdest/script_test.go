package main

import (
	"context"
	"os"
	"os/signal"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Every command and exit status is a script in testdata/script; the first line
// of each says why it is there.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"httpdest": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		status := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
		stop()
		os.Exit(status)
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
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
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
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
