package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/admin"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// drain is how long what is being answered may take after the signal to end. A
// fault may answer never.
const drain = 5 * time.Second

// mockFlags are the flags of httpdest mock.
type mockFlags struct {
	scenario string
	to       string // a destination of the scenario
	listen   listenFlags
	require  requireFlags
	bearer   string
	record   recordFlags
	quiet    bool
	files    certificateFiles
	admin    adminFlags
	receiver *forward.Receiver // of httpdest proxy; nil: the endpoint answers itself
}

func (a *app) mockCommand() *cobra.Command {
	var f mockFlags
	c := &cobra.Command{
		Use:   "mock",
		Short: "Serve the mock endpoint for your own sender",
		Long: `Serve the mock endpoint on TCP, for your own sender. With a scenario it behaves as
its endpoint block says, faults included. With --record, everything that arrives
is written to a file that httpdest judge reads. Ctrl-C or SIGTERM answers what is
under way and ends; a second one ends at once. At the end stderr lists how often each fault
of the scenario fired. The exit status is 3 where one fired less often than planned.

--listen may be repeated: each listener has its own mode, certificate and TLS versions,
and all write one journal. What --require-header, --require-query, --require-content-type,
--schema and --allow ask for and a request lacks is refused, and the log says why.

A page shows what arrives as it arrives, and switches faults on and off; its address,
with the token to open it, is on stderr. The same is an API (/api/v1/openapi.json
describes it) with metrics for Prometheus at /metrics. --admin off serves neither.
The journal keeps the newest in memory and everything in a temporary file; --journal
FILE keeps that.

Without --cert and --key the certificate is a throwaway one, for localhost. --ca-dir
writes what a client needs to trust it, and a client certificate that is trusted.`,
		Example: `  httpdest mock --record f.jsonl
  httpdest mock --scenario s.yaml --tls mtls-only --ca-dir ca --listen 127.0.0.1:8443
  httpdest mock --listen plain://:8080 --listen 'tls://:8443?certificate=expired' --schema export
  curl --cacert ca/ca.pem --cert ca/client.pem --key ca/client-key.pem https://localhost:8443/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.mock(cmd.Context(), f) },
	}
	f.add(c.Flags())
	c.Flags().StringVar(&f.bearer, "bearer", "", "the token to insist on (default: that of the scenario, or none); "+secretForms)
	completeMock(c)
	return c
}

// add adds the flags that mock and proxy have in common.
func (f *mockFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.scenario, "scenario", "", "file with the endpoint block to play and the profiles to recognise")
	flags.StringVar(&f.to, "destination", "", "the destination of the scenario whose endpoint to play, where it has several")
	f.listen.add(flags)
	f.require.add(flags)
	f.record.add(flags)
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "print no line for each request and each refused connection")
	f.files.add(flags)
	f.admin.add(flags)
}

// mock serves until a signal or the end of ctx.
func (a *app) mock(ctx context.Context, f mockFlags) error {
	plan, err := f.plan(a)
	if err != nil {
		return err
	}
	return a.play(ctx, f, plan)
}

// play serves what the flags come to, and tells at the end which faults fired.
func (a *app) play(ctx context.Context, f mockFlags, plan mockPlan) (err error) {
	listeners, err := plan.open()
	if err != nil {
		return err
	}
	options := plan.options
	if f.admin.token != anyToken {
		if f.admin.token, err = a.secretOf("--admin-token", f.admin.token); err != nil {
			return errors.Join(err, hangUp(listeners))
		}
	}
	page, err := openAdmin(f.admin)
	if err != nil {
		return errors.Join(err, hangUp(listeners))
	}
	defer func() { err = errors.Join(err, page.close()) }()
	var sink journal.Sink
	var recorder *simulate.EndpointRecorder
	if f.record.file != "" {
		file, err := f.record.open()
		if err != nil {
			return errors.Join(err, hangUp(listeners))
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		recorder = simulate.NewEndpointRecorder(file, plan.scenario, time.Now().UTC(), options.Bearer)
		sink = recorder
	}
	options.Journal = page.attach(&options, sink)
	if !f.quiet {
		options.Journal = requestLog{slog.New(slog.NewTextHandler(a.stderr, nil)), options.Journal}
	}
	served := a.serve(ctx, listeners, options, page)
	if options.Tokens != nil {
		c := options.Tokens.Counts()
		fmt.Fprintf(a.stderr, "httpdest: %s for tokens, at most %d at once; %d issued\n", count(c.Requests, "request"), c.MostAtOnce, c.Issued)
	}
	for _, fault := range plan.fired() {
		fmt.Fprintf(a.stderr, "httpdest: %s\n", firing(fault))
	}
	switch {
	case recorder == nil && served != nil:
		return served
	case recorder == nil:
		return plan.fulfilled()
	case served != nil: // cut: what was under way is not in it
		return errors.Join(served, recorder.Err())
	}
	if err := recorder.End(time.Now().UTC(), plan.fired()); err != nil {
		return failure{exitUnjudged, err, "the recording ends where it could not be written, and is judged as cut off"}
	}
	return plan.fulfilled()
}

// mockPlan is what the flags come to.
type mockPlan struct {
	scenario *scenarios.Scenario // nil without one
	receiver *simulate.Receiver  // the same
	options  mockendpoint.Options
	listen   []listening
}

// socket is a listener that is open.
type socket struct {
	net.Listener
	as   mockendpoint.Listener
	role string // data, token, admin
}

// open takes the ports, and one more where there is a token endpoint.
func (p mockPlan) open() ([]socket, error) {
	var out []socket
	for _, l := range p.listen {
		listener, err := net.Listen("tcp", l.address)
		if err != nil {
			return nil, failure{exitUsage, errors.Join(err, hangUp(out)), "give --listen ADDRESS:PORT that is free, or port 0"}
		}
		out = append(out, socket{listener, l.as, "data"})
	}
	if p.options.Tokens != nil {
		listener, err := net.Listen("tcp", net.JoinHostPort(p.listen[0].host, "0"))
		if err != nil {
			return nil, failure{exitUsage, errors.Join(err, hangUp(out)), "the token endpoint needs a free port next to that of --listen"}
		}
		out = append(out, socket{listener, p.listen[0].as, "token"})
	}
	return out, nil
}

// hangUp closes the ports.
func hangUp(all []socket) (err error) {
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}

func (p mockPlan) fired() []recording.Fault {
	if p.receiver == nil {
		return nil
	}
	return p.receiver.Fired()
}

// fulfilled is an error where a fault acted less often than planned: what the sender does
// about it was not shown.
func (p mockPlan) fulfilled() error {
	for _, f := range p.fired() {
		if f.Fired < max(1, f.Planned) {
			return failure{exitUnjudged, fmt.Errorf("the plan of faults is not fulfilled: %s", f.ID),
				"let the sender send what the fault selects, or remove it"}
		}
	}
	return nil
}

// firing counts how often a fault fired, of how often it was planned to.
func firing(f recording.Fault) string {
	if f.Planned == 0 {
		return fmt.Sprintf("fault %s fired %s", f.ID, count(f.Fired, "time"))
	}
	return fmt.Sprintf("fault %s fired %d of %s", f.ID, f.Fired, count(f.Planned, "time"))
}

// plan checks the flags before anything is opened.
func (f mockFlags) plan(a *app) (p mockPlan, err error) {
	if err := f.record.check(); err != nil {
		return p, err
	}
	kind := ""
	if f.to != "" && f.scenario == "" {
		return p, failure{exitUsage, errors.New("--destination without --scenario"), "name the file that has the destination"}
	}
	if f.scenario != "" {
		if p.scenario, err = oneScenario(f.scenario); err == nil {
			p.scenario, err = oneEndpoint(p.scenario, f.to)
		}
		if err != nil {
			return p, err
		}
		p.receiver = simulate.NewReceiver(p.scenario)
		p.options = p.receiver.Options()
		if f.receiver == nil {
			err = withoutReceiver(p.scenario)
		} else {
			simulate.Forwards(&p.options, f.receiver, p.scenario)
			err = forwardable(p.scenario)
		}
		if err != nil {
			return p, err
		}
		kind = p.scenario.Endpoint.Certificate
	}
	if f.bearer, err = a.secretOf("--bearer", f.bearer); err != nil {
		return p, err
	}
	p.options.Receiver = f.receiver
	p.options.Bearer = cmp.Or(f.bearer, p.options.Bearer)
	p.options.Now = func() time.Time { return time.Now().UTC() }
	if p.options.Require, err = f.require.over(a, p.options.Require); err != nil {
		return p, err
	}
	if p.listen, err = f.listen.all(p.options.Listener, kind); err != nil {
		return p, err
	}
	if err := certify(p.listen, f.files); err != nil {
		return p, err
	}
	warnIncomplete(a.stderr, f.files.certificate, f.files.key)
	return p, nil
}

// oneScenario loads a file that holds one.
func oneScenario(file string) (*scenarios.Scenario, error) {
	cases, err := find("", []string{file})
	if err == nil && len(cases) != 1 {
		err = failure{exitUsage, fmt.Errorf("--scenario %s has %s", file, count(len(cases), "scenario")), "give the file of one"}
	}
	if err != nil {
		return nil, err
	}
	return cases[0], nil
}

// serve answers requests until it is told to end, and then finishes those under
// way. A failure is an error, and so is a second order to end.
func (a *app) serve(ctx context.Context, listeners []socket, o mockendpoint.Options, page *adminServer) error {
	endpoint := mockendpoint.New(o)
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { // ends with its listener
			if l.role == "token" {
				ended <- endpoint.ServeTokensOn(l, l.as)
				return
			}
			ended <- endpoint.ServeOn(l, l.as)
		}()
	}
	allEnded := func() (err error) {
		for range listeners {
			err = errors.Join(err, <-ended)
		}
		return err
	}

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := a.announce(listeners, o, page); err != nil {
		return errors.Join(err, hangUp(listeners), endpoint.Close())
	}
	told := 0 // signals so far
	select {
	case <-ctx.Done(): // an interrupt comes by signals as well
	case <-signals:
		told++
	case err := <-ended:
		return errors.Join(err, hangUp(listeners), endpoint.Close())
	}
	_ = hangUp(listeners) // Serve ends with it
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- endpoint.Shutdown(within) }()
	for {
		select {
		case err := <-drained:
			if errors.Is(err, context.DeadlineExceeded) {
				fmt.Fprintf(a.stderr, "httpdest: what was not answered within %s was cut\n", drain)
				err = nil
			}
			return errors.Join(err, allEnded())
		case <-signals:
			if told++; told > 1 {
				return errors.Join(failure{exitInterrupted, errors.New("ended at once"), ""}, endpoint.Close())
			}
		}
	}
}

// announce prints the addresses of the listeners, and opens the page.
func (a *app) announce(listeners []socket, o mockendpoint.Options, page *adminServer) error {
	data := len(listeners)
	if o.Tokens != nil {
		data--
	}
	var shown []admin.Listener
	for _, l := range listeners {
		shown = append(shown, admin.Listener{Role: l.says(data), URL: address(l)})
		if _, err := fmt.Fprintf(a.stdout, "listening on %s (%s)\n", address(l), l.says(data)); err != nil {
			return err
		}
	}
	return page.serve(a.stdout, a.stderr, o, shown)
}

// says is what the listener is for, and where there are several for data which
// one it is: data is how many.
func (l socket) says(data int) string {
	switch {
	case l.role == "token" || data == 1:
		return l.role
	case l.as.Name != "":
		return l.role + ", " + string(l.as.Mode) + ", " + l.as.Name
	}
	return l.role + ", " + string(l.as.Mode)
}

// address is where the listener is reached from this machine.
func address(l socket) string {
	scheme := "https"
	if l.as.Mode == mockendpoint.Plain {
		scheme = "http"
	}
	at := l.Addr().(*net.TCPAddr)
	host := at.IP.String()
	if at.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, fmt.Sprint(at.Port)))
}

// requestLog says a line for everything that arrives. slog quotes what a
// sender chose, so that it cannot steer a terminal.
type requestLog struct {
	log  *slog.Logger
	next journal.Sink // nil: nothing else takes it
}

// Request implements journal.Sink.
func (l requestLog) Request(r journal.Request) {
	if l.next != nil {
		l.next.Request(r)
	}
	path, _, _ := strings.Cut(r.Target, "?") // a query may hold a credential
	fields := []any{"method", r.Method, "path", path, "status", r.Status, "bytes", len(r.Body), "took", r.Answered.Sub(r.Arrived).Round(time.Microsecond)}
	for _, f := range []struct{ name, value string }{
		{"listener", r.Listener}, {"profiles", some(r.Profiles)}, {"fault", r.Fault}, {"refused", r.Refused}, {"authorization", string(r.Authorization)}, {"tls", r.TLS},
	} {
		if f.value != "" {
			fields = append(fields, f.name, f.value)
		}
	}
	if r.Peer != nil {
		fields = append(fields, "certificate", r.Peer.CommonName)
	}
	if n := len(r.Forwards); n > 0 {
		answered := r.Forwards[n-1]
		fields = append(fields, "receiver", cmp.Or(answered.Failure, strconv.Itoa(answered.Status)), "receiverTook", answered.Took.Round(time.Microsecond))
	}
	if r.Disconnected {
		fields = append(fields, "left", true)
	}
	l.log.Info("request", fields...)
}

// some are the first few of many.
func some(profiles []string) string {
	const most = 10
	if len(profiles) <= most {
		return strings.Join(profiles, ",")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(profiles[:most], ","), len(profiles)-most)
}

// Handshake implements journal.Sink.
func (l requestLog) Handshake(h journal.Handshake) {
	if l.next != nil {
		l.next.Handshake(h)
	}
	fields := []any{"reason", h.Reason}
	if h.Listener != "" {
		fields = append(fields, "listener", h.Listener)
	}
	if h.Alert != nil {
		fields = append(fields, "alert", h.Alert.Description, "by", h.Alert.By)
	}
	if h.Fault != "" {
		fields = append(fields, "fault", h.Fault)
	}
	if h.Peer != nil {
		fields = append(fields, "certificate", h.Peer.CommonName)
	}
	l.log.Warn("refused", fields...)
}
