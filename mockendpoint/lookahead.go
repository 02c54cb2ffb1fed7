package mockendpoint

import (
	"net"
	"os"
	"time"
)

// maxAhead bounds what is read ahead of a client that keeps sending.
const maxAhead = 64 << 10

// lookahead is an accepted connection that can be watched for the client's
// leaving while nothing reads from it. What the watch reads is kept for Read.
type lookahead struct {
	net.Conn
	buffer []byte
	err    error // that ended the watch, for Read to tell
}

// Read implements net.Conn. It must not be called during a watch.
func (l *lookahead) Read(p []byte) (int, error) {
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
