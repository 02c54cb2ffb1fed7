// Package probe sends synthetic profiles to a receiver and reports for each rule
// that binds a receiver (R92 to R111) whether it holds, with the request, the
// response and the fix.
//
// A message has the exact wire form of the engine: package delivery sends
// it. The messages, the limits and the verdicts are the probe's own.
// the verdicts.
package probe

import (
	"context"
	"crypto/x509"
	_ "embed"
	"fmt"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
)

//go:embed starter.yaml
var starter []byte

// Starter is a commented configuration of a probe. The slice is the caller's
// own.
func Starter() []byte { return slices.Clone(starter) }

// Deadline is the time an answer must be complete in (R92, R81).
const Deadline = 2 * time.Second

// Config is what a Prober needs to know.
type Config struct {
	Destination dataflow.Destination // without errors
	Audiences   []string             // ids the receiver knows, in the namespace ups; none: made up
	Roots       *x509.CertPool       // of the server's certificate; nil: the system's
	CAFile      string               // where Roots are from, for commands that are shown
	Clients     *Clients             // nil: mTLS is not planned
	ClientsDir  string               // where they are from, for commands that are shown
	Expired     dataflow.Secret      // a token that is no longer good; "": none to show
	ReadBack    ReadBack             // nil: the state is not looked at
	State       scenarios.ReadBack   // how long to wait for it, and what of it to ignore
	Missing     []netip.Prefix       // published addresses that the firewall does not allow (R110)
	Firewall    string               // region that Missing is about; "": not given
	Limits      scenarios.Limits
	Load        scenarios.StatedLoad
	Histories   RandomHistories
	Rules       scenarios.Catalogue
	Only        *regexp.Regexp // ids of the cases to try; nil: all
	File        string         // that cases point at: of the configuration, or ""
	Version     string
	Patience    time.Duration // how long an answer is waited for, to say how late it is; 0: 10 s
	Cold        time.Duration // without a message, before one that may meet a cold start; 0: not tried
	Idle        time.Duration // that a connection is idle, at the least; 0: for as long as the probe takes
	Pause       time.Duration // between a refusal and what is sent to tell its cause; 0: 1 s
	Progress    func(done, cases, requests int, id string)
}

// Prober probes one receiver, once.
type Prober struct {
	config  Config
	people  *people
	redact  *redactor
	machine machine
	began   time.Time
	cases   []reports.Case
	metrics map[string]float64

	budget   budget
	senders  []*configuredSender
	idle     *configuredSender // one message went by it at the beginning, and none since
	idleAt   time.Time
	watching *watcher          // of another such connection; nil: not watched
	main     *configuredSender // that messages go by, once it is known which certificate is accepted
	token    token
	onlyNew  bool                     // only the new hierarchy is accepted
	shut     []string                 // hierarchies that are not accepted
	refused  error                    // why nothing more can be tried; nil: go on
	alter    func(*delivery.Exchange) // of each attempt: what the plain message is refused for is left out
	seen     statuses

	unsteady      bool          // it refused a message that it accepted a moment later
	throttles     bool          // it refuses because of the pace
	pacedBy       retry.Outcome // how it does
	paces         int           // how often that was tried out
	saidThrottles bool
	compared      int    // refusals that were the form's
	stores        lags   // of states that were read back
	broken        string // why nothing can be read back; "" not known to be
}

