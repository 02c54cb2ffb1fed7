package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/internal/access"
	"github.com/httpdest/httpdest/internal/pemfile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// serveFlags are the flags of httpdest serve.
type serveFlags struct {
	config  string
	data    string
	store   string
	intake  intakeFlags
	cert    string
	key     string
	ca      string
	shards  int
	backlog int
	memory  byteCount
	record  recordFlags
	connect []string // HOST:PORT=ADDRESS:PORT
}

// The memory of serve.
const (
	defaultMemory = 1 << 30
	leastMemory   = 128 << 20 // the store and a few of the largest updates
)

func (a *app) serveCommand() *cobra.Command {
	f := serveFlags{memory: defaultMemory}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the engine as a service that takes profile updates",
		Long: `Run the engine on the wall clock: it takes profile updates over HTTP, decides what is
exported, and delivers it to the endpoint of the configuration. Every accepted update
survives the end of the process: the folder of --data holds it.

The configuration has the blocks audiences, destination and dataflow of a scenario,
with the URL of the endpoint, and may have organisation and users; destinations and
dataflows, for several, are maps as in a scenario. Updates are JSON objects, one a line:

  curl -H "Authorization: Bearer $TOKEN" --data-binary @updates.jsonl http://127.0.0.1:PORT/updates
  {"profile": "doc", "qualify": "delorean", "set": {"person.name.firstName": "Emmett"}}

The answer comes when all are durable. Also: GET /health, GET /dead, POST /dead/resend?id=ID,
POST /profiles/ID/merge, POST /profiles/ID/forget. httpdest help limits lists what is too large.

People change the dataflow while it runs, with the documented consequences. Mapping an
audience exports its members within the hour:

  curl -d '{"audiences": ["delorean"]}' http://127.0.0.1:PORT/dataflows/dataflow/map

The actions are activate, map, unmap, rename, switch, label, enable, disable and delete. GET
/dataflows shows the mapping, the totals and firing alerts, GET /dataflows/dataflow/runs
the hourly runs. All of it outlives the process. Of several dataflows each has the name
that the configuration gives it: /dataflows/NAME/map.

An audience with upload: in the configuration takes a CSV file, POST
/audiences/KEY/upload, and POST /audiences/KEY/refresh extends its term.

--record writes what the engine decides and sends to a file.

Every request needs the token of --token, or the random one that stderr names at the
start. Requests from web pages of other origins are refused, and so are host names
other than localhost and those of --allow-host.

SIGTERM or Ctrl-C takes no more updates, waits for the attempts under way, and leaves
the rest for the next start; a second one ends at once.`,
		Example: "  httpdest serve --config serve.yaml --data data\n  httpdest serve --config serve.yaml --data data --listen 127.0.0.1:8080 --token '${TOKEN}'\n  httpdest serve --config serve.yaml --data data --cert client.pem --key client-key.pem --ca ca.pem",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serveEngine(cmd.Context(), f) },
	}
	c.Flags().StringVar(&f.config, "config", "", "file with the blocks audiences, destination and dataflow, or those for several (required)")
	c.Flags().StringVar(&f.data, "data", "", "folder of the local store")
	c.Flags().StringVar(&f.store, "store", "local", "local, or memory: nothing outlives the process")
	f.intake.add(c.Flags())
	c.Flags().StringVar(&f.cert, "cert", "", "PEM file of the client certificate and its chain, for an endpoint that is mTLS-only")
	c.Flags().StringVar(&f.key, "key", "", "PEM file of its key")
	c.Flags().StringVar(&f.ca, "ca", "", "PEM file of the authorities the endpoint's certificate must come from (default: the system's)")
	c.Flags().IntVar(&f.shards, "shards", 0, "decider shards (default: one per CPU)")
	c.Flags().IntVar(&f.backlog, "backlog", 0, "unsettled exports at which intake answers 503 (default: one per 4KiB of --memory)")
	c.Flags().Var(&f.memory, "memory", "memory of the process, at least 128MiB; export bodies beyond it wait on disk")
	f.record.add(c.Flags())
	c.Flags().StringArrayVar(&f.connect, "connect-to", nil, "HOST:PORT=ADDRESS:PORT: connect there instead, as curl --connect-to does; repeat it for more")
	_ = c.MarkFlagRequired("config")
	completeServe(c)
	return c
}

// service is everything a running engine needs.
type service struct {
	config *simulate.Services
	wire   live.Wires
	store  store.Store
	driver *live.Driver
	guard  access.Guard
	record *engineRecord

	notices *notices
}

