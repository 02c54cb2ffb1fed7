package simulate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
)

// serveProcess is httpdest serve as a process, and its API.
type serveProcess struct {
	command *exec.Cmd
	base    string // of the URLs of its API
	said    *tail
	ended   chan error
	client  http.Client
}

// endWithin is how long serve may take to end: its attempts under way end first.
const endWithin = 15 * time.Second

// startServe starts the command and waits until it takes updates, or ends.
func startServe(ctx context.Context, o Serving, arguments []string) (*serveProcess, error) {
	p := &serveProcess{command: exec.CommandContext(ctx, o.Path, arguments...), said: &tail{}, ended: make(chan error, 1)}
	p.command.Args[0], p.command.Stderr = o.Name, p.said
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("serve does not start: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if url, _, ok := strings.Cut(strings.TrimPrefix(line, "listening on "), " "); ok && err == nil {
		p.base = url
		go func() { // ends with the process
			_, _ = io.Copy(io.Discard, out) // Wait closes it
			p.ended <- p.command.Wait()
		}()
		return p, nil
	}
	return nil, &endedEarly{p.command.Wait(), p.said.String()}
}

// endedEarly is the error of a process that ended by itself.
type endedEarly struct {
	err  error
	said string
}

func (e *endedEarly) Error() string { return fmt.Sprintf("serve ended: %v: %s", e.err, e.said) }

// refused reports whether serve refused its configuration.
func (e *endedEarly) refused() bool {
	var exit *exec.ExitError
	return errors.As(e.err, &exit) && exit.ExitCode() == 2
}

// end tells the process to end, and waits until it has.
func (p *serveProcess) end() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("serve cannot be stopped: %w", err)
	}
	late := time.NewTimer(endWithin)
	defer late.Stop()
	select {
	case err := <-p.ended:
		if err != nil {
			return &endedEarly{err, p.said.String()}
		}
		return nil
	case <-late.C:
		p.kill()
		return fmt.Errorf("serve did not end within %s of SIGTERM: %s", endWithin, p.said)
	}
}

// kill ends the process at once.
func (p *serveProcess) kill() {
	_ = p.command.Process.Kill() // it may have ended already
	<-p.ended
}

// post sends a body and returns the status and the body of the answer.
func (p *serveProcess) post(ctx context.Context, path, contentType string, body io.Reader) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+path, body)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", contentType)
	return p.do(r)
}

// get reads JSON.
func (p *serveProcess) get(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return err
	}
	status, answer, err := p.do(r)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("GET %s was answered %d: %s", path, status, answer)
	}
	return json.Unmarshal(answer, into)
}

func (p *serveProcess) do(r *http.Request) (int, []byte, error) {
	a, err := p.client.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("serve does not answer: %w: %s", err, p.said)
	}
	body, err := io.ReadAll(a.Body)
	return a.StatusCode, bytes.TrimSpace(body), errors.Join(err, a.Body.Close())
}

// dataflows are those of GET /dataflows.
func (p *serveProcess) dataflows(ctx context.Context) (all []live.Dataflow, err error) {
	err = p.get(ctx, "/dataflows", &all)
	return all, err
}

// atRest reports whether nothing is left to do.
func (p *serveProcess) atRest(ctx context.Context) (bool, error) {
	var s live.Stats
	if err := p.get(ctx, "/health", &s); err != nil || s.Pending > 0 || s.UnderWay > 0 {
		return false, err
	}
	all, err := p.dataflows(ctx)
	if err != nil {
		return false, err
	}
	var uploads []live.UploadedAudience
	if err := p.get(ctx, "/audiences", &uploads); err != nil {
		return false, err
	}
	turns := func(f live.Dataflow) bool { return f.Backfill > 0 }
	rows := func(u live.UploadedAudience) bool { return u.Stage == flow.UploadWaits }
	return !slices.ContainsFunc(all, turns) && !slices.ContainsFunc(uploads, rows), nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const longestTail = 2 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-longestTail):]
	return len(p), nil
}

// String is what was kept, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.ReplaceAll(strings.TrimSpace(string(t.text)), "\n", "; ")
}
