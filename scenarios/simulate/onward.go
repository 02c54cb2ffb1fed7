package simulate

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Onward is a receiver of somebody else's to which cases are played on the wall clock.
// The mock endpoint stands before it and sends each request on: there the faults of the
// case act, and what the receiver was sent and answered is recorded.
type Onward struct {
	Receiver *forward.Receiver
	URL      *url.URL // of the receiver, with the path and the query of its endpoint
	// LongestGap is what a longer time between two moments of a history is played as.
	LongestGap time.Duration
	Run        uint64           // marks the identities of this run
	ReadBack   *StateOfReceiver // nil: what the receiver holds is not read back
	Allowance  Allowance
}

// playOnward plays a case to the receiver, as far as the allowance goes.
func (o Options) playOnward(
	ctx context.Context, sc *scenarios.Scenario, l length,
) (*scenarios.Scenario, []recording.Line, error) {
	sc, err := o.Onward.scenario(sc)
	if err != nil {
		return sc, nil, err
	}
	if err := o.Onward.Allowance.take(l.reach.most, l.lasts); err != nil {
		return sc, nil, err
	}
	lines, err := o.simulate(ctx, sc, Wall)
	o.Onward.Allowance.giveBack(l.reach.most, lines)
	return sc, lines, err
}

// scenario is a case as it is played to the receiver: now, without long waits, and
// judged by the rules alone, since the times and payloads of its `expect` lines are
// those of another day. The error is why it cannot be played.
func (o *Onward) scenario(sc *scenarios.Scenario) (*scenarios.Scenario, error) {
	switch {
	case sc.Flows != nil:
		return sc, cannot("it has several destinations or dataflows, and the receiver is one endpoint")
	case sc.Refuses():
		return sc, cannot("it expects that its configuration is refused: nothing would be sent")
	case sc.Destination.Auth.FetchesTokens():
		return sc, cannot("its access tokens are those of the mock, which the receiver does not know")
	}
	if slices.ContainsFunc(sc.Audiences, func(a scenarios.Audience) bool { return a.Upload != nil }) {
		return sc, cannot("its audiences are uploaded, and the identities of a file cannot be marked as those of a test")
	}
	if sc.Endpoint.Bearer != sc.Destination.Auth.Token {
		return sc, cannot("its endpoint refuses the token of the destination, which is for the receiver to decide")
	}
	p := *sc.Starting(time.Now().UTC().Truncate(time.Second)).Paced(o.LongestGap).Marked(o.Run)
	scheme := "https"
	if p.Endpoint.TLS == string(mockendpoint.Plain) {
		scheme = "http"
	}
	at := url.URL{Scheme: scheme, Host: receiverHost, Path: o.URL.Path, RawPath: o.URL.RawPath, RawQuery: o.URL.RawQuery}
	p.Destination.Endpoint = at.String()
	p.Expect, p.OthersAllowed = nil, true
	return &p, nil
}

// Forwards has an endpoint send on what it is sent: the receiver checks credentials and
// content, and those of the scenario stay out of the journal.
func Forwards(o *mockendpoint.Options, to *forward.Receiver, sc *scenarios.Scenario) {
	o.Receiver, o.Bearer, o.Tokens, o.Require = to, "", nil, mockendpoint.Requirements{}
	o.Hidden = sc.Whole().Credentials()
}
