// Package witness runs the engine on the wall clock, over TCP, before servers
// that we did not write: nginx, openssl s_server and Go's own. The mock endpoint
// and the engine could agree on a mistake; these know neither.
//
// Everything is in its tests. They prove the mTLS decision (design §4), and that
// neither profile data nor credentials travel without the certificate to an
// endpoint that insists on one: nginx's access log, what openssl printed and
// what the application behind them received are looked at, not what the engine
// says of itself. The command httpdest serve is run as a user runs it.
//
// Where nginx or openssl is missing the specs are skipped and say what to
// install; with CI=true they fail.
package witness
