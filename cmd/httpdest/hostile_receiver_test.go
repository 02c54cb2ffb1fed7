package main

import (
	"context"
	"os"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
)

// accepting is a wire on which every attempt succeeds at once.
func accepting(context.Context, engine.Operation) engine.Completion {
	return engine.Completion{Outcome: retry.Outcome{Kind: retry.Answered, Status: 200}}
}

func writeFile(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
