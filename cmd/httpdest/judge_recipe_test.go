package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The recipes of `httpdest help judge` make what judge reads: run where jq is
// installed, and by what they must give where it is not.
func TestRecipesForJq(t *testing.T) {
	var help, stderr bytes.Buffer
	if code := run(t.Context(), []string{"help", "judge"}, &help, &stderr, func(string) string { return "" }); code != exitPass {
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	recipes := regexp.MustCompile(`jq (-R?c) '([^']+)' (\S+) > f.ndjson`).FindAllStringSubmatch(help.String(), -1)
	const profile = `{"segmentMembership":{},"identityMap":{"ecid":[{"id":"1"}]}}`
	const quoted = `{\"segmentMembership\":{},\"identityMap\":{\"ecid\":[{\"id\":\"1\"}]}}`
	samples := map[string]struct{ in, out string }{
		"log.json": {
			`{"ms":1768467600023,"http":{"verb":"POST","url":"https://receiver.test/p","headers":{"Content-Type":"application/json"}},"payload":"` + quoted + `","code":200,"seconds":0.25}` + "\n" +
				`{"ms":1768467615000,"http":{"verb":"POST"},"payload":"` + quoted + `"}` + "\n",
			`{"method":"POST","url":"https://receiver.test/p","headers":{"Content-Type":"application/json"},"body":"` + quoted + `","status":200,"durationMs":250,"time":"2026-01-15T09:00:00.023Z"}` + "\n" +
				`{"method":"POST","url":null,"headers":null,"body":"` + quoted + `","status":null,"durationMs":null,"time":"2026-01-15T09:00:15.000Z"}` + "\n",
		},
		"bodies.txt": {profile + "\n" + profile + "\n", `{"body":"` + quoted + `"}` + "\n" + `{"body":"` + quoted + `"}` + "\n"},
	}
	if len(recipes) != len(samples) {
		t.Fatalf("%d recipes in the help; want %d", len(recipes), len(samples))
	}
	for _, r := range recipes {
		sample := samples[r[3]]
		made := sample.out
		if path, err := exec.LookPath("jq"); err == nil {
			command := exec.Command(path, r[1], r[2])
			command.Stdin = bytes.NewReader([]byte(sample.in))
			out, err := command.Output()
			if err != nil || string(out) != sample.out {
				t.Errorf("jq %s '%s': %v\n%s\nwant\n%s", r[1], r[2], err, out, sample.out)
			}
			made = string(out)
		}
		file := filepath.Join(t.TempDir(), "f.ndjson")
		if err := os.WriteFile(file, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		var stdout bytes.Buffer
		if code := run(t.Context(), []string{"judge", file}, &stdout, &stderr, func(string) string { return "" }); code != exitPass || !bytes.Contains(stdout.Bytes(), []byte("2 requests of another sender")) {
			t.Errorf("%s: exit status %d\n%s%s", r[3], code, stdout.String(), stderr.String())
		}
	}
}
