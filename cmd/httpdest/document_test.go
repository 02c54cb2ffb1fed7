package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// document FILE plays the sessions of a Markdown file: all of its ```console
// blocks, one after the other, in one shell and one folder, as a reader copies
// them. A line that begins with "$ " is a command, up to the end of a here
// document; what follows is its output. There, … stands for any text, and a line
// that is … alone for any lines. A command must end with exit status 0.
//
// The ports 8080 and 8081 are others in the test, so that they are free. go install is
// what the test of the module does, and a browser is not opened.
func document(ts *testscript.TestScript, _ bool, args []string) {
	content, err := os.ReadFile(args[0])
	ts.Check(err)
	steps := sessions(string(content))
	if len(steps) == 0 {
		ts.Fatalf("%s has no session", args[0])
	}
	ports := strings.NewReplacer("8080", freePort(ts), "8081", freePort(ts))
	shell := newShell(ts)
	for _, s := range steps {
		if strings.HasPrefix(s.command, "go install ") || strings.HasPrefix(s.command, "xdg-open ") {
			continue
		}
		want := ports.Replace(s.output)
		got, status := shell.play(ports.Replace(s.command), want)
		if status != 0 {
			ts.Fatalf("$ %s\nexit status %d: %s", s.command, status, got)
		}
		if !pattern(want).MatchString(got) {
			ts.Fatalf("$ %s\nprints:\n%s\nand not, as %s says:\n%s", s.command, got, args[0], want)
		}
	}
}

// hereDocument is the beginning of one, which its last line ends.
var hereDocument = regexp.MustCompile(`<<'([A-Z]+)'`)

// step is a command of a session with the output that the document shows.
type step struct{ command, output string }

func sessions(page string) []step {
	var out []step
	in, end := false, "" // a console block; the last line of a here document of a command
	for line := range strings.Lines(page) {
		text := strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(strings.TrimLeft(text, " "), "```"):
			in = strings.TrimLeft(text, " ") == "```console"
		case !in:
		case end != "":
			out[len(out)-1].command += "\n" + text
			if text == end {
				end = ""
			}
		case strings.HasPrefix(text, "$ "):
			out = append(out, step{command: text[2:]})
			if m := hereDocument.FindStringSubmatch(text); m != nil {
				end = m[1]
			}
		case len(out) > 0:
			out[len(out)-1].output += text + "\n"
		}
	}
	return out
}

// pattern is what an output must be.
func pattern(output string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for line := range strings.Lines(output) {
		if line == "…\n" {
			b.WriteString(`(?s:.*?)`)
			continue
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(line, " \n")), "…", `.*`) + ` *\n`)
	}
	return regexp.MustCompile(b.String() + `\z`)
}

// terminal is a shell that plays one command after the other.
type terminal struct {
	ts    *testscript.TestScript
	in    io.WriteCloser
	lines chan string
}

const over = "---over---"

func newShell(ts *testscript.TestScript) *terminal {
	c := exec.Command("bash", "--norc")
	c.Dir = ts.Getenv("WORK")
	c.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "NO_COLOR=1")
	in, err := c.StdinPipe()
	ts.Check(err)
	read, write, err := os.Pipe()
	ts.Check(err)
	c.Stdout, c.Stderr = write, write
	ts.Check(c.Start())
	ts.Check(write.Close())
	t := &terminal{ts, in, make(chan string, 1000)}
	go func() {
		for lines := bufio.NewScanner(read); lines.Scan(); {
			t.lines <- lines.Text()
		}
		close(t.lines)
	}()
	ts.Defer(func() { // what a session left in the background ends with it
		_, _ = fmt.Fprintln(in, "kill -9 $(jobs -p) 2>/dev/null; exit")
		_ = in.Close()
		for range t.lines {
			continue
		}
		_ = c.Wait()
	})
	return t
}

// play runs a command and returns its output and exit status. A command in the
// background is played when it has printed what is expected.
func (t *terminal) play(command, want string) (output string, status int) {
	background := strings.HasSuffix(command, "&")
	_, err := fmt.Fprintf(t.in, "%s\necho %s $?\n", command, over)
	t.ts.Check(err)
	deadline := time.After(time.Minute)
	for ended := false; ; {
		select {
		case line, open := <-t.lines:
			if !open {
				t.ts.Fatalf("the shell ended at: %s", command)
			}
			if _, err := fmt.Sscanf(line, over+" %d", &status); err == nil {
				ended = true
			} else {
				output += line + "\n"
			}
			if ended && (!background || pattern(want).MatchString(output)) {
				return output, status
			}
		case <-deadline:
			t.ts.Fatalf("after a minute, $ %s\nhas printed:\n%s\nand not:\n%s", command, output, want)
		}
	}
}

func freePort(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	return port
}
