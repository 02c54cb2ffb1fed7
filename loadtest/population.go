package loadtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios/generate"
)

// Mix is how many of a hundred updates change what: an attribute, the
// membership in a mapped audience (in and out by turns), or an identity.
type Mix struct{ Attribute, Audience, Identity float64 }

// DefaultMix is a mix of updates that nobody asked for otherwise.
func DefaultMix() Mix { return Mix{Attribute: 80, Audience: 18, Identity: 2} }

// ParseMix reads 'attribute=80 audience=18 identity=2'; what is left out is 0.
func ParseMix(text string) (Mix, error) {
	var m Mix
	fields := map[string]*float64{"attribute": &m.Attribute, "audience": &m.Audience, "identity": &m.Identity}
	w := words(text)
	for i, x := range w.all {
		name, value, ok := strings.Cut(x.text, "=")
		n, isNumber := number(value)
		if !ok || fields[name] == nil || !isNumber {
			return m, w.error(i, fmt.Sprintf("%q is not a share of a mix", x.text), "write attribute=80 audience=18 identity=2")
		}
		*fields[name] = n
	}
	if m.Attribute+m.Audience+m.Identity <= 0 {
		return m, w.error(0, "the mix is empty", "write attribute=80 audience=18 identity=2")
	}
	return m, nil
}

// Population is generated profiles and what changes about them: a function of
// a seed, so that a million of them need no memory.
type Population struct {
	Flow     *dataflow.Snapshot
	Profiles int
	Sizes    map[profile.AudienceRef]float64 // share of the profiles in each mapped audience
	Mix      Mix
	Seed     uint64
	Shard    Shard // of the updates, and of the profiles: no other has them

	audiences []profile.AudienceRef // mapped, sorted
	paths     []profile.Path        // leaves that are mapped, sorted
	identity  string                // an ECID that each profile has as well; "": only those that are generated
	values    []map[string]any      // attributes of profiles that are in no audience: what is written
}

// mostValues is how many values of each attribute are written by turns: a prime,
// so that they meet every path.
const mostValues = 997

// NewPopulation looks up what the dataflow maps.
func NewPopulation(p Population) *Population {
	if of := p.Shard.Of; of > 1 {
		p.Profiles = (p.Profiles + of - 1) / of * of // so that a profile has all its updates from one machine
	}
	for n := range min(mostValues, p.Profiles) {
		p.values = append(p.values, generate.Person(p.Seed, "value-"+strconv.Itoa(n)).Attributes)
	}
	return p.For(p.Flow)
}

// For is the population with changes of what one of the dataflows maps, the first
// of which is its own.
func (p Population) For(flows ...*dataflow.Snapshot) *Population {
	p.Flow, p.audiences, p.paths = flows[0], nil, nil
	sample := generate.Person(p.Seed, name(0)).Attributes
	for _, f := range flows {
		p.audiences = slices.AppendSeq(p.audiences, maps.Keys(f.Mapped))
		for _, mapped := range f.Flow.Attributes {
			if leaves := leavesAt(sample, mapped); len(leaves) > 0 {
				p.paths = append(p.paths, leaves...)
			} else {
				p.paths = append(p.paths, mapped) // nothing of the kind is generated: it is written as text
			}
		}
	}
	slices.SortFunc(p.audiences, func(a, b profile.AudienceRef) int {
		return strings.Compare(a.Namespace+" "+a.ID, b.Namespace+" "+b.ID)
	})
	slices.Sort(p.paths)
	if len(flows) > 1 {
		p.audiences, p.paths = slices.Compact(p.audiences), slices.Compact(p.paths)
	}
	return &p
}

// leavesAt are the paths of the values at or below one.
func leavesAt(attributes map[string]any, at profile.Path) []profile.Path {
	value, ok := profile.Lookup(attributes, at)
	if !ok {
		return nil
	}
	below, nested := value.(map[string]any)
	if !nested {
		return []profile.Path{at}
	}
	var out []profile.Path
	for _, key := range slices.Sorted(maps.Keys(below)) {
		out = append(out, leavesAt(attributes, at+profile.Path("."+key))...)
	}
	return out
}

// name is that of profile n.
func name(n uint64) string { return "load-" + strconv.FormatUint(n, 10) }

