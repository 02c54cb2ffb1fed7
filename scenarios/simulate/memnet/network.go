// Package memnet is a network in memory: buffered connections whose state both
// ends and an observer share under one lock.
//
// TLS and HTTP run over it byte for byte as over TCP. The state that TCP hides
// is visible here: whether a byte is in flight, and whether a reader is blocked
// at this moment. The simulation needs both to know that nothing will happen
// until virtual time goes on. net.Pipe is unsuitable: it is unbuffered, so
// closing a TLS connection on it blocks.
package memnet

import (
	"context"
	"net"
	"sync"
	"syscall"
)

// Network is a set of listeners and sockets. Every change of any of them
// advances its version and wakes the observer.
type Network struct {
	mu        sync.Mutex
	version   uint64
	changed   chan struct{}
	listeners map[string]*Listener
	sockets   int
	// OnDial, where set before the first Dial, is called with each new socket
	// under the lock, before the other end can know it.
	OnDial func(context.Context, *Socket)
}

// New returns a network without listeners.
func New() *Network {
	return &Network{changed: make(chan struct{}, 1), listeners: map[string]*Listener{}}
}

// Lock gives the observer a standing picture of all sockets; nothing on the
// network proceeds until Unlock.
func (n *Network) Lock() { n.mu.Lock() }

// Unlock ends Lock.
func (n *Network) Unlock() { n.mu.Unlock() }

// Changed carries a token after every change since the last receive.
func (n *Network) Changed() <-chan struct{} { return n.changed }

// Version counts changes. The caller holds the lock.
func (n *Network) Version() uint64 { return n.version }

// Touch counts a change that the observer made or learned of elsewhere. The
// caller holds the lock.
func (n *Network) Touch() { n.touch() }

func (n *Network) touch() {
	n.version++
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// Listen opens a listener at a host:port.
func (n *Network) Listen(address string) *Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &Listener{network: n, address: address}
	l.ready.L = &n.mu
	n.listeners[address] = l
	return l
}

// Dial connects to a listener. It returns at once, before the connection is
// accepted, as TCP does. A host without a listener does not resolve; at one of
// another port it is refused.
func (n *Network) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok := n.listeners[address]
	if host, _, err := net.SplitHostPort(address); !ok && err == nil && !n.knows(host) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if !ok || l.closed {
		return nil, &net.OpError{Op: "dial", Net: "mem", Err: syscall.ECONNREFUSED}
	}
	n.sockets++
	s := newSocket(n, n.sockets, address)
	if n.OnDial != nil {
		n.OnDial(ctx, s)
	}
	l.backlog = append(l.backlog, s.server)
	n.touch()
	l.ready.Broadcast()
	return s.client, nil
}

// knows reports whether anything listens at a host. The caller holds the lock.
func (n *Network) knows(host string) bool {
	for address := range n.listeners {
		if known, _, err := net.SplitHostPort(address); err == nil && known == host {
			return true
		}
	}
	return false
}

// Listener is a net.Listener of the network.
type Listener struct {
	network *Network
	address string
	backlog []*Conn
	closed  bool
	ready   sync.Cond
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	for len(l.backlog) == 0 && !l.closed {
		l.ready.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.backlog[0]
	l.backlog = l.backlog[1:]
	l.network.touch()
	return c, nil
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.closed = true
	l.network.touch()
	l.ready.Broadcast()
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return address(l.address) }

type address string

func (address) Network() string  { return "mem" }
func (a address) String() string { return string(a) }
