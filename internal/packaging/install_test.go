package packaging

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const (
	module  = "github.com/httpdest/httpdest"
	version = "v0.0.1"
)

// work is a folder for what the tests share: built once, since it takes seconds.
var work string

func TestMain(m *testing.M) {
	var err error
	if work, err = os.MkdirTemp("", "httpdest-packaging"); err != nil {
		panic(err)
	}
	status := m.Run()
	if err := os.RemoveAll(work); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// freshUser serves this tree as a published module, and everything else from the
// module cache of this machine. It returns the environment of somebody who has
// Go and nothing else.
func freshUser(t *testing.T) []string {
	t.Helper()
	dir := work
	at := filepath.Join(dir, "proxy", filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	published := filepath.Join(at, version+".zip")
	if _, err := os.Stat(published); err != nil {
		pack(t, published)
	}
	for name, content := range map[string]string{
		"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": read(t, root+"/go.mod"),
	} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Fields(string(cache))
	return []string{
		"GOPROXY=file://" + filepath.Join(dir, "proxy") + ",file://" + filepath.Join(paths[0], "cache", "download"),
		"GOSUMDB=off", "GOFLAGS=-trimpath -modcacherw", "GOPATH=" + filepath.Join(dir, "go"), "GOMODCACHE=" + filepath.Join(dir, "mod"), "GOCACHE=" + paths[1], "GOBIN=", "CGO_ENABLED=0",
	}
}

// pack writes the files of the tree as the zip file of a module.
func pack(t *testing.T, path string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for _, name := range strings.Split(strings.TrimRight(string(names), "\x00"), "\x00") {
		from, err := os.Open(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted and not committed yet
		} else if err != nil {
			t.Fatal(err)
		}
		to, err := w.Create(module + "@" + version + "/" + name)
		if err == nil {
			_, err = io.Copy(to, from)
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = from.Close() // it was only read
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// go install of the published module gives a binary that knows its version and
// has library, rules and guides on board, far from the source.
func TestInstall(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths of a file proxy are URLs")
	}
	status, said := shell(t, t.TempDir(), `go install `+module+`/cmd/httpdest@latest
		bin="$(go env GOPATH)/bin/httpdest"
		"$bin" version
		"$bin" run --label max-3
		"$bin" help mtls
		"$bin" rules explain R48`, freshUser(t)...)
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	for _, want := range []string{"httpdest " + version + " (go", "verdict: pass", "# mTLS", "trig-overwrite"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in: %s", want, said)
		}
	}
}
