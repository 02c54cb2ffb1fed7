package profile

import (
	"maps"
	"slices"
)

// identityChange is what an identity change came to.
type identityChange struct {
	identities map[string][]string
	ok         bool // it changed something
}

// withIdentity applies an identity change to an identityMap. A namespace whose
// last identity goes is removed with it: no empty lists (R39). With copies the
// map is that of before until finish puts the lists into it.
func (c *copies) withIdentity(all map[string][]string, change Change) identityChange {
	from := change.Identity.Canonical()
	to := Identity{from.Namespace, change.To}.Canonical().ID
	if c != nil {
		return identityChange{all, c.list(all, from.Namespace).apply(change.Op, from.ID, to)}
	}
	ids := slices.Clone(all[from.Namespace])
	at := slices.Index(ids, from.ID)
	switch {
	case change.Op == AddIdentity && at < 0:
		ids = append(ids, from.ID)
	case change.Op == RemoveIdentity && at >= 0:
		ids = slices.Delete(ids, at, at+1)
	case change.Op == ReplaceIdentity && at >= 0 && !slices.Contains(ids, to):
		ids[at] = to
	default:
		return identityChange{all, false}
	}
	return identityChange{withList(maps.Clone(all), from.Namespace, ids), true}
}

// withList puts a list into an identityMap of the caller's own.
func withList(all map[string][]string, namespace string, ids []string) map[string][]string {
	if all == nil {
		all = map[string][]string{}
	}
	if len(ids) == 0 {
		delete(all, namespace)
	} else {
		all[namespace] = ids
	}
	return all
}

// identityList is the ids of one namespace while an update changes many of them.
type identityList struct {
	ids     []string       // a copy, in order; one that went stays until the end
	at      map[string]int // where an id that is there stands
	changed bool
}

// list returns that of a namespace, which is copied at its first change.
func (c *copies) list(all map[string][]string, namespace string) *identityList {
	if l := c.identities[namespace]; l != nil {
		return l
	}
	if c.identities == nil {
		c.identities = map[string]*identityList{}
	}
	l := &identityList{ids: slices.Clone(all[namespace]), at: make(map[string]int, len(all[namespace]))}
	for i, id := range l.ids {
		if _, twice := l.at[id]; !twice {
			l.at[id] = i
		}
	}
	c.identities[namespace] = l
	return l
}

// apply reports whether the change changed something.
func (l *identityList) apply(op Op, from, to string) bool {
	at, there := l.at[from]
	_, taken := l.at[to]
	switch {
	case op == AddIdentity && !there:
		l.at[from] = len(l.ids)
		l.ids = append(l.ids, from)
	case op == RemoveIdentity && there:
		delete(l.at, from)
	case op == ReplaceIdentity && there && !taken:
		delete(l.at, from)
		l.ids[at], l.at[to] = to, at
	default:
		return false
	}
	l.changed = true
	return true
}

// left are the ids that are still there, in order.
func (l *identityList) left() []string {
	left := l.ids[:0]
	for i, id := range l.ids {
		if at, there := l.at[id]; there && at == i {
			left = append(left, id)
		}
	}
	return left
}

// finish returns the identityMap with the lists that changed.
func (c *copies) finish(all map[string][]string) map[string][]string {
	if c == nil {
		return all
	}
	own := false
	for namespace, l := range c.identities {
		if !l.changed {
			continue
		}
		if !own {
			all, own = maps.Clone(all), true
		}
		all = withList(all, namespace, l.left())
	}
	return all
}
