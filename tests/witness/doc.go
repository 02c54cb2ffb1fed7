// Package witness runs the engine on the wall clock, over TCP, before
// independent servers: nginx, openssl s_server and Go's own. The mock endpoint
// and the engine could agree on a mistake; these know neither.
//
// Everything is in its tests. They prove the mTLS decision (design §4), and that
// neither profile data nor credentials travel without the certificate to an
// endpoint that insists on one: nginx's access log, openssl's output and the
// requests that the application behind them received are checked, not the
// engine's own report. The command httpdest serve is run as a user runs it.
//
// Where nginx or openssl is missing the specs are skipped and say what to
// install; with CI=true they fail.
package witness
