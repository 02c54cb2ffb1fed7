package simulate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Serving is what it takes to play cases through httpdest serve.
type Serving struct {
	Path string // of the binary
	Name string // by which it is called
	// OpenStore opens the store that serve has in a folder: what profiles hold at
	// the start, and the mapping of before, are in it when serve starts.
	OpenStore func(dir string) (store.Store, error)
}

// served is one case at the binary: a folder with its configuration and its
// store, the process, and the mock endpoint on TCP.
type served struct {
	sc       *scenarios.Scenario
	c        *configuration
	p        *pki
	dir      string
	receiver *Receiver
	driver   *driver // its words for updates; it plays nothing
	process  *serveProcess
	own      []timed // what we did: it is in nobody's journal
	listens  []net.Listener

	mu       sync.Mutex
	requests []journal.Request
	refused  []journal.Handshake
}

// Request implements journal.Sink.
func (s *served) Request(r journal.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
}

// Handshake implements journal.Sink.
func (s *served) Handshake(h journal.Handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = append(s.refused, h)
}

// prepared is how long before its start a case is prepared: the store is filled, and
// the process begins. A machine that needs longer gets more of it.
const prepared, longestPrepared = 2 * time.Second, 20 * time.Second

// starting bounds how many processes begin at once, so that those that play have
// their share of the machine.
var starting = make(chan struct{}, 2)

// playServed plays a case through the binary, from a start that is moved to now.
// length is how long it lasts in virtual time. The scenario that comes back is the
// one that was played.
func playServed(ctx context.Context, sc *scenarios.Scenario, o Serving, length time.Duration) (*scenarios.Scenario, []recording.Line, error) {
	for lead := prepared; ; lead *= 3 {
		moved := sc.Starting(startAfter(time.Now().UTC().Add(lead), sc.Start, length))
		lines, err := playOnce(ctx, moved, o, length)
		if errors.Is(err, errLate) && lead < longestPrepared {
			continue
		}
		return moved, lines, err
	}
}

// startAfter is a time after another for a case that starts at some time, at the
// same part of a second, so that no hour ends while it is played.
func startAfter(after, at time.Time, length time.Duration) time.Time {
	part := at.Sub(at.Truncate(time.Second))
	start := after.Truncate(time.Second).Add(time.Second + part)
	if end := start.Add(length + restWithin).Truncate(time.Hour); end.After(start) {
		start = end.Add(time.Second + part)
	}
	return start
}

// errLate is the error of a process that was not there at the start of its case.
var errLate = errors.New("serve was not ready at the start of the history")

func playOnce(ctx context.Context, sc *scenarios.Scenario, o Serving, length time.Duration) (lines []recording.Line, err error) {
	s := &served{sc: sc, c: configure(sc), receiver: NewReceiver(sc)}
	if s.dir, err = os.MkdirTemp("", "httpdest-serve-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	if s.p, err = newPKI(sc); err != nil {
		return nil, err
	}
	closed, err := s.listen()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closed()) }()
	starting <- struct{}{}
	err = s.start(ctx, o)
	<-starting
	var early *endedEarly
	if errors.As(err, &early) && early.refused() {
		return s.recorded(length, nil)
	}
	if err != nil {
		return nil, err
	}
	played := s.playOut(ctx, length)
	if ctx.Err() != nil || errors.Is(played, errLate) {
		s.process.kill()
		return nil, cmp.Or(ctx.Err(), played)
	}
	if err := s.process.end(); err != nil {
		return nil, err
	}
	return s.recorded(length, played)
}

// now is the clock of the endpoint, whose faults count from the start.
func (s *served) now() time.Time {
	if now := time.Now().UTC(); now.After(s.sc.Start) {
		return now
	}
	return s.sc.Start
}

// playOut plays the history. Of a case that is to be refused it sends the files,
// which serve takes over HTTP: what is wrong with them is said there.
func (s *served) playOut(ctx context.Context, length time.Duration) error {
	switch {
	case s.driver != nil:
		return s.history(ctx, length)
	case slices.ContainsFunc(dataflow.Errors(s.c.problems), func(p dataflow.Problem) bool { return !s.ofFile(p) }):
		return errors.New("serve takes a configuration that it is to refuse")
	}
	return s.filesRefused(ctx)
}

// ofFile reports whether a problem is of a file.
func (s *served) ofFile(p dataflow.Problem) bool {
	return slices.ContainsFunc(s.sc.Audiences, func(a scenarios.Audience) bool {
		return p.Path == uploadPath(a.Key) && len(uploadSpec(a.Upload).Problems()) == 0
	})
}

// listen opens the mock endpoint on TCP.
func (s *served) listen() (closed func() error, err error) {
	data, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a port for the mock endpoint: %w", err)
	}
	tokens, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a port for the token endpoint: %w", errors.Join(err, data.Close()))
	}
	s.listens = []net.Listener{data, tokens}
	options := s.receiver.Options()
	options.Journal, options.Now = s, s.now
	var tokenListener mockendpoint.Listener
	options.Listener, tokenListener = withCertificates(options.Listener, s.p)
	endpoint := mockendpoint.New(options)
	serving := make(chan error, 2)
	go func() { serving <- endpoint.Serve(data) }()                          // ends with closed
	go func() { serving <- endpoint.ServeTokensOn(tokens, tokenListener) }() // likewise
	return func() error {
		_, _ = data.Close(), tokens.Close() // nothing is left to accept
		return errors.Join(endpoint.Close(), <-serving, <-serving)
	}, nil
}

