//go:build !unix

package loadtest

import "time"

// cpuTime is not known here, so that a starved machine shows by late timers
// alone.
func cpuTime() time.Duration { return 0 }

// openFiles is how many sockets this process may have, as far as is known here.
func openFiles() uint64 { return 80_000 }
