package receivers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios/mutants"
)

const patience = 30 * time.Second // for a process to start or to end, on a busy machine

// root is the folder of the module.
var root = filepath.Join("..", "..", "..")

// process is a running receiver.
type process struct {
	url string // "https://127.0.0.1:40001"
	end func() // lets it finish open requests, and reports whether it ended as it should
}

// ending is a context that ends processes while there is time to do so: before
// the test is cut off for having taken too long.
func ending(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if at, limited := t.Deadline(); limited {
		ctx, cancel = context.WithDeadline(ctx, at.Add(-patience))
	}
	t.Cleanup(cancel)
	return ctx
}

// command is one that is ended, first gently, when ctx ends, and with the test
// in any case.
func command(ctx context.Context, dir string, env []string, name string, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, arguments...)
	c.Dir = dir
	c.Env = append(os.Environ(), env...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = patience / 3
	endWithUs(c)
	return c
}

// start starts a receiver in a folder and waits until it prints its address.
func start(t *testing.T, c *exec.Cmd) (*process, error) {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaints bytes.Buffer
	c.Stderr = &complaints
	if err := c.Start(); err != nil {
		return nil, err
	}
	p := &process{end: sync.OnceFunc(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		killed := time.AfterFunc(patience, func() { _ = c.Process.Kill() })
		defer killed.Stop()
		// nginx ends with 0 as the others do; the line it prints is read already.
		// HAProxy ends by the signal.
		if err := c.Wait(); err != nil && !(filepath.Base(c.Path) == "run" && err.Error() == "signal: terminated") {
			t.Errorf("%s: ended with %v\n%s", c.Path, err, complaints.String())
		}
	})}
	t.Cleanup(p.end)
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(out).ReadString('\n')
		line <- text
	}()
	select {
	case text := <-line:
		var listening bool
		if p.url, listening = strings.CutPrefix(strings.TrimSpace(text), "listening on "); listening {
			return p, nil
		}
		p.end()
		return nil, fmt.Errorf("%s: first says %q\n%s", c.Path, text, complaints.String())
	case <-time.After(patience):
		p.end()
		return nil, fmt.Errorf("%s: does not listen after %s", c.Path, patience)
	}
}

// goBuild builds a program of the module, by its folder, with files in the place
// of those of the tree, by their path below the root.
func goBuild(t *testing.T, ctx context.Context, folder string, files map[string]string) (string, error) {
	dir := t.TempDir()
	list, err := mutants.Overlay(root, dir, files)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "binary")
	c := command(ctx, root, []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags=-s -w", "-overlay", list, "-o", binary, "./"+folder)
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// program finds one that receivers are run by. Without it the test is skipped,
// and says so; CI must have it.
func program(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // Debian keeps servers from ordinary users' paths
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing, and CI must have it: install %s", name, install)
	}
	t.Skipf("NOT shown here: %s is missing; install %s", name, install)
	return ""
}

// starting is what a receiver is started with.
type starting struct {
	receiver string // the right one in Go, built
	dir      string // it is started in
	env      []string
	wrong    Receiver
}

// rightOnes start the right receivers, by the folder they are in.
var rightOnes = map[string]func(*testing.T, context.Context, starting) (*process, error){
	"go": func(t *testing.T, ctx context.Context, s starting) (*process, error) {
		return start(t, command(ctx, s.dir, s.env, s.receiver))
	},
	"node": func(t *testing.T, ctx context.Context, s starting) (*process, error) {
		return start(t, command(ctx, s.dir, s.env, program(t, "node", "nodejs"), right(t, "node/receiver.mjs")))
	},
	"python": func(t *testing.T, ctx context.Context, s starting) (*process, error) {
		return start(t, command(ctx, s.dir, s.env, program(t, "python3", "python3"), "-B", right(t, "python/receiver.py")))
	},
	"nginx":          behindNginx,
	"haproxy":        behind("haproxy", "haproxy", "haproxy"),
	"apache":         behind("apache", "apache2", "apache2"),
	"caddy":          behind("caddy", "caddy", "caddy"),
	"nginx, wrong":   behind("nginx", "nginx", "nginx-light"),
	"haproxy, wrong": behind("haproxy", "haproxy", "haproxy"),
	"apache, wrong":  behind("apache", "apache2", "apache2"),
	"caddy, wrong":   behind("caddy", "caddy", "caddy"),
	FrontPlan: func(t *testing.T, _ context.Context, s starting) (*process, error) {
		front := NewFront(s.wrong, token)
		server := httptest.NewServer(front)
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		end := sync.OnceFunc(func() { server.CloseClientConnections(); server.Close(); front.Close() })
		t.Cleanup(end)
		return &process{url: server.URL, end: end}, nil
	},
}

