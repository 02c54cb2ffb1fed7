package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The pods of the Kubernetes job, played as processes with the arguments that the
// file gives them, load one receiver together, and their reports are one load.
func TestPodsLoadTogether(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "httpdest")
	if said, err := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/httpdest/httpdest/cmd/httpdest").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	receiver := listening(t, exec.Command(binary, "mock", "--listen", "127.0.0.1:0", "--tls", "plain", "--admin", "off", "--quiet"))
	arguments := podArguments(t)
	start := strconv.FormatInt(time.Now().Add(4*time.Second).Unix(), 10)
	var pods []*exec.Cmd
	var reports []string
	for n := range 3 {
		var args []string
		for _, a := range arguments {
			a = strings.ReplaceAll(a, "$(JOB_COMPLETION_INDEX)", strconv.Itoa(n))
			a = strings.NewReplacer("https://receiver.example", receiver, "/reports", filepath.ToSlash(dir), "START", start, "5m", "2s").Replace(a)
			args = append(args, a)
		}
		pod := exec.Command(binary, args...)
		pod.Stderr = &bytes.Buffer{}
		if err := pod.Start(); err != nil {
			t.Fatal(err)
		}
		pods, reports = append(pods, pod), append(reports, filepath.Join(dir, strconv.Itoa(n)+".json"))
	}
	for _, pod := range pods {
		if err := pod.Wait(); err != nil && !judged(pod) {
			t.Fatalf("%v: %s", err, pod.Stderr)
		}
	}
	merge := exec.Command(binary, append([]string{"load", "merge", "--report", "json=" + filepath.Join(dir, "all.json")}, reports...)...)
	if said, err := merge.CombinedOutput(); err != nil && !judged(merge) {
		t.Fatalf("%v: %s", err, said)
	}
	content, err := os.ReadFile(filepath.Join(dir, "all.json"))
	var all struct {
		Load struct {
			Machines int                     `json:"machines"`
			Offered  struct{ Count int }     `json:"offered"`
			Shard    struct{ Numbers []int } `json:"shard"`
		} `json:"load"`
	}
	if err != nil || json.Unmarshal(content, &all) != nil {
		t.Fatalf("%v: %s", err, content)
	}
	if l := all.Load; l.Machines != 3 || l.Offered.Count != 600 || len(l.Shard.Numbers) != 3 {
		t.Errorf("%+v; want 600 requests of three machines", l)
	}
}

// judged reports whether a load ended with a verdict, which is the machine's.
func judged(c *exec.Cmd) bool {
	status := c.ProcessState.ExitCode()
	return status == 1 || status == 3
}

// podArguments are those of the container.
func podArguments(t *testing.T) []string {
	t.Helper()
	file, err := os.ReadFile("kubernetes/load.yaml")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)args: \[(.*?)\]\n`).FindSubmatch(file)
	if list == nil || !bytes.Contains(file, []byte("completions: 3\n")) || !bytes.Contains(file, []byte("completionMode: Indexed\n")) {
		t.Fatalf("the job is another: %s", file)
	}
	var out []string
	for _, a := range strings.Split(string(list[1]), ",") {
		out = append(out, strings.Trim(strings.TrimSpace(a), `"`))
	}
	return out
}

// listening starts a server, and returns the address that it prints.
func listening(t *testing.T, c *exec.Cmd) string {
	t.Helper()
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatal("the server said nothing")
	}
	return strings.Fields(strings.TrimPrefix(lines.Text(), "listening on "))[0]
}