// Initial is a profile as it was before its first update.
func (p *Population) Initial(id profile.ID) profile.Profile {
	made := generate.Person(p.Seed, string(id))
	out := profile.Profile{ID: id, Attributes: made.Attributes, Identities: map[string][]string{}, Memberships: map[string]map[string]profile.Membership{}}
	for _, i := range made.Identities {
		out.Identities[i.Namespace] = append(out.Identities[i.Namespace], i.ID)
	}
	if p.identity != "" {
		out.Identities["ecid"] = []string{p.identity}
	}
	for _, a := range p.audiences {
		if !p.member(string(id), a) {
			continue
		}
		if out.Memberships[a.Namespace] == nil {
			out.Memberships[a.Namespace] = map[string]profile.Membership{}
		}
		out.Memberships[a.Namespace][a.ID] = profile.Membership{Status: profile.Realized, LastQualified: base.AddDate(0, -1, 0)}
	}
	return out
}

func (p *Population) member(id string, a profile.AudienceRef) bool {
	share, given := p.Sizes[a]
	return !given || generate.Share(p.Seed, id, a.Namespace+" "+a.ID) < share
}

// Update is number n of those that come to the shard. Profiles take turns; which thing
// changes is drawn, and is the same every time.
func (p *Population) Update(n uint64) profile.Update {
	if of := p.Shard.Of; of > 1 {
		n = n*uint64(of) + uint64(p.Shard.Number)
	}
	id := name(n % uint64(p.Profiles))
	round := n / uint64(p.Profiles)
	u := profile.Update{Profile: profile.ID(id)}
	all := p.Mix.Attribute + p.Mix.Audience + p.Mix.Identity
	draw := generate.Share(p.Seed, id, "update "+strconv.FormatUint(round, 10)) * all
	switch {
	case draw < p.Mix.Attribute && len(p.paths) > 0:
		u.Changes = []profile.Change{p.write(n)}
	case draw < p.Mix.Attribute+p.Mix.Identity:
		u.Changes = []profile.Change{{Op: profile.AddIdentity, Identity: profile.Identity{Namespace: "crm", ID: fmt.Sprintf("C-%s-%d", id, round)}}}
	default:
		a := p.audiences[n%uint64(len(p.audiences))]
		// Out and in by turns: in the even rounds what it was at first is turned round.
		op := profile.Exit
		if p.member(id, a) == (round%2 == 1) {
			op = profile.Qualify
		}
		u.Changes = []profile.Change{{Op: op, Audience: a}}
	}
	return u
}

// write changes one mapped attribute, to a value of its type.
func (p *Population) write(n uint64) profile.Change {
	path := p.paths[n%uint64(len(p.paths))]
	value, ok := profile.Lookup(p.values[n%uint64(len(p.values))], path)
	if !ok {
		value = "value " + strconv.FormatUint(n, 10)
	}
	return profile.Change{Op: profile.Set, Path: path, Value: value}
}

// mostTries bounds how many updates are tried for each message.
const mostTries = 50

// Messages builds n messages as the engine does, from the first updates that
// lead to exports. There are fewer where few updates do.
func (p *Population) Messages(n int, b engine.Batching) []*engine.Message { return p.messages(0, n, b) }

// messages begins with the update of a number.
func (p *Population) messages(from uint64, n int, b engine.Batching) []*engine.Message {
	var out []*engine.Message
	d := engine.NewDispatcher(engine.Settings{MaxInFlight: 1 << 30, Certificate: engine.NeverPresent, Batching: b})
	now := time.Now().UTC().Truncate(time.Millisecond)
	var waiting []*engine.Export
	for i := from; len(out) < n && i < from+uint64(n*max(1, b.Max)*mostTries); i++ {
		u := p.Update(i)
		_, exports := engine.DecideAll(nil, now, engine.State{Profile: p.Initial(u.Profile)}, u, p.Flow)
		for _, x := range exports {
			if x.Excluded != "" {
				continue
			}
			x.ID = fmt.Sprintf("%s.%d", x.ID, i) // one profile may be in several
			x.Profile = profile.ID(x.ID)
			waiting = append(waiting, x)
		}
		if len(waiting) >= max(1, b.Max) {
			for _, op := range d.Enqueue(now, waiting...).Send {
				out = append(out, op.Message)
			}
			waiting = nil
		}
	}
	return out
}
