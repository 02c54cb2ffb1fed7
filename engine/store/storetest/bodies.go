package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/store"
)

// bodied is a message of exports, each with a body of its own.
func bodied(ids ...string) *engine.Message {
	m := several(ids...)
	for i := range m.Exports {
		m.Exports[i].Body = fmt.Appendf(nil, `{"of": %q}`, m.Exports[i].ID)
	}
	if m.Body = m.Exports[0].Body; len(ids) > 1 {
		m.Body = []byte("[together]")
	}
	return m
}

// withoutBodies is the message as a dispatcher keeps it that left its bodies to the
// store.
func withoutBodies(m *engine.Message) *engine.Message {
	left := &engine.Message{ID: m.ID}
	for _, x := range m.Exports {
		x.Body, x.Stored = nil, len(x.Body)
		left.Exports = append(left.Exports, x)
	}
	return left
}

// acceptAll accepts exports each alone.
func acceptAll(m *engine.Message) (records []engine.Record) {
	for _, x := range m.Exports {
		alone := &engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}
		records = append(records, engine.Record{Kind: engine.Accepted, Message: alone})
	}
	return records
}

func readBack(t *testing.T, s store.Store) {
	one, two := bodied("a#1"), bodied("b#1", "c#1")
	must(t, s.Commit(nil, append(acceptAll(one), acceptAll(two)...)))
	read := func(m *engine.Message, body string) {
		t.Helper()
		want := *m
		want.Body = []byte(body)
		if body == "" {
			want.Body = nil
		}
		got, err := s.Read(withoutBodies(m))
		if diff := cmp.Diff(&want, got); err != nil || diff != "" {
			t.Errorf("Read %s: %v (-want +got):\n%s", m.ID, err, diff)
		}
	}
	read(one, "")
	read(two, "")
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: one, Number: 1}, {Kind: engine.Charged, Message: two, Number: 1}}))
	read(one, string(one.Body))
	read(two, "[together]")
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Delivered, Message: withoutBodies(two)}}))
	if got, err := s.Read(two); err == nil {
		t.Errorf("Read of a settled message = %+v", got)
	}
}

func droppedWithoutBodies(t *testing.T, s store.Store) {
	charged, fresh := bodied("a#1", "b#1"), bodied("c#1")
	drop := func(m *engine.Message, number int) engine.Record {
		return engine.Record{Kind: engine.Dropped, Message: withoutBodies(m), Number: number, At: at}
	}
	must(t, s.Commit(nil, acceptAll(charged)))
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: charged, Number: 3}}))
	must(t, s.Commit(nil, []engine.Record{drop(charged, 3)}))
	must(t, s.Commit(nil, append(acceptAll(fresh), drop(fresh, 0)))) // in the commit that accepts it
	together := bodied("d#1", "e#1")
	all := append(acceptAll(together), engine.Record{Kind: engine.Charged, Message: together, Number: 1}, drop(together, 1))
	must(t, s.Commit(nil, all))
	var want []store.DeadLetter
	for _, l := range []store.DeadLetter{{Message: charged, Attempts: 3}, {Message: fresh}, {Message: together, Attempts: 1}} {
		l.At = at
		want = append(want, l)
	}
	if diff := cmp.Diff(want, dead(t, s)); diff != "" {
		t.Errorf("Dead (-want +got):\n%s", diff)
	}
}
