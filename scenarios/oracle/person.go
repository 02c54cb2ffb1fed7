package oracle

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// person is what the whole history says about one profile.
type person struct {
	name        string
	moments     []moment               // its updates
	memberships map[string]timeline    // audience id -> when it was realized
	said        map[string][]statement // audience id -> what its updates say
	identities  map[string]timeline    // namespace:id in the form of an export
	document    document
	vanished    []time.Time // when it was forgotten, or became part of another
	view        *view       // nil: as a whole
}

// newPerson gathers every fact about a profile.
func (o *Oracle) newPerson(name string) *person {
	p := &person{name: name, moments: o.updates[name], memberships: map[string]timeline{}, identities: map[string]timeline{}}
	start, _ := o.scenario.Initial(name)
	for _, m := range start.Memberships {
		p.memberships[o.keys[m.Audience].ID] = timeline{o.standing(m)}
	}
	for _, i := range start.Identities {
		p.identities[exportForm(i.Namespace+":"+i.ID)] = timeline{{to: endless}}
	}
	p.document.begin(start.Attributes)
	memberships := map[string][]statement{}
	for _, m := range p.moments {
		for i, c := range m.event.Update.Changes {
			tick := m.first + i
			switch c.Op {
			case "qualify", "exit":
				memberships[c.Audience] = append(memberships[c.Audience], statement{tick: tick, at: m.event.At(), holds: c.Op == "qualify"})
			case "set":
				p.document.set(c.Path, parse(c.Value), tick)
			case "remove":
				p.document.remove(c.Path, tick)
			case gain:
				p.document.gain(c.Path, parse(c.Value), tick)
			case "merged", "forget":
				p.vanish(tick, m, memberships)
			default:
				p.identify(c, tick, m)
			}
		}
	}
	for id, said := range memberships {
		p.memberships[id] = p.memberships[id].follow(said)
	}
	p.said = memberships
	return p
}

// standing is a membership from before the history.
func (o *Oracle) standing(m scenarios.Membership) span {
	s := span{to: endless, since: o.scenario.Start.Add(-m.Qualified)}
	if m.Exited {
		s.from, s.to, s.until = -1, 0, o.scenario.Start.Add(-m.ExitedAgo)
	}
	return s
}

// identify takes in what a change says about identities. Only one that was
// there is replaced, and only by one that was not.
func (p *person) identify(c recording.Change, tick int, m moment) {
	from := exportForm(c.Identity)
	say := func(identity string, holds bool) {
		p.identities[identity] = p.identities[identity].follow([]statement{{tick: tick, at: m.event.At(), holds: holds}})
	}
	switch c.Op {
	case "add-identity":
		say(from, true)
	case "remove-identity":
		say(from, false)
	case "replace-identity":
		namespace, _, _ := strings.Cut(c.Identity, ":")
		to := exportForm(namespace + ":" + c.To)
		if p.identities[from].holds(tick) && !p.identities[to].holds(tick) {
			say(from, false)
			say(to, true)
		}
	}
}

// identitiesAt lists the identities after a tick, sorted.
func (p *person) identitiesAt(tick int) []string {
	var out []string
	for identity, t := range p.identities {
		if t.holds(tick) {
			out = append(out, identity)
		}
	}
	slices.Sort(out)
	return out
}

// realized reports whether the profile is in an audience after a tick.
func (p *person) realized(audience string, tick int) bool { return p.memberships[audience].holds(tick) }

// standardNamespaces are those of the organisation-wide catalogue, which an
// export spells in lower case (R76, A36).
var standardNamespaces = strings.Fields("adcloud aaid idfa apns ecid email email_lc_sha256 fcm gaid phone phone_e.164 " +
	"phone_sha256 phone_sha256_e.164 tntid waid")

// exportForm is an identity as an export has it: the namespace in lower case
// where it is a standard one (R76), an e-mail address under email_lc_sha256 as
// its digest (R77).
func exportForm(identity string) string {
	namespace, id, _ := strings.Cut(identity, ":")
	if lower := strings.ToLower(namespace); slices.Contains(standardNamespaces, lower) {
		namespace = lower
	}
	if namespace == "email_lc_sha256" && strings.Contains(id, "@") {
		id = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(id)))))
	}
	return namespace + ":" + id
}