// serveEngine runs until it is told to end.
func (a *app) serveEngine(ctx context.Context, f serveFlags) (err error) {
	if f.memory < leastMemory {
		return failure{exitUsage, fmt.Errorf("--memory %s is too little for the largest updates", &f.memory), "give 128MiB or more"}
	}
	guard, err := f.intake.guard(a)
	if err != nil {
		return err
	}
	a.boundMemory(int64(f.memory))
	s, err := f.open(a.stderr)
	if err != nil {
		return err
	}
	s.guard = guard
	defer func() { err = errors.Join(err, s.store.Close()) }()
	defer s.wire.Close()
	defer s.notices.close()
	listener, err := net.Listen("tcp", f.intake.listen)
	if err != nil {
		return failure{exitUsage, err, "give --listen ADDRESS:PORT that is free, or port 0"}
	}
	for _, p := range s.config.Problems {
		fmt.Fprintf(a.stderr, "httpdest: %s: %s\n", p.Place(), p.Message)
	}
	before := s.driver.Stats()
	if before.Dead > 0 {
		fmt.Fprintf(a.stderr, "httpdest: %s in the store from before; `httpdest dead list --data DIR` lists them after the end\n", count(int(before.Dead), "dead letter"))
	}
	if before.Pending > 0 {
		fmt.Fprintf(a.stderr, "httpdest: %s undelivered from before; %s with an outcome that is not known\n",
			count(int(before.Pending), "export"), count(int(before.Unknown), "attempt"))
	}
	fmt.Fprint(a.stderr, f.intake.says(guard))
	return a.runEngine(ctx, s, listener)
}

// boundMemory sets the collector up, before the store is read: a start with many
// undelivered exports is bounded as well.
func (a *app) boundMemory(memory int64) {
	if a.getenv("GOGC") == "" {
		// Live memory is small compared with the memory that each request allocates:
		// collecting less often spends some memory to save CPU time.
		debug.SetGCPercent(400)
	}
	if a.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory / 10 * 9)
	}
}

// open reads the configuration and the certificates, and opens the store: what
// is wrong is said before anything is listened on.
func (f serveFlags) open(stderr io.Writer) (s *service, err error) {
	sc, err := scenarios.LoadService(f.config)
	if err != nil {
		return nil, failure{exitUsage, err, ""}
	}
	record, err := f.openRecord(sc)
	if err != nil {
		return nil, err
	}
	s = &service{record: record, wire: live.Wires{}}
	s.config, err = simulate.NewServices(sc, time.Now().UTC())
	if err = errors.Join(err, record.problems(s.config.Problems, err != nil)); err != nil {
		return nil, failure{exitUsage, err, "fix the configuration"}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, record.discard()) // nothing happened
		}
	}()
	dataflows, err := f.wires(s)
	if err != nil {
		return nil, err
	}
	warnIncomplete(stderr, f.cert, f.key)
	opening := startOpening(stderr)
	defer opening.end()
	s.notices = startNotices(stderr)
	if s.store, err = f.openStore(opening.at, s.notices.trouble); err != nil {
		s.notices.close()
		return nil, storeFailure(err)
	}
	opening.at("taking up undelivered exports", 0, 0)
	config := live.Config{Dead: s.notices.dead(f.data), Refused: s.notices.unreadable, Monitored: s.notices.monitored, Dataflows: dataflows, Uploads: s.config.Uploads,
		Store: s.store, Perform: s.wire.Perform, Shards: f.shards, Backlog: f.backlog, Memory: int64(f.memory), Overflow: f.store != "memory", FinishQueue: f.store == "memory",
		Ahead: live.DefaultAhead, Linger: live.DefaultLinger}
	s.record.watch(s.wire, &config)
	if s.driver, err = live.New(config); err != nil {
		s.notices.close()
		return nil, storeFailure(errors.Join(err, s.store.Close()))
	}
	return s, nil
}

// wires gives every dataflow sockets of its own.
func (f serveFlags) wires(s *service) (all []flow.Dataflow, err error) {
	connectTo, err := connections(f.connect)
	if err != nil {
		return nil, err
	}
	for _, c := range s.config.Each {
		sender := delivery.Config{ConnectTo: connectTo, Destination: c.Flow.Flow.Destination, UserAgent: "httpdest/" + version(), Transport: delivery.Blocking}
		if err := f.certificates(&sender); err != nil {
			return nil, failure{exitUsage, fmt.Errorf("certificates: %w", err), "give PEM files: --cert and --key together, --ca alone"}
		}
		if err := trustsSomebody(sender, f.ca); err != nil {
			return nil, err
		}
		d := delivery.New(sender)
		s.wire[c.Flow.Flow.ID] = live.NewWire(d)
		all = append(all, c.Dataflow(d.Encrypted(), d.HasCertificate()))
	}
	return all, nil
}

// dataflows are the identifiers of all.
func (s *service) dataflows() (ids []string) {
	for _, c := range s.config.Each {
		ids = append(ids, c.Flow.Flow.ID)
	}
	return ids
}

