package right

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each printed receiver is a program: Go builds it from one file, Node and Python
// read it.
func TestExamples(t *testing.T) {
	check := map[string][]string{"go": {"go", "vet", "FILE.go"}, "node": {"node", "--check", "FILE.mjs"}, "python": {"python3", "-m", "py_compile", "FILE.py"}}
	for _, language := range Languages() {
		program, ok := Example(language)
		if !ok || !strings.Contains(program, "segmentMembership") {
			t.Errorf("%s: no receiver", language)
			continue
		}
		command := check[language]
		if _, err := exec.LookPath(command[0]); err != nil {
			t.Logf("%s is not checked here: %v", language, err)
			continue
		}
		dir := t.TempDir()
		last := len(command) - 1
		path := strings.Replace(command[last], "FILE", filepath.Join(dir, "receiver"), 1)
		if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(command[0], append(command[1:last:last], path)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", language, err, out)
		}
	}
	if _, ok := Example("cobol"); ok {
		t.Error("there is a receiver in COBOL")
	}
}