// behindNginx starts nginx in front of the Go receiver, which speaks plain HTTP
// on loopback then.
func behindNginx(t *testing.T, ctx context.Context, s starting) (*process, error) {
	program(t, "nginx", "nginx-light")
	behind, err := start(t, command(ctx, s.dir, append(s.env, "CERT=", "KEY=", "CLIENT_CA="), s.receiver))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	// It takes over a listener that is open already, as it does when it is
	// replaced while it runs: nobody can get the port in between.
	inherited, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	defer inherited.Close()
	env := append(s.env, "LISTEN="+l.Addr().String(), "UPSTREAM="+strings.TrimPrefix(behind.url, "http://"), "NGINX=3;", "TMPDIR="+t.TempDir())
	c := command(ctx, s.dir, env, right(t, "nginx/run"))
	c.ExtraFiles = []*os.File{inherited} // is 3 there
	p, err := start(t, c)
	if err != nil {
		return nil, err
	}
	return p, nonblocking(l.(*net.TCPListener))
}

// behind starts a server in front of the Go receiver, which speaks plain HTTP on
// loopback then, with the configuration as it is described.
func behind(front, name, install string) func(*testing.T, context.Context, starting) (*process, error) {
	return func(t *testing.T, ctx context.Context, s starting) (*process, error) {
		program(t, name, install)
		receiver, err := start(t, command(ctx, s.dir, append(s.env, "CERT=", "KEY=", "CLIENT_CA="), s.receiver))
		if err != nil {
			return nil, err
		}
		run, err := described(t, front, s.wrong)
		if err != nil {
			return nil, err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		address := l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, err
		}
		p, err := start(t, command(ctx, s.dir, append(s.env, "LISTEN="+address, "UPSTREAM="+strings.TrimPrefix(receiver.url, "http://"), "TMPDIR="+t.TempDir()), run))
		if err != nil {
			return nil, err
		}
		return p, listens(ctx, address)
	}
}

// described writes the files of a server in front, with what is wrong with them,
// and returns the path of what starts it.
func described(t *testing.T, front string, wrong Receiver) (string, error) {
	dir := t.TempDir()
	changed := map[string]string{}
	if wrong.Front != "" {
		var err error
		if changed, err = wrong.Files(); err != nil {
			return "", err
		}
	}
	entries, err := source.ReadDir("right/" + front)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		content, err := source.ReadFile("right/" + front + "/" + e.Name())
		if err != nil {
			return "", err
		}
		if text, there := changed[here+"/right/"+front+"/"+e.Name()]; there {
			content = []byte(text)
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), content, 0o700); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "run"), nil
}

// listens waits until something accepts connections at an address.
func listens(ctx context.Context, address string) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(within, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-within.Done():
			return fmt.Errorf("nothing listens at %s: %w", address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// nonblocking takes back what handing a listener to a process does to it. nginx
// leaves one that it takes over as it is: of two workers that a connection wakes
// the second would wait in accept for the next, and its own sockets with it.
func nonblocking(l *net.TCPListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = syscall.SetNonblock(int(fd), true) })
	return errors.Join(err, failed)
}

// right is the path of a file of a right receiver, from anywhere.
func right(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("right", filepath.FromSlash(name)))
	check(t, err)
	return path
}
