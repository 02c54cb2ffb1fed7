package journal

import (
	"bytes"
	"encoding/binary"
	"time"
)

// cursor takes a payload apart. After an error everything it reads is zero.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) octet() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) count() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) integer() int64 {
	n, size := binary.Varint(c.rest)
	if size <= 0 || c.bad {
		c.bad = true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) fixed() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (c *cursor) bytes() []byte { return c.take(c.count()) }
func (c *cursor) text() string  { return string(c.bytes()) }

func (c *cursor) texts() []string {
	n := c.count()
	if n == 0 || n > uint64(len(c.rest)) { // a text takes an octet at least
		c.bad = c.bad || n > 0
		return nil
	}
	all := make([]string, n)
	for i := range all {
		all[i] = c.text()
	}
	return all
}

func instant(ns int64) time.Time {
	if ns == none {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func (c *cursor) meta() meta {
	return meta{kind: c.octet(), at: c.fixed(), socket: int(c.integer()), status: int(c.integer()), fault: c.text(), profiles: c.texts()}
}

func (c *cursor) peer() *Peer {
	if c.octet() == 0 {
		return nil
	}
	return &Peer{CommonName: c.text(), SAN: c.texts(), Issuer: c.text(), Expires: instant(c.integer())}
}

// decode reads a payload. Without bodies only their size is kept.
func decode(sequence uint64, payload []byte, bodies bool) (Entry, error) {
	c := &cursor{rest: payload}
	e := Entry{Sequence: sequence}
	switch m := c.meta(); m.kind {
	case frameRequest:
		e.Request = c.request(m)
		body := c.bytes()
		e.BodySize = len(body)
		if bodies && len(body) > 0 {
			e.Request.Body = bytes.Clone(body)
		}
	case frameHandshake:
		e.Handshake = c.handshake(m)
	default:
		c.bad = true
	}
	if c.bad || len(c.rest) > 0 {
		return Entry{}, ErrDamaged
	}
	return e, nil
}

func (c *cursor) request(m meta) *Request {
	r := &Request{Arrived: instant(m.at), Socket: m.socket, Status: m.status, Fault: m.fault, Profiles: m.profiles}
	flags := c.octet()
	r.Disconnected = flags&1 > 0
	r.Answered = instant(c.fixed())
	r.Number, r.Token = int(c.integer()), int(c.integer())
	r.Remote, r.Method = c.text(), c.text()
	r.Target, r.Proto = c.text(), c.text()
	r.TLS, r.Cipher = c.text(), c.text()
	r.ServerName, r.Authorization = c.text(), Authorization(c.text())
	r.Listener, r.Refused = c.text(), c.text()
	r.Matched = c.texts()
	r.Peer = c.peer()
	if flags&2 > 0 {
		r.TokenRequest = &TokenRequest{Grant: c.text(), Credentials: c.text()}
	}
	if flags&8 > 0 {
		r.Forwards = c.forwards()
	}
	if head := c.bytes(); len(head) > 0 {
		r.Head = bytes.Clone(head)
		r.Headers = HeadersOf(r.Head)
	}
	if flags&4 > 0 {
		n := c.count()
		if n > uint64(len(c.rest)) {
			c.bad = true
			return r
		}
		for range n {
			r.Headers = append(r.Headers, Header{Name: c.text(), Value: c.text()})
		}
	}
	return r
}

func (c *cursor) forwards() (all []Forward) {
	n := c.count()
	if n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	for range n {
		all = append(all, Forward{Sent: instant(c.fixed()), Took: time.Duration(c.integer()), Status: int(c.integer()), Failure: c.text()})
	}
	return all
}

func (c *cursor) handshake(m meta) *Handshake {
	h := &Handshake{Accepted: instant(m.at), Socket: m.socket, Fault: m.fault, Ended: instant(c.fixed())}
	h.Remote, h.Reason = c.text(), c.text()
	h.TLS, h.ServerName = c.text(), c.text()
	h.Listener = c.text()
	if c.octet() > 0 {
		h.Alert = &Alert{By: c.text(), Code: int(c.count()), Description: c.text()}
	}
	h.Peer = c.peer()
	return h
}