func (f serveFlags) certificates(c *delivery.Config) error {
	if (f.cert == "") != (f.key == "") {
		return errors.New("a certificate without its key, or a key without its certificate")
	}
	if f.cert != "" {
		own, err := pemfile.Pair(f.cert, f.key)
		if err == nil {
			err = inForce(f.cert, own, time.Now())
		}
		if err != nil {
			return err
		}
		c.Certificate = &own
	}
	if f.ca == "" {
		return nil
	}
	roots, err := pemfile.Pool(f.ca)
	c.Roots = roots
	return err
}

// trustsSomebody refuses a destination over TLS where there is no authority to
// trust its certificate by: every attempt would fail. So it is in an image with
// nothing but this program.
func trustsSomebody(c delivery.Config, ca string) error {
	if ca != "" || c.Destination.URL().Scheme != "https" {
		return nil
	}
	system, err := x509.SystemCertPool()
	if err == nil && !system.Equal(x509.NewCertPool()) {
		return nil
	}
	return failure{exitUsage, errors.Join(errors.New("this system has no certificate authorities, so that no certificate of the endpoint could be trusted"), err),
		"give --ca FILE, or install ca-certificates"}
}

func (f serveFlags) openStore(progress func(string, int64, int64), trouble func(error)) (store.Store, error) {
	switch {
	case f.shards < 0 || f.backlog < 0:
		return nil, failure{exitUsage, errors.New("--shards and --backlog must be 0 or more"), "leave them out"}
	case f.store == "memory":
		return memory.New(), nil
	case f.store != "local":
		return nil, failure{exitUsage, fmt.Errorf("--store %q", f.store), "give local or memory"}
	case f.data == "":
		return nil, failure{exitUsage, errors.New("--data is missing"), "give --data DIR, or --store memory to keep nothing"}
	}
	if most := live.Records(int64(f.memory)); f.memory > 0 && f.backlog > most {
		return nil, failure{exitUsage, fmt.Errorf("--backlog %d does not fit in --memory %s: its records have room for %d", f.backlog, &f.memory, most),
			"give more --memory, 4KiB for each export of --backlog, or leave --backlog out"}
	}
	return local.Open(f.data, local.Options{Progress: progress, Trouble: trouble, Memory: int64(f.memory)})
}

// storeFailure is an error of a store with its hint.
func storeFailure(err error) error {
	var f failure
	var trouble *store.Trouble
	switch {
	case errors.As(err, &f):
		return err
	case errors.As(err, &trouble):
		return failure{exitUsage, err, trouble.Hint}
	}
	return failure{exitUnjudged, err, ""}
}

// runEngine takes updates and delivers until it is told to end; then what is
// under way. To be told twice is an error.
func (a *app) runEngine(ctx context.Context, s *service, listener net.Listener) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	ended, served := make(chan error, 1), make(chan error, 1)
	server := intakeServer(s)
	go func() { ended <- s.driver.Run(running) }()
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(a.stdout, "listening on http://%s (updates)\n", listener.Addr()); err != nil {
		return errors.Join(err, server.Close())
	}
	progress := a.startProgress(s.driver)
	defer progress()
	told := 0
	for {
		select {
		case <-signals:
			if told++; told > 1 {
				s.driver.Abort()
				_ = server.Close() // whoever waits learns it by the connection
				<-ended
				return failure{exitInterrupted, errors.New("ended at once; what was under way counts as failed at the next start"), ""}
			}
			end()
		case err := <-ended:
			closed := errors.Join(server.Close(), s.record.end(s.driver, s.store, s.dataflows(), err))
			left := s.driver.Stats()
			if err != nil {
				return storeFailure(errors.Join(err, closed))
			}
			fmt.Fprintf(a.stderr, "httpdest: ended; %d delivered, %d dead, %s left for the next start\n", left.Delivered, left.Dead, count(int(left.Pending), "export"))
			return closed
		case err := <-served:
			if !errors.Is(err, http.ErrServerClosed) {
				s.driver.Abort()
				return errors.Join(err, <-ended)
			}
		}
	}
}

// startProgress keeps a line on stderr true while it is a terminal.
func (a *app) startProgress(d *live.Driver) (stop func()) {
	if !a.terminal(a.stderr) {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				fmt.Fprint(a.stderr, "\r\x1b[K")
				return
			case <-tick.C:
				st := d.Stats()
				fmt.Fprintf(a.stderr, "\r\x1b[K%d accepted  %d delivered  %d under way  %d pending  %d dead", st.Updates, st.Delivered, st.UnderWay, st.Pending, st.Dead)
			}
		}
	}()
	return func() { close(quit); <-done }
}
