package local

import (
	"bytes"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
)

func (a *appender) export(x engine.Export) {
	a.text(x.ID)
	a.text(string(x.Profile))
	a.time(x.At)
	a.number(uint64(len(x.Because)))
	for _, t := range x.Because {
		a.text(string(t))
	}
	a.bytes(x.Body)
	a.number(uint64(x.Identities)) // what monitoring counts; what is excluded is never stored
}

func (t *taker) export() engine.Export {
	x := engine.Export{ID: t.text(), Profile: profile.ID(t.text()), At: t.time()}
	for range t.count() {
		x.Because = append(x.Because, export.Trigger(t.text()))
	}
	x.Body = t.bytes()
	x.Identities = int64(t.number())
	return x
}

// accepted is an export as it is stored while it is unsettled: its dataflow
// comes last, which earlier versions did not write.
func (a *appender) accepted(x engine.Export) {
	a.export(x)
	a.text(x.Dataflow)
}

func decodeExport(value []byte) (engine.Export, error) {
	t := taker{rest: value}
	x := t.export()
	if t.more() {
		x.Dataflow = t.text()
	}
	return x, t.end()
}

// charge is the durable form of a message that was tried: the number of
// attempts, the exports it carries, and its body. A retry repeats the body byte
// by byte, so the body is kept unless it is that of the only export.
type charge struct {
	id      string
	number  int
	exports []uint64 // sequence numbers of their acceptance
	body    []byte   // nil: the body of the only export
	own     bool     // it has a body, left in the store; never stored
	lost    bool     // it cannot be read; never stored
}

func (a *appender) charge(c charge) {
	a.text(c.id)
	a.number(uint64(c.number))
	a.number(uint64(len(c.exports)))
	for _, seq := range c.exports {
		a.number(seq)
	}
	a.bytes(c.body)
}

func decodeCharge(value []byte) (charge, error) {
	t := taker{rest: value}
	c := charge{id: t.text(), number: int(t.number())}
	for range t.count() {
		c.exports = append(c.exports, t.number())
	}
	c.body = t.bytes()
	return c, t.end()
}

func (a *appender) dead(l store.DeadLetter) {
	a.text(l.Message.ID)
	a.number(uint64(len(l.Message.Exports)))
	for _, x := range l.Message.Exports {
		a.export(x)
	}
	if len(l.Message.Exports) == 1 && bytes.Equal(l.Message.Body, l.Message.Exports[0].Body) {
		a.bytes(nil) // the body of the only export
	} else {
		a.bytes(l.Message.Body)
	}
	a.number(uint64(l.Attempts))
	a.time(l.At)
	a.text(string(l.Outcome.Kind))
	a.number(uint64(l.Outcome.Status))
	a.number(uint64(l.Outcome.RetryAfter))
	a.text(l.Outcome.Reason)
	for _, x := range l.Message.Exports {
		a.text(x.Dataflow)
	}
}

func decodeDead(value []byte) (store.DeadLetter, error) {
	t := taker{rest: value}
	m := &engine.Message{ID: t.text()}
	for range t.count() {
		m.Exports = append(m.Exports, t.export())
	}
	if m.Body = t.bytes(); len(m.Body) == 0 && len(m.Exports) == 1 {
		m.Body = m.Exports[0].Body
	}
	l := store.DeadLetter{Message: m, Attempts: int(t.number()), At: t.time()}
	l.Outcome = retry.Outcome{Kind: retry.Kind(t.text()), Status: int(t.number()), RetryAfter: time.Duration(t.number()), Reason: t.text()}
	for i := range m.Exports {
		if t.more() {
			m.Exports[i].Dataflow = t.text()
		}
	}
	return l, t.end()
}
