package delivery

import (
	"context"
	"net/http"
)

// Transport opens the connections that carry exchanges: NetHTTP or Direct. A
// further one is a file with its implementation; every spec of this package runs
// with each.
type Transport interface {
	// onSystemSockets reports whether it needs sockets of the operating system.
	onSystemSockets() bool
	// noticesEnds reports whether the end of an idle connection is known without
	// asking it, so that all of them can be looked at before each use.
	noticesEnds() bool
	// open connects a socket and performs its handshake.
	open(ctx context.Context, k *Socket, x *Exchange) (carrier, error)
}

// carrier is an open connection, which carries one exchange after the other. Its
// socket closes the connection below it.
type carrier interface {
	// begin is called before each exchange, and end after it; end reports whether
	// the connection can carry another.
	begin(ctx context.Context)
	end() (reusable bool)
	// roundTrip writes the request and reads the answer up to its body.
	roundTrip(ctx context.Context, x *Exchange) (*http.Response, error)
	// isDead reports whether an idle connection is useless: the endpoint closed it,
	// or sent data without a request.
	isDead() bool
	// inFlight reports whether an answer is known to be incomplete.
	inFlight() bool
	close()
}
