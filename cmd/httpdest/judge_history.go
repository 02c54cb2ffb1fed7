package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// liveLine is one line of the history that httpdest judge --live tells a sender.
// Exactly one key is set.
type liveLine struct {
	Start   *liveStart        `json:"start,omitempty"`
	Profile *liveProfile      `json:"profile,omitempty"`
	Update  *recording.Update `json:"update,omitempty"`
	Action  *recording.Action `json:"action,omitempty"`
	End     *liveEnd          `json:"end,omitempty"`
}

// liveStart is where to send, and what there is at the beginning.
type liveStart struct {
	At          time.Time      `json:"at"`
	URL         string         `json:"url"`
	TokenURL    string         `json:"tokenURL,omitempty"`
	CA          string         `json:"ca,omitempty"` // files: what trusts the endpoint, and a client certificate
	Certificate string         `json:"certificate,omitempty"`
	Key         string         `json:"key,omitempty"`
	Audiences   []liveAudience `json:"audiences"`
	Mapped      []string       `json:"mapped"`     // ids of audiences
	Attributes  []string       `json:"attributes"` // that are mapped
}

// liveAudience is an audience of the organisation.
type liveAudience struct {
	ID          string    `json:"id"`
	Namespace   string    `json:"namespace"`
	Name        string    `json:"name"`
	MergePolicy string    `json:"mergePolicy"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

// liveProfile is a profile at the beginning.
type liveProfile struct {
	Profile     string           `json:"profile"`
	Identities  []liveIdentity   `json:"identities"`
	Attributes  map[string]any   `json:"attributes,omitempty"`
	Memberships []liveMembership `json:"memberships,omitempty"`
}

type liveIdentity struct {
	Namespace string `json:"namespace"`
	ID        string `json:"id"`
}

type liveMembership struct {
	Audience              string     `json:"audience"` // id
	LastQualificationTime time.Time  `json:"lastQualificationTime"`
	Exited                *time.Time `json:"exited,omitempty"`
}

// liveEnd is the end of the history.
type liveEnd struct {
	At time.Time `json:"at"`
}

// mostProfiles bounds what a sender is told at the beginning.
const mostProfiles = 100_000

// historyOf is what a scenario tells: its profiles at the beginning, and then what
// happens, as the engine's own recording has it.
func historyOf(ctx context.Context, sc *scenarios.Scenario) (out []liveLine, err error) {
	for _, g := range sc.Profiles {
		for name := range g.Names.All() {
			if len(out) == mostProfiles {
				return nil, failure{exitUsage, fmt.Errorf("%s has more than %d profiles", sc.ID, mostProfiles), "give a smaller scenario"}
			}
			out = append(out, liveLine{Profile: profileAt(sc, name)})
		}
	}
	lines, err := simulate.PlayOn(ctx, sc, simulate.Setting{Store: memory.New()})
	if err != nil {
		return nil, failure{exitUnjudged, err, ""}
	}
	for _, l := range lines {
		if l.Update != nil || l.Action != nil {
			out = append(out, liveLine{Update: l.Update, Action: l.Action})
		}
	}
	return out, nil
}

// profileAt is a profile at the beginning of a scenario.
func profileAt(sc *scenarios.Scenario, name string) *liveProfile {
	start, _ := sc.Initial(name)
	p := &liveProfile{Profile: name, Attributes: start.Attributes, Identities: []liveIdentity{}}
	for _, i := range start.Identities {
		p.Identities = append(p.Identities, liveIdentity(i))
	}
	for _, m := range start.Memberships {
		in := liveMembership{Audience: idOf(sc, m.Audience), LastQualificationTime: sc.Start.Add(-m.Qualified)}
		if m.Exited {
			at := sc.Start.Add(-m.ExitedAgo)
			in.Exited = &at
		}
		p.Memberships = append(p.Memberships, in)
	}
	return p
}

// idOf is the id of an audience that has a key.
func idOf(sc *scenarios.Scenario, key string) string {
	i := slices.IndexFunc(sc.Audiences, func(a scenarios.Audience) bool { return a.Key == key })
	return sc.Audiences[i].ID // the reader of files knows every key
}

// start is the first line.
func (r *liveRun) start(listeners []socket) liveLine {
	s := &liveStart{At: r.began, Audiences: []liveAudience{}, Mapped: []string{}, Attributes: r.scenario.Dataflow.Attributes}
	for _, l := range listeners {
		switch {
		case l.role == "token":
			s.TokenURL = address(l) + "/token"
		case s.URL == "":
			s.URL = address(l) + "/profiles"
		}
	}
	for _, a := range r.scenario.Audiences {
		s.Audiences = append(s.Audiences, liveAudience{a.ID, a.Namespace, a.Name, a.MergePolicy, a.CreatedAt, a.UpdatedAt})
	}
	for _, key := range r.scenario.Dataflow.Audiences {
		s.Mapped = append(s.Mapped, idOf(r.scenario, key))
	}
	if r.dir != "" {
		s.CA, s.Certificate, s.Key = filepath.Join(r.dir, "ca.pem"), filepath.Join(r.dir, "client.pem"), filepath.Join(r.dir, "client-key.pem")
	}
	return liveLine{Start: s}
}

// tell tells the history to the command, or on stdout, and waits until the sender is
// done.
func (r *liveRun) tell(ctx context.Context, a *app, start liveLine, stdout io.Writer) error {
	if r.flags.command == "" {
		if err := r.lines(ctx, start, stdout); err != nil {
			return err
		}
		return r.rest(ctx, nil)
	}
	s := start.Start
	command := exec.CommandContext(ctx, "sh", "-c", r.flags.command)
	command.Stdout, command.Stderr, command.WaitDelay = a.stderr, a.stderr, time.Second
	command.Env = append(os.Environ(), "HTTPDEST_URL="+s.URL, "HTTPDEST_TOKEN_URL="+s.TokenURL, "HTTPDEST_CA="+s.CA,
		"HTTPDEST_CERT="+s.Certificate, "HTTPDEST_KEY="+s.Key)
	stdin, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return failure{exitUsage, fmt.Errorf("--command: %w", err), "give what starts your sender, for sh"}
	}
	left := make(chan error, 1)
	listening, gone := context.WithCancel(ctx)
	defer gone()
	go func() { // ends with the command
		left <- command.Wait()
		gone()
	}()
	told := r.lines(listening, start, stdin)
	_ = stdin.Close() // the sender sees the end
	if ctx.Err() != nil {
		<-left
		return told
	}
	if told != nil { // it left: what it sent is judged all the same
		fmt.Fprintln(a.stderr, "httpdest: the command ended before the history was told")
	}
	return r.rest(ctx, left)
}

// lines writes each line when it is due.
func (r *liveRun) lines(ctx context.Context, start liveLine, out io.Writer) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	last := r.began
	for _, l := range append([]liveLine{start}, r.told...) {
		due := time.Time{}
		switch {
		case l.Update != nil:
			due = l.Update.At
		case l.Action != nil:
			due = l.Action.At
		}
		if due.After(last) {
			last = due
		}
		if err := waitUntil(ctx, due); err != nil {
			return failure{exitInterrupted, errors.New("interrupted before the history was told"), "nothing was judged"}
		}
		if l.Action != nil && l.Action.Action == "revoke" {
			r.plan.options.Tokens.Revoke() // the endpoint does it, and the sender finds out
			continue
		}
		if err := enc.Encode(l); err != nil {
			return failure{exitUnjudged, fmt.Errorf("the history cannot be told: %w", err), "keep the sender reading until the line with end"}
		}
	}
	if err := waitUntil(ctx, r.began.Add(r.scenario.Until)); err != nil {
		return failure{exitInterrupted, errors.New("interrupted before the history was told"), "nothing was judged"}
	}
	if err := enc.Encode(liveLine{End: &liveEnd{last}}); err != nil {
		return failure{exitUnjudged, fmt.Errorf("the history cannot be told: %w", err), "keep the sender reading until the line with end"}
	}
	return nil
}

// rest waits until the command has ended, or nothing has arrived for the idle time.
// left is nil without a command.
func (r *liveRun) rest(ctx context.Context, left <-chan error) error {
	r.arrived.at.atLeast(time.Now())
	for {
		idle := time.NewTimer(time.Until(r.arrived.at.get().Add(r.flags.idle)))
		select {
		case err := <-left:
			idle.Stop()
			if err != nil {
				return failure{exitUnjudged, fmt.Errorf("--command: %w", err), "a sender that ends with an error has not sent all it meant to"}
			}
			return nil
		case <-ctx.Done():
			idle.Stop()
			return failure{exitInterrupted, errors.New("interrupted before the sender was done"), "nothing was judged"}
		case <-idle.C:
			if time.Since(r.arrived.at.get()) >= r.flags.idle {
				return nil
			}
		}
	}
}

// waitUntil waits for a moment.
func waitUntil(ctx context.Context, at time.Time) error {
	left := time.Until(at)
	if left <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// atomicTime is a time that several goroutines set.
type atomicTime struct{ at atomic.Int64 }

func (t *atomicTime) set(at time.Time) { t.at.Store(at.UnixNano()) }

func (t *atomicTime) get() time.Time { return time.Unix(0, t.at.Load()) }

// atLeast sets it unless it is later.
func (t *atomicTime) atLeast(at time.Time) {
	if t.get().Before(at) {
		t.set(at)
	}
}
