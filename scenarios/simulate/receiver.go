package simulate

import (
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/token"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Receiver is the mock endpoint of a scenario for a foreign sender.
type Receiver struct {
	scenario *scenarios.Scenario
	faults   *fault.Plan
	tokens   *token.Issuer // nil where the sender fetches none
	names    map[profile.Identity]string
}

// NewReceiver translates the endpoint block of a scenario with one destination, or that
// of a part (scenarios.Scenario.Split), and finds every
// profile by the identities it starts with and those the history gives it.
func NewReceiver(sc *scenarios.Scenario) *Receiver {
	r := &Receiver{scenario: sc, faults: faultPlan(sc), tokens: issuer(sc), names: map[profile.Identity]string{}}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			start, _ := sc.Initial(name)
			for _, identity := range start.Identities {
				r.names[profile.Identity(identity).Canonical()] = name
			}
		}
	}
	for i := range sc.History {
		for name := range sc.History[i].Profiles.All() {
			r.learn(name, sc.History[i].Changes)
		}
	}
	for i := range sc.Audiences {
		r.learnUpload(sc.Audiences[i].Upload)
	}
	return r
}

// learnUpload takes in the profiles that rows make whose identity nobody has.
func (r *Receiver) learnUpload(u *scenarios.Upload) {
	if u == nil {
		return
	}
	rows, err := u.Members()
	if err != nil {
		return // the importing package decides
	}
	for n, row := range rows {
		identity := profile.Identity(row).Canonical()
		if _, known := r.names[identity]; !known {
			r.names[identity] = u.Created.At(int64(n))
		}
	}
}

// learn takes in the identities that changes give a profile.
func (r *Receiver) learn(name string, changes []scenarios.Change) {
	_, n, _ := r.scenario.Group(name)
	for _, c := range changes {
		var id string
		switch c.Op {
		case "add-identity":
			id, _ = scenarios.Expand(c.Identity.ID, n).(string)
		case "replace-identity":
			id, _ = scenarios.Expand(c.To, n).(string)
		default:
			continue
		}
		r.names[profile.Identity{Namespace: c.Identity.Namespace, ID: id}.Canonical()] = name
	}
}

// Options are those of the endpoint as the scenario has it: its mode, what it
// accepts and issues, its faults, and whose an identity is. Certificates and the journal
// are the caller's.
func (r *Receiver) Options() mockendpoint.Options {
	return mockendpoint.Options{
		Listener: listenerOf(r.scenario.Endpoint), Require: requirementsOf(r.scenario.Endpoint.Require), Bearer: r.scenario.Endpoint.Bearer.Reveal(), Tokens: r.tokens, Faults: r.faults,
		ProfileOf: func(namespace, id string) (string, bool) {
			name, ok := r.names[profile.Identity{Namespace: namespace, ID: id}]
			return name, ok
		},
	}
}

// Fired counts how often every fault of the scenario fired.
func (r *Receiver) Fired() []recording.Fault {
	out := recordedFaults(r.scenario.Endpoint.Faults, r.faults.Firings())
	for i := range out {
		out[i].Destination = r.scenario.Destination.Key
	}
	return out
}
