package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The examples in other languages pass their own tests with the binary of this
// tree, and fail them when the receiver is broken.
func TestExamplesInOtherLanguages(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "httpdest")
	if said, err := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/httpdest/httpdest/cmd/httpdest").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, e := range []struct {
		folder, file, right, wrong string
		command                    []string
	}{
		{"python", "receiver.py", "status = 200", "status = 500", []string{"python3", "-m", "unittest"}},
		{"node", "receiver.mjs", "statusCode = 200", "statusCode = 500", []string{"node", "--test"}},
	} {
		t.Run(e.folder, func(t *testing.T) {
			if _, err := exec.LookPath(e.command[0]); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("CI must have %s: %v", e.command[0], err)
				}
				t.Skipf("NOT CHECKED: %s is not installed", e.command[0])
			}
			run := func(dir string) (string, error) {
				c := exec.Command(e.command[0], e.command[1:]...)
				c.Dir = dir
				c.Env = append(os.Environ(), "HTTPDEST="+binary, "PYTHONDONTWRITEBYTECODE=1")
				said, err := c.CombinedOutput()
				return string(said), err
			}
			if said, err := run(e.folder); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			broken := t.TempDir()
			if err := os.CopyFS(broken, os.DirFS(e.folder)); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(broken, e.file))
			if err != nil || !strings.Contains(string(content), e.right) {
				t.Fatalf("%s lacks %q: %v", e.file, e.right, err)
			}
			if err := os.WriteFile(filepath.Join(broken, e.file), []byte(strings.Replace(string(content), e.right, e.wrong, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			if said, err := run(broken); err == nil || !strings.Contains(said, "verdict: fail") {
				t.Errorf("a receiver that answers 500: %v: %s", err, said)
			}
		})
	}
}