// New prepares a probe. Nothing is sent.
func New(c Config) *Prober {
	if c.Patience == 0 {
		c.Patience = 10 * time.Second
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	p := &Prober{config: c, people: newPeople(), redact: newRedactor(c), metrics: map[string]float64{}, began: time.Now()}
	p.budget.limits, p.budget.rate = c.Limits, c.Limits.Rate
	p.main = p.senderFor(c.Destination, p.config.Clients.certificate("current"))
	return p
}

// Run tries every case and makes the report. When ctx ends it stops at once, and
// the report is of what there is by then, with the error of ctx.
func (p *Prober) Run(ctx context.Context) (*reports.Report, error) {
	stop := p.machine.watch()
	defer stop()
	defer p.close()
	all := p.plan()
	for i, c := range all {
		if ctx.Err() != nil {
			// Not tried is not passed, whatever was found before.
			p.cases = append(p.cases, reports.Case{ID: c.id, Title: c.title, Rules: slices.Clone(c.rules), Verdict: reports.Inconclusive, Reason: "the probe was interrupted before this case"})
			continue
		}
		if p.config.Progress != nil {
			p.config.Progress(i, len(all), p.budget.sent(), c.id)
		}
		done := p.try(ctx, c)
		if ctx.Err() != nil && done.Verdict != reports.Fail {
			done.Verdict, done.Reason = reports.Inconclusive, "interrupted"
		}
		p.cases = append(p.cases, done)
	}
	return p.report(), ctx.Err()
}

func (p *Prober) close() {
	if p.watching != nil {
		p.watching.close()
	}
	for _, l := range p.senders {
		l.close()
	}
}

// try runs a case, or reports why it was not.
func (p *Prober) try(ctx context.Context, c probeCase) reports.Case {
	t := &caseRun{Prober: p, probeCase: c}
	began := time.Now()
	switch why := c.skip(p); {
	case why != "":
		t.skipped(why)
	case p.refused != nil && !c.always:
		t.skipped(p.refused.Error())
	default:
		c.run(ctx, t)
	}
	return t.result(time.Since(began))
}

// report puts the cases together. Rules of others are not about a receiver.
func (p *Prober) report() *reports.Report {
	r := check.Summarise("probe", p.config.Rules, p.cases)
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.Verdict != reports.Skip {
			continue
		}
		if side, _ := p.config.Rules.Find(rule.ID); side.Side != "receiver" && side.Side != "both" {
			rule.Reason = reports.NotAboutReceivers
			continue
		}
		if rule.Reason = "not reached"; len(rule.Cases) > 0 {
			rule.Reason = p.why(rule)
		}
	}
	r.Untested = p.untested()
	r.Metrics = p.metrics
	r.Metrics["wallSeconds"] = time.Since(p.began).Seconds()
	p.seen.into(r.Metrics)
	r.Metrics["requests"] = float64(p.budget.sent())
	r.Environment = reports.Environment{Version: p.config.Version, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	return r
}

// why is the reason of the last case that skipped a rule, and the verdict of a
// rule of which there is only advice.
func (p *Prober) why(rule *reports.Rule) (reason string) {
	for _, c := range p.cases {
		for _, k := range c.Checks {
			if k.Rule != rule.ID {
				continue
			}
			if k.Verdict == reports.Unspecified {
				rule.Verdict = reports.Unspecified
				return k.Title
			}
			reason = k.Title
		}
		if reason == "" && slices.Contains(c.Rules, rule.ID) {
			reason = c.Reason
		}
	}
	return reason
}

// operation is an attempt that carries a body, with a token where the
// destination fetches them.
func (p *Prober) operation(body []byte, certificate bool, access dataflow.Secret) engine.Operation {
	return engine.Operation{Kind: engine.Attempt, Message: &engine.Message{Body: body}, Certificate: certificate, Token: access}
}

// budget keeps to the limits: a slot for every request, spaced by the rate.
type budget struct {
	limits scenarios.Limits

	mu    sync.Mutex
	rate  int // requests a second at the moment; lower than the limit for a receiver that throttles
	next  time.Time
	count int
}

// slow halves the rate.
func (b *budget) slow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate = max(1, b.rate/2)
}

// errSpent ends what wants to send more than it may.
type errSpent struct{ requests int }

func (e errSpent) Error() string {
	return fmt.Sprintf("the limit of %d requests is spent: raise limits.requests", e.requests)
}

// take waits for the turn of n requests at once. The error is errSpent, or that
// of ctx.
func (b *budget) take(ctx context.Context, n int) error {
	b.mu.Lock()
	if b.count+n > b.limits.Requests {
		b.mu.Unlock()
		return errSpent{b.limits.Requests}
	}
	b.count += n
	now := time.Now()
	at := b.next
	if at.Before(now) {
		at = now
	}
	b.next = at.Add(time.Duration(n) * time.Second / time.Duration(b.rate))
	b.mu.Unlock()
	return wait(ctx, at.Sub(now))
}

// spend takes n requests off the limit, for a series that keeps its own times.
func (b *budget) spend(n int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count+n > b.limits.Requests {
		return errSpent{b.limits.Requests}
	}
	b.count += n
	return nil
}

// ready waits until a request would not have to wait: for a series that keeps
// its own times.
func (b *budget) ready(ctx context.Context) error {
	b.mu.Lock()
	left := time.Until(b.next)
	b.mu.Unlock()
	return wait(ctx, left)
}

func (b *budget) sent() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// wait waits, unless ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
