package probe

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/probe/histories"
)

// Kinds of findings. A history that fails is made smaller for as long as the kind of its
// finding stays.
const (
	refusedKind  = "refused"
	openKind     = "open"     // it is a member, and an entry of the same time as its exit arrived after it
	oldKind      = "old"      // it has attributes or identities of an older message, which arrived after the newest
	keptKind     = "kept"     // it is a member, and should not be
	missingKind  = "missing"  // it is not a member, or not there, and should be
	nameKind     = "name"     // another attribute
	identityKind = "identity" // an identity is not there
	twinKind     = "twin"     // a copy of a message changed the state
)

// finding is a history after which the receiver holds what it may not hold.
type finding struct {
	kind    string
	number  int // of the history that showed it
	history histories.History
	wanted  string
	actual  string
	answer  answer // to the last message
	alone   bool   // it fails while nothing else is under way
	apart   bool   // it fails as well with a message for each profile
}

// differs is the first place in which a state is not one that may be held; nil: it may.
func (s *stage) differs(x histories.Expected, state any, who person) *finding {
	if state == nil {
		if !x.Member() {
			return nil // it may be deleted when it has left every audience
		}
		return &finding{kind: missingKind, wanted: "the profile", actual: "no profile"}
	}
	var open *finding
	sh := s.shaper()
	for n := range s.shape.Audiences {
		in, there := x.Members[n]
		if !there {
			continue
		}
		status := statusOf(state, sh.audience(n))
		if is := status == "realized" || status == "existing"; is == in {
			continue
		}
		path := "segmentMembership.ups." + sh.audience(n)
		if in {
			return &finding{kind: missingKind, wanted: path + " is realized", actual: path + " is " + cmp.Or(status, "missing")}
		}
		f := &finding{kind: keptKind, wanted: path + " is exited, or missing", actual: path + " is " + status}
		if !x.Open[n] {
			return f
		}
		open, f.kind = f, openKind
	}
	if f := s.contents(x, state, who); f != nil {
		return f
	}
	return open
}

// contents compares attributes and identities, of which one of several documents may
// be held.
func (s *stage) contents(x histories.Expected, state any, who person) *finding {
	name := lookup(state, "person", "name", "firstName")
	named := func(d histories.Document) bool {
		return !s.attributes || d.Name == 0 && name == nil || d.Name > 0 && name == histories.Name(d.Name)
	}
	known := func(d histories.Document) bool {
		for n := range d.Known {
			if s.known && !holds(state, identityOf(who, n+1)) {
				return false
			}
		}
		return true
	}
	if mail := lookup(state, "personalEmail", "address"); mail != nil && mail != who.Mail {
		return &finding{kind: nameKind, wanted: fmt.Sprintf("personalEmail.address is %q", who.Mail), actual: "personalEmail.address is " + compact(mail)}
	}
	held := func(d histories.Document) bool { return named(d) && known(d) }
	if slices.ContainsFunc(x.Documents, held) {
		return nil
	}
	if slices.ContainsFunc(x.Old, held) {
		return &finding{kind: oldKind, wanted: "the attributes and identities of the newest message", actual: "those of an older one, which arrived after it"}
	}
	newest := x.Documents[len(x.Documents)-1]
	if slices.ContainsFunc(x.Documents, named) {
		return &finding{kind: identityKind, wanted: fmt.Sprintf("identityMap.crmid has %d of its ids", newest.Known), actual: "identityMap.crmid is " + compact(lookup(state, "identityMap", "crmid"))}
	}
	wanted := "person.name.firstName is missing"
	if newest.Name > 0 {
		wanted = fmt.Sprintf("person.name.firstName is %q", histories.Name(newest.Name))
	}
	return &finding{kind: nameKind, wanted: wanted, actual: "person.name.firstName is " + compact(name)}
}

// weight puts the shortest failures first, and what fails nothing last.
func (f *finding) weight() int {
	if f.undocumented() {
		return 1000 + len(f.history)
	}
	return len(f.history)
}

// undocumented reports whether no page says that it is wrong.
func (f *finding) undocumented() bool { return f.kind == openKind || f.kind == oldKind }

// rule is the rule that a history shows broken: that of the least it needs.
func (f *finding) rule() string {
	has := func(c ...histories.Copies) bool {
		return slices.ContainsFunc(f.history, func(s histories.Step) bool { return slices.Contains(c, s.Copies) })
	}
	switch {
	case f.kind == refusedKind, !f.alone: // whatever is in it may have no part in it
		return "rcv-2xx"
	case f.kind == twinKind:
		return "rcv-idempotent"
	case f.batched() && !f.apart && !f.history.Racy(): // not where each profile has a message
		return "rcv-batch"
	case has(histories.Late, histories.Meeting):
		return "rcv-order"
	case has(histories.Repeated, histories.AtOnce):
		return "rcv-idempotent"
	case f.kind == keptKind:
		return "rcv-exited"
	}
	return "rcv-2xx"
}

// batched reports whether a message has several profiles.
func (f *finding) batched() bool {
	return slices.ContainsFunc(f.history.Plan().Messages, func(m histories.Message) bool { return len(m.Documents) > 1 })
}

// title names a failure; same is how many histories failed in this way.
func (f *finding) title(same int) string {
	what := map[string]string{refusedKind: "is refused", keptKind: "leaves a membership that ended", openKind: "leaves a membership that ended, by an entry of the same time",
		oldKind:     "leaves the attributes of an older message, which have no time of their own",
		missingKind: "loses a membership", nameKind: "leaves an attribute that it does not lead to", identityKind: "loses an identity",
		twinKind: "leaves another state than its messages without copies"}[f.kind]
	title := fmt.Sprintf("a history of %s %s", exactly(len(f.history), "step"), what)
	if same > 1 {
		title += fmt.Sprintf(" (the smallest of %d)", same)
	}
	if !f.alone {
		title += "; it did not fail again when it was played alone"
	}
	return title
}

// expected tells the history, and what it leads to.
func (f *finding) expected() string {
	text := "after " + strings.Join(f.history.Lines(), "; ")
	if f.wanted != "" {
		text += ": " + f.wanted
	}
	return text
}

// fix is what to do about a failure.
func (f *finding) fix() string {
	switch f.rule() {
	case "rcv-order":
		return "store each entry by profile and audience with its lastQualificationTime, in one transaction with the comparison: an older one changes nothing, and at the same time exited wins"
	case "rcv-idempotent":
		return "write by profile and audience instead of appending or counting, also where two copies arrive at the same time"
	case "rcv-batch":
		return "store every profile of a message, whatever became of the others"
	case "rcv-exited":
		return "end the membership with each exit, also after the profile entered again"
	}
	return "store the whole of each message before the answer: memberships, attributes and identities"
}

// replaced is a command with a name in it.
func replaced(command, name string) string { return strings.ReplaceAll(command, "NAME", name) }
