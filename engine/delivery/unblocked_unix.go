//go:build unix

package delivery

import "syscall"

// canAsk reports whether a socket can be read without waiting.
const canAsk = true

// readNow reads what has come; errNothing when nothing has.
func readNow(fd uintptr, p []byte) (n int, err error) {
	for {
		n, err = syscall.Read(int(fd), p) // sockets of package net do not block
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, errNothing
		}
		return 0, err
	}
}
