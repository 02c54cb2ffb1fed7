package main

import (
	"os"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/limits"
)

// The guide shows the table that the code enforces.
func TestLimitsGuide(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "\n"+limits.Markdown()+"\n") {
		t.Errorf("docs/reference/limits.md lacks this table:\n%s", limits.Markdown())
	}
}
