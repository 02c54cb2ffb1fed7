package mockendpoint

import (
	"net"
	"os"
	"time"
)

// maxAhead bounds what is read ahead of a client that keeps sending.
const maxAhead = 64 << 10

// lookahead is an accepted connection that can be watched for the client's
// leaving while nothing reads from it. Bytes that the watch reads are kept for
// Read.
type lookahead struct {
	net.Conn
	buffer []byte
	err    error  // that ended the watch, for Read to tell
	tail   []byte // the last bytes that Read returned, an alert's length at most
}

// Read implements net.Conn. It must not be called during a watch.
func (l *lookahead) Read(p []byte) (int, error) {
	n, err := l.read(p)
	l.tail = append(l.tail, p[max(0, n-alertLength):n]...)
	l.tail = l.tail[max(0, len(l.tail)-alertLength):]
	return n, err
}

// alertLength is that of an alert on the wire: a record's head, level and
// description.
const alertLength = 7

// alert is the alert in the clear that was read last. So OpenSSL refuses a
// certificate over TLS 1.3, having no key yet to write with; crypto/tls takes
// it for a record that is broken.
func (l *lookahead) alert() (code int, ok bool) {
	t := l.tail
	if len(t) != alertLength || t[0] != 21 || t[1] != 3 || t[3] != 0 || t[4] != 2 {
		return 0, false
	}
	return int(t[6]), true
}

func (l *lookahead) read(p []byte) (int, error) {
	if len(l.buffer) > 0 {
		n := copy(p, l.buffer)
		l.buffer = l.buffer[n:]
		return n, nil
	}
	if l.err != nil {
		return 0, l.err
	}
	return l.Conn.Read(p)
}

// watch closes gone when the client leaves. stop ends the watch; reading may
// go on after it. A connection that can tell by itself (Gone) is asked.
func (l *lookahead) watch() (gone <-chan struct{}, stop func()) {
	if g, ok := l.Conn.(interface{ Gone() <-chan struct{} }); ok {
		return g.Gone(), func() {}
	}
	left, finished := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(finished)
		piece := make([]byte, 4096)
		for len(l.buffer) < maxAhead {
			n, err := l.Conn.Read(piece)
			l.buffer = append(l.buffer, piece[:n]...)
			if os.IsTimeout(err) {
				return
			}
			if err != nil {
				l.err = err
				close(left)
				return
			}
		}
	}()
	return left, func() {
		_ = l.Conn.SetReadDeadline(time.Unix(1, 0)) // wakes the reader up
		<-finished
		_ = l.Conn.SetReadDeadline(time.Time{})
	}
}
