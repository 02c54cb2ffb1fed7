package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// make test leaves out the volume of load and plan with the race detector, and make model
// plays it: it finds each test by the call with which that leaves itself out.
func TestMakeModelFindsAllVolume(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`/(\^\\t\S+)/ \{ print name\[1\] \}`).FindSubmatch(makefile)
	if found == nil {
		t.Fatal("make model has no pattern for tests of volume")
	}
	pattern := regexp.MustCompile(string(found[1]))
	files, err := filepath.Glob("../../loadtest/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(content), "\n") {
			if strings.HasPrefix(line, "func ") || !strings.Contains(strings.ToLower(line), "volume(t)") {
				continue
			}
			if calls++; !pattern.MatchString(line) {
				t.Errorf("%s:%d: make model does not find %q", name, n+1, line)
			}
		}
	}
	if calls < 20 {
		t.Errorf("%d tests of volume; the test is about nothing", calls)
	}
}
