package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// membership is one audience of a profile, by its namespace.
type membership struct{ namespace, audience string }

// kept is what must be known of a profile after a message about it was accepted.
type kept struct {
	ecid    string
	members map[membership]bool // whether the profile is a member; audiences that need not be kept are left out
}

// keptOf reads from the body of a message what must be known of each profile in
// it: the probe's own statement of what the entries mean, which a receiver that
// is read back is held to.
func (p *Prober) keptOf(m Message) []kept {
	var out []kept
	for _, profile := range profilesIn(m.Body) {
		k := kept{members: map[membership]bool{}}
		for _, one := range profile.IdentityMap["ecid"] {
			if strings.HasPrefix(one.ID, Mark) && k.ecid == "" {
				k.ecid = one.ID
			}
		}
		for namespace, audiences := range profile.SegmentMembership {
			for audience, e := range audiences {
				if p.known(namespace, audience) && !slices.Contains(m.unknown, audience) {
					k.members[membership{namespace, audience}] = e.Status == "realized" || e.Status == "existing"
				}
			}
		}
		if k.ecid != "" {
			out = append(out, k)
		}
	}
	return out
}

// sent is the part of a profile that the probe reads again from its own bodies.
type sent struct {
	SegmentMembership map[string]map[string]struct{ Status string }
	IdentityMap       map[string][]struct{ ID string }
}

// profilesIn are the profiles of a message in any of its three forms.
func profilesIn(body []byte) []sent {
	var all []sent
	if json.Unmarshal(body, &all) == nil {
		return all
	}
	var wrapped struct{ Profiles []sent }
	if json.Unmarshal(body, &wrapped) == nil && wrapped.Profiles != nil {
		return wrapped.Profiles
	}
	var one sent
	if json.Unmarshal(body, &one) != nil {
		return nil
	}
	return []sent{one}
}

// known reports whether a receiver must keep an audience: one that it was said to
// know or, where none were named, any.
func (p *Prober) known(namespace, audience string) bool {
	if len(p.config.Audiences) == 0 {
		return true
	}
	return namespace == "ups" && slices.Contains(p.config.Audiences, audience)
}

// lacks says in what a state falls short of what must be known; "" in nothing.
func (k kept) lacks(state any) string {
	var missing []string
	for m, in := range k.members {
		status, _ := lookup(state, "segmentMembership", m.namespace, m.audience, "status").(string)
		if is := status == "realized" || status == "existing"; is == in {
			continue
		}
		missing = append(missing, fmt.Sprintf("segmentMembership.%s.%s is %s", m.namespace, cut(m.audience, 60), cmp.Or(status, "missing")))
	}
	if len(missing) == 0 {
		return ""
	}
	slices.Sort(missing)
	if len(missing) == 1 {
		return missing[0]
	}
	return fmt.Sprintf("%s, and %d more are not as sent", missing[0], len(missing)-1)
}

// wants says what must be known.
func (k kept) wants() string {
	in := 0
	for _, is := range k.members {
		if is {
			in++
		}
	}
	return fmt.Sprintf("%s, and no membership of those that it left", exactly(in, "membership"))
}

// verify reads back what an accepted message must have left.
func (t *caseRun) verify(ctx context.Context, rule, title string, m Message) bool {
	if unread(t.Prober) != "" {
		return true
	}
	for i, k := range t.keptOf(m) {
		if len(k.members) == 0 {
			continue
		}
		state, err := t.until(ctx, k.ecid, func(state any) bool { return k.lacks(state) == "" })
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return false
		case !errors.Is(err, errNotThere):
			t.unclear(rule, err.Error(), readBackFix)
			return false
		}
		what := title + ": accepted, and not stored as sent"
		if len(m.people) > 1 {
			what += fmt.Sprintf(" (profile %d of %d)", i+1, len(m.people))
		}
		t.lost(rule, what, k.wants(), k.lacks(state)+", "+ms(t.patient())+" after the answer", "")
		return false
	}
	return true
}

// lost is a failure of what was accepted, and is not stored as it was sent. fix
// is "" for that of the class.
func (t *caseRun) lost(rule, title, expected, actual, fix string) {
	k := failed(rule, title, expected, actual)
	if k.Class, k.Fix = string(lost), fix; fix == "" {
		k.Fix = lost.fix()
	}
	t.check(k, &t.last)
}

// readBackFix is what to do about a read-back that fails.
const readBackFix = "check readBack in the configuration: its URL, its header, its command"

// leastPatience is the shortest wait for a state of a receiver that was seen to
// store faster.
const leastPatience = time.Second

// patient is how long a state is waited for: as long as is configured and, when
// ten were there much sooner, not longer than makes sense.
func (t *caseRun) patient() time.Duration {
	within := t.config.State.Within
	if t.stores.n < 10 {
		return within
	}
	return min(within, max(leastPatience, 20*t.stores.worst))
}

// lags is how long after the answer states were there.
type lags struct {
	n     int
	worst time.Duration
}

func (l *lags) add(d time.Duration) {
	l.n++
	l.worst = max(l.worst, d)
}