// start fills the folder and starts serve.
func (s *served) start(ctx context.Context, o Serving) error {
	refused := len(dataflow.Errors(s.c.problems)) > 0
	if !refused {
		if err := s.seed(o); err != nil {
			return fmt.Errorf("the store of serve: %w", err)
		}
	}
	argv, err := s.arguments()
	if err != nil {
		return err
	}
	s.process, err = startServe(ctx, o, argv)
	return err
}

// seed fills the store with every profile as it is at the start, and with the
// dataflow as it was activated before.
func (s *served) seed(o Serving) (err error) {
	kept, err := o.OpenStore(filepath.Join(s.dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	p := newPopulation(s.sc, s.c.refs, kept)
	s.driver = &driver{scenario: s.sc, population: p, triggers: s.sc.Dataflow.Triggers}
	var states []engine.State
	for i := range s.sc.Profiles {
		for name := range s.sc.Profiles[i].Names.All() {
			states = append(states, engine.State{Profile: p.initial(name), Version: 1})
		}
	}
	snapshot := dataflow.NewSnapshot(s.c.Flow, s.c.Audiences)
	before := s.sc.Start.Add(-mappedBefore)
	if s.sc.Dataflow.Activated {
		snapshot, _ = snapshot.Activate(before)
	}
	r := flow.New(flow.Dataflow{Snapshot: snapshot, Configuration: s.c.Configuration, Settings: settings(s.c.Flow, true, true)})
	if err := r.Restore(before, nil); err != nil {
		return err
	}
	return kept.Commit(states, r.Notes())
}

// arguments are those of serve. The endpoint has its name of every recording, and
// is reached elsewhere.
func (s *served) arguments() ([]string, error) {
	at := func(name string) string { return filepath.Join(s.dir, name) }
	port := "443"
	if s.sc.Endpoint.TLS == string(mockendpoint.Plain) {
		port = "80"
	}
	content, err := scenarios.EncodeService(s.configured())
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"serve.yaml": content, "ca.pem": pemOf("CERTIFICATE", s.p.auth.Certificate[1])}
	argv := []string{"serve", "--config", at("serve.yaml"), "--data", at("data"), "--record", at("serve.jsonl"), "--no-auth",
		"--memory", "128MiB", "--shards", "1", "--ca", at("ca.pem"),
		"--connect-to", receiverHost + ":" + port + "=" + s.listens[0].Addr().String(),
		"--connect-to", authHost + ":" + port + "=" + s.listens[1].Addr().String()}
	if own := s.p.current(s.sc.Start); s.p.has && own != nil {
		key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
		if err != nil {
			return nil, err
		}
		files["client.pem"], files["client-key.pem"] = pemOf("CERTIFICATE", own.Certificate...), pemOf("PRIVATE KEY", key)
		argv = append(argv, "--cert", at("client.pem"), "--key", at("client-key.pem"))
	}
	for name, content := range files {
		if err := os.WriteFile(at(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return argv, nil
}

func pemOf(kind string, blocks ...[]byte) []byte {
	var b bytes.Buffer
	for _, block := range blocks {
		_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: block}) // a buffer takes everything
	}
	return b.Bytes()
}

// configured is the scenario with the URLs that the engine is configured with.
func (s *served) configured() *scenarios.Scenario {
	out := *s.sc
	out.Destination.Endpoint = endpointOf(s.sc)
	out.Destination.Auth.TokenURL = authentication(s.sc).TokenURL
	return &out
}

// recorded is the recording of both sides.
func (s *served) recorded(length time.Duration, played error) ([]recording.Line, error) {
	file, err := os.Open(filepath.Join(s.dir, "serve.jsonl"))
	if err != nil {
		return nil, err
	}
	sender, err := recording.Read(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("the recording of serve: %w", err)
	}
	end := sender[len(sender)-1].End
	sender = sender[1 : len(sender)-1] // without its run line and its end
	for _, l := range sender {
		if l.Problem != nil && l.Problem.Action == "" {
			l.Problem.At = s.sc.Start
		}
	}
	if s.driver == nil { // what is refused is not played
		sender = slices.DeleteFunc(sender, func(l recording.Line) bool { return l.Problem == nil })
	}
	r := newRecorder(s.c.Flow.Destination.Auth)
	r.add(s.c.run(Setting{Clock: Wall}))
	s.mu.Lock()
	seen := append(journalled(s.requests, s.refused, r, newOrdinals(sender)), s.own...)
	s.mu.Unlock()
	r.lines = append(r.lines, merged(sender, seen)...)
	if len(dataflow.Errors(s.c.problems)) > 0 && played == nil {
		r.add(recording.Line{End: &recording.End{At: s.sc.Start}})
		return r.lines, nil
	}
	over := s.sc.Start.Add(length)
	if over.Before(end.At) {
		over = end.At
	}
	r.end(over, s.sc.Endpoint.Faults, s.receiver.faults.Firings(), end.Unfinished, played)
	return r.lines, nil
}
