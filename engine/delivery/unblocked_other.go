//go:build !unix

package delivery

import "io"

// canAsk reports whether a socket can be read without waiting.
const canAsk = false

// readNow is never called: without canAsk exchanges are carried by NetHTTP.
func readNow(uintptr, []byte) (int, error) { return 0, io.EOF }
