package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/oracle"
)

// ledger has an entry for every profile body that somebody else's sender sent:
// each is an attempt at an export, a duplicate, or unexplained.
type ledger struct {
	entries []*posting
	bodies  int // profile bodies of the capture, counted apart from the entries
}

// posting is one profile body with its role.
type posting struct {
	exchange *exchange
	place    int                       // in its request, from 0
	name     string                    // of its profile; "" when nobody knows
	mayBe    func(profile string) bool // of which it may be; nil for no profile of the history
	among    []string                  // that its identities were of, where these are several
	role     oracle.Role
	before   *posting // the attempt before, or the body that a duplicate repeats
	next     *posting // the attempt after
	first    *posting
	copies   int // duplicates that repeat it
}

// posted makes an entry for every body. Those of unknown profiles are unexplained;
// the others are returned, those as well that the oracle is to tell the profile of.
func (s *Sender) posted() (*ledger, []*posting) {
	l := &ledger{}
	var known []*posting
	for _, x := range s.exchanges {
		l.bodies += len(x.message.profiles)
		for i := range x.names {
			p := &posting{exchange: x, place: i, name: x.names[i], mayBe: x.mayBe[i], among: x.among[i], role: oracle.Role{Kind: oracle.Unexplained, Before: -1, First: -1}}
			x.postings = append(x.postings, p)
			l.entries = append(l.entries, p)
			if p.name != "" || len(p.among) > 0 {
				known = append(known, p)
			}
		}
	}
	return l, known
}

// assign gives the known bodies their roles.
func assign(known []*posting, roles []oracle.Role) {
	for i, p := range known {
		p.role, p.name = roles[i], roles[i].Profile
		if b := roles[i].Before; b >= 0 && b < len(known) {
			p.before = known[b]
			if p.role.Kind == oracle.Duplicate {
				p.before.copies++
			} else {
				p.before.next = p
			}
		}
		if f := roles[i].First; f >= 0 && f < len(known) {
			p.first = known[f]
		}
	}
}

// unbalanced says what is wrong with the ledger itself; "" is nothing. Every
// body has one entry and one role, the attempts at an export count up from 1
// without a gap, and a duplicate repeats a body of its own profile.
func (l *ledger) unbalanced() string {
	if len(l.entries) != l.bodies {
		return fmt.Sprintf("%d profile bodies have %d entries", l.bodies, len(l.entries))
	}
	roles := map[oracle.RoleKind]int{}
	type attempt struct {
		profile         string
		export, attempt int
	}
	seen := map[attempt]bool{}
	for _, p := range l.entries {
		roles[p.role.Kind]++
		key := attempt{p.name, p.role.Export, p.role.Attempt}
		switch {
		case p.role.Kind == oracle.Duplicate && (p.before == nil || p.before.name != p.name):
			return p.where() + " repeats nothing"
		case p.role.Kind == oracle.Duplicate || p.name == "":
		case seen[key]:
			return fmt.Sprintf("%s is a second attempt %d of export %d", p.where(), key.attempt, key.export)
		case key.attempt > 1 && !seen[attempt{p.name, key.export, key.attempt - 1}], key.attempt < 1:
			return fmt.Sprintf("%s is attempt %d of export %d without the one before", p.where(), key.attempt, key.export)
		default:
			seen[key] = true
		}
	}
	if sum := roles[oracle.Attempt] + roles[oracle.Duplicate] + roles[oracle.Unexplained]; sum != l.bodies {
		return fmt.Sprintf("%d profile bodies have %d roles", l.bodies, sum)
	}
	return ""
}

// where names a body.
func (p *posting) where() string {
	return fmt.Sprintf("body %d of line %d", p.place+1, p.exchange.Line)
}

// chain is all attempts at the export of a body, in their order.
func (p *posting) chain() []*posting {
	first := p
	if p.first != nil {
		first = p.first
	}
	var out []*posting
	for ; first != nil; first = first.next {
		out = append(out, first)
	}
	return out
}

// fate is what became of an export.
func (s *Sender) fate(chain []*posting) outcome {
	failed := true
	for _, p := range chain {
		switch s.outcome(p.exchange) {
		case outcomeDelivered:
			return outcomeDelivered
		case outcomeUnclear:
			failed = false
		}
	}
	if failed {
		return outcomeFailed
	}
	return outcomeUnclear
}

// whose names the profiles of some bodies, the first few.
func whose(all []*posting) string {
	const few = 3
	var names []string
	for _, p := range all {
		if !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}

// difference is the first leaf in which two bodies differ.
func difference(a, b *body) string {
	was, is := map[string]string{}, map[string]string{}
	for at, into := range map[*body]map[string]string{a: was, b: is} {
		for _, leaf := range leaves(at.object, "") {
			value, _ := lookup(at.object, leaf)
			into[leaf] = text(value)
		}
	}
	for _, leaf := range slices.Sorted(keysOf(was, is)) {
		if was[leaf] != is[leaf] {
			return fmt.Sprintf("%s is %s instead of %s", leaf, orAbsent(is[leaf]), orAbsent(was[leaf]))
		}
	}
	return "its text, with the same content"
}

func keysOf(all ...map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, m := range all {
			for key := range m {
				if !yield(key) {
					return
				}
			}
		}
	}
}

func orAbsent(value string) string {
	const most = 80
	switch {
	case value == "":
		return "absent"
	case len(value) > most:
		return strings.ToValidUTF8(value[:most], "") + "…"
	}
	return value
}
