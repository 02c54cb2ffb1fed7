package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Lines of configuration that the guide to mTLS shows are those of the receivers
// that the probe is tested with.
func TestQuotedConfiguration(t *testing.T) {
	page, err := os.ReadFile("how-to/mtls-servers.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for language, file := range map[string]string{
		"nginx": "nginx/nginx.conf", "go": "go/main.go", "haproxy": "haproxy/haproxy.cfg",
		"apache": "apache/apache.conf", "caddy": "caddy/Caddyfile",
	} {
		content, err := os.ReadFile("../scenarios/probe/receivers/right/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
				found++
				if !regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(line)).Match(content) {
					t.Errorf("%q is not in %s", line, file)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d lines of configuration; there are 20", found)
	}
}
