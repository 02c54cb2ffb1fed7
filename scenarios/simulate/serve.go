package simulate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
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
// store, the process, and the mock endpoints on TCP.
type served struct {
	sc      *scenarios.Scenario
	c       *configuration
	dir     string
	sites   []*site // one for each destination
	driver  *driver // its words for updates and actions; it plays nothing
	process *serveProcess
	own     []timed // what we did: it is in nobody's journal

	mu  sync.Mutex
	saw sightings
}

// servedEntries is the journal of one site.
type servedEntries struct {
	s  *served
	at *site
}

// Request implements journal.Sink.
func (e servedEntries) Request(r journal.Request) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.s.saw.requests = append(e.s.saw.requests, sighting[journal.Request]{entry: r, at: e.at})
}

// Handshake implements journal.Sink.
func (e servedEntries) Handshake(h journal.Handshake) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.s.saw.refused = append(e.s.saw.refused, sighting[journal.Handshake]{entry: h, at: e.at})
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
	s := &served{sc: sc, c: configure(sc)}
	if s.dir, err = os.MkdirTemp("", "httpdest-serve-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
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
	case slices.ContainsFunc(s.c.invalid(), func(p dataflow.Problem) bool { return !s.ofFile(p) }):
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

// listen opens the mock endpoints on TCP.
func (s *served) listen() (closed func() error, err error) {
	all := &testbed{}
	closed = func() error { return all.close() }
	var whose func(namespace, id string) (string, bool)
	for _, f := range s.c.flows {
		at, err := newSite(f.part, InMemory)
		if err != nil {
			return nil, errors.Join(err, closed())
		}
		if len(s.sites) == 0 {
			whose = NewReceiver(f.part).Options().ProfileOf
		} else {
			at.certificates.clients = s.sites[0].certificates.clients // serve presents one certificate to all
		}
		options := at.options(whose)
		options.Journal, options.Now = servedEntries{s, at}, s.now
		if at.listener, at.tokenListener, err = listenOnTCP(); err != nil {
			return nil, errors.Join(err, closed())
		}
		at.endpoint = mockendpoint.New(options)
		s.sites, all.sites = append(s.sites, at), append(all.sites, at)
		all.served = append(all.served, at.serve())
	}
	return closed, nil
}

// start fills the folder and starts serve.
func (s *served) start(ctx context.Context, o Serving) error {
	if !s.c.errors() {
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
	s.driver = &driver{scenario: s.sc, population: p}
	var all []engine.Settings
	for i, f := range s.c.flows {
		s.driver.outlets = append(s.driver.outlets, &outlet{id: f.Flow.ID, key: f.part.Dataflow.Key, site: s.sites[i], triggers: f.part.Dataflow.Triggers})
		all = append(all, settings(f.Flow, true, true))
	}
	var states []engine.State
	for i := range s.sc.Profiles {
		for name := range s.sc.Profiles[i].Names.All() {
			states = append(states, engine.State{Profile: p.initial(name), Version: 1})
		}
	}
	r := flow.New(s.c.runtime(all)...)
	if err := r.Restore(s.sc.Start.Add(-mappedBefore), nil); err != nil {
		return err
	}
	return kept.Commit(states, r.Notes())
}

// arguments are those of serve. The endpoints have their names of every recording, and
// are reached elsewhere.
func (s *served) arguments() ([]string, error) {
	at := func(name string) string { return filepath.Join(s.dir, name) }
	content, err := scenarios.EncodeService(s.configured())
	if err != nil {
		return nil, err
	}
	var authorities [][]byte
	for _, site := range s.sites {
		authorities = append(authorities, site.certificates.auth.Certificate[1])
	}
	files := map[string][]byte{"serve.yaml": content, "ca.pem": pemOf("CERTIFICATE", authorities...)}
	argv := []string{"serve", "--config", at("serve.yaml"), "--data", at("data"), "--record", at("serve.jsonl"), "--no-auth",
		"--memory", "128MiB", "--shards", "1", "--ca", at("ca.pem")}
	for _, site := range s.sites {
		data, tokens := site.addresses()
		argv = append(argv, "--connect-to", data+"="+site.listener.Addr().String(), "--connect-to", tokens+"="+site.tokenListener.Addr().String())
	}
	first := s.sites[0].certificates
	if own := first.current(s.sc.Start); first.has && own != nil {
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
	return s.sc.WithDestinations(func(part *scenarios.Scenario) scenarios.Destination {
		d := part.Destination
		d.Endpoint, d.Auth.TokenURL = endpointOf(part), authentication(part).TokenURL
		return d
	})
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
	r := newRecorder(s.sc)
	r.add(s.c.run(Setting{Clock: Wall}))
	s.mu.Lock()
	seen := append(journalled(s.saw, r, newOrdinals(sender)), s.own...)
	s.mu.Unlock()
	r.lines = append(r.lines, merged(sender, seen)...)
	if s.c.errors() && played == nil {
		r.add(recording.Line{End: &recording.End{At: s.sc.Start}})
		return r.lines, nil
	}
	over := s.sc.Start.Add(length)
	if over.Before(end.At) {
		over = end.At
	}
	r.end(over, (&testbed{sites: s.sites}).fired(), end.Unfinished, played)
	return r.lines, nil
}
