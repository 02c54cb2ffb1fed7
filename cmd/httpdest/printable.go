package main

import (
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/httpdest/httpdest/reports"
)

// printable is a writer for people: what passes through it cannot steer a
// terminal, turn a text around or be taken for a command by a CI runner,
// whatever names of files and texts of others are in it. The colours and the
// progress lines of this program pass.
type printable struct {
	mu     sync.Mutex
	to     io.Writer
	within bool // the line has begun
}

// escapes are those that this program writes.
var escapes = regexp.MustCompile(`\r?\x1b\[[0-9;]*[mK]`)

// Write implements io.Writer.
func (p *printable) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	at := 0
	for _, place := range append(escapes.FindAllIndex(text, -1), []int{len(text), len(text)}) {
		p.plain(&b, string(text[at:place[0]]))
		b.Write(text[place[0]:place[1]])
		at = place[1]
	}
	if _, err := io.WriteString(p.to, b.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

// plain adds a text without escapes.
func (p *printable) plain(b *strings.Builder, text string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\r\n", "\n")) {
		content, ended := strings.CutSuffix(line, "\n")
		if p.within { // a runner looks at the starts of lines alone
			content = strings.TrimPrefix(reports.OneLine("x"+content), "x")
		} else {
			content = reports.OneLine(content)
		}
		b.WriteString(content)
		if p.within = !ended && (p.within || strings.TrimSpace(content) != ""); ended {
			b.WriteByte('\n')
		}
	}
}

// unwrapped is the writer below.
func unwrapped(w io.Writer) io.Writer {
	if p, ok := w.(*printable); ok {
		return p.to
	}
	return w
}
