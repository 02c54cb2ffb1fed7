package mockendpoint

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// mostOfUnread bounds what the journal keeps of a head that was refused.
const mostOfUnread = 64 << 10

// Write implements net.Conn. Bytes written before a handler has the request, or
// after it is answered, are a refusal by net/http, which calls no handler: it
// is journalled here, before it leaves.
func (c *connection) Write(p []byte) (int, error) {
	if !c.answering.Load() && !c.refused {
		c.refused = true
		c.unread(p)
	}
	if c.splice.waits() {
		return c.splice.write(c.Conn, p)
	}
	return c.Conn.Write(p)
}

// unreadable journals a request that net/http refused with an answer.
func (e *Endpoint) unreadable(c *connection, answer []byte) {
	c.requests++
	entry := journal.Request{Arrived: e.options.Now(), Socket: c.ordinal, Listener: c.listener, Remote: c.raw.RemoteAddr().String(), Number: c.requests}
	entry.Answered = entry.Arrived
	entry.Status, entry.Refused = refusedBy(answer)
	entry.Refused = e.redact("", entry.Refused)
	c.wireTLS(&entry)
	c.mu.Lock()
	head := c.heads.unread()
	c.mu.Unlock()
	entry.Head, entry.Headers = e.head(head[:min(len(head), mostOfUnread)])
	line, _, _ := bytes.Cut(entry.Head, []byte("\n"))
	if words := strings.Fields(string(line)); len(words) > 2 {
		entry.Method, entry.Proto = words[0], words[len(words)-1]
		entry.Target = strings.Join(words[1:len(words)-1], " ")
	}
	e.options.Journal.Request(entry)
}

// refusedBy is the status of an answer and why it was given.
func refusedBy(answer []byte) (status int, reason string) {
	line, _, _ := strings.Cut(string(answer), "\r\n")
	_, line, _ = strings.Cut(line, " ")
	code, text, _ := strings.Cut(line, " ")
	status, _ = strconv.Atoi(code)
	return status, "the request cannot be read: " + strings.TrimPrefix(text, "Bad Request: ")
}
