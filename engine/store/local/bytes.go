package local

import (
	"encoding/binary"
	"errors"
	"time"
)

// errShort is the error of a value that ends too early or goes on too long. A
// checksum of the library below guards every value, so it means a defect or a
// value of another version, and never a torn write.
var errShort = errors.New("a stored value has another form than this version writes")

// appender builds a value: texts with their length, numbers as varints. Its
// room is used again for one value after the other, which Pebble copies.
type appender struct {
	value []byte
	json  []byte // while attributes are put together
}

// reset begins a value.
func (a *appender) reset() *appender {
	a.value = a.value[:0]
	return a
}

func (a *appender) number(n uint64) { a.value = binary.AppendUvarint(a.value, n) }

func (a *appender) text(s string) {
	a.number(uint64(len(s)))
	a.value = append(a.value, s...)
}

func (a *appender) bytes(b []byte) {
	a.number(uint64(len(b)))
	a.value = append(a.value, b...)
}

// time keeps an instant to the nanosecond; the zero time stays zero.
func (a *appender) time(t time.Time) {
	if t.IsZero() {
		a.number(0)
		return
	}
	a.number(1)
	a.value = binary.AppendVarint(a.value, t.Unix())
	a.number(uint64(t.Nanosecond()))
}

// taker reads a value back. After the first mistake it returns zeros and keeps
// err.
type taker struct {
	rest []byte
	err  error
}

func (t *taker) fail() {
	t.rest, t.err = nil, errShort
}

func (t *taker) number() uint64 {
	n, size := binary.Uvarint(t.rest)
	if size <= 0 {
		t.fail()
		return 0
	}
	t.rest = t.rest[size:]
	return n
}

func (t *taker) signed() int64 {
	n, size := binary.Varint(t.rest)
	if size <= 0 {
		t.fail()
		return 0
	}
	t.rest = t.rest[size:]
	return n
}

// count is a number of things still to come: each takes a byte or more.
func (t *taker) count() int {
	n := t.number()
	if n > uint64(len(t.rest)) {
		t.fail()
		return 0
	}
	return int(n)
}

func (t *taker) text() string { return string(t.view()) }

// bytes is a copy, so that it outlives the value it was read from.
func (t *taker) bytes() []byte { return append([]byte(nil), t.view()...) }

func (t *taker) view() []byte {
	n := t.count()
	b := t.rest[:n]
	t.rest = t.rest[n:]
	return b
}

func (t *taker) time() time.Time {
	if t.number() == 0 {
		return time.Time{}
	}
	seconds := t.signed()
	return time.Unix(seconds, int64(t.number())).UTC()
}

// more reports whether anything follows.
func (t *taker) more() bool { return len(t.rest) > 0 }

// end is the error of the whole value.
func (t *taker) end() error {
	if t.err == nil && len(t.rest) > 0 {
		t.fail()
	}
	return t.err
}
