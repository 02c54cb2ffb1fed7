package profile

import (
	"maps"
	"strings"
)

// fewChanges is how many changes an update may have for which copying the maps and lists
// on the way for every change is cheaper than remembering what was copied.
const fewChanges = 8

// copies remembers which maps and lists of a profile one update has copied, so
// that each is copied once however many changes the update has: the cost of an
// update is linear in its size and that of the profile. A nil *copies remembers
// nothing and copies for every change.
type copies struct {
	attributes  *copiedMap
	memberships map[string]bool // namespaces whose entries are a copy; nil until the map itself is one
	identities  map[string]*identityList
}

// newCopies returns nil for an update of a few changes.
func newCopies(u Update) *copies {
	if len(u.Changes) <= fewChanges {
		return nil
	}
	return &copies{attributes: &copiedMap{}}
}

// copiedMap is a map of the attributes that is a copy, with those below it that
// are copies too. A nil *copiedMap remembers nothing.
type copiedMap struct{ below map[string]*copiedMap }

// child returns the map below a name of attributes, which are the caller's own,
// as one that is the caller's own too. A scalar in the way is replaced: the
// update says the path is an object now.
func (c *copiedMap) child(attributes map[string]any, name string) (map[string]any, *copiedMap) {
	below, _ := attributes[name].(map[string]any)
	if c == nil {
		below = copied(below)
		attributes[name] = below
		return below, nil
	}
	known := c.below[name]
	if known == nil {
		if c.below == nil {
			c.below = map[string]*copiedMap{}
		}
		known = &copiedMap{}
		c.below[name] = known
		below = copied(below)
		attributes[name] = below
	}
	return below, known
}

// forget is for a name whose value is replaced: the new one belongs to the
// update, and must be copied before it is changed.
func (c *copiedMap) forget(name string) {
	if c != nil {
		delete(c.below, name)
	}
}

// write puts the value at path into attributes, which are the caller's own.
func (c *copiedMap) write(attributes map[string]any, path Path, value any) {
	head, rest, nested := strings.Cut(string(path), ".")
	for nested {
		attributes, c = c.child(attributes, head)
		head, rest, nested = strings.Cut(rest, ".")
	}
	c.forget(head)
	attributes[head] = value
}

// remove takes away the value at path, which is there, from attributes, which
// are the caller's own.
func (c *copiedMap) remove(attributes map[string]any, path Path) {
	head, rest, nested := strings.Cut(string(path), ".")
	for nested {
		attributes, c = c.child(attributes, head)
		head, rest, nested = strings.Cut(rest, ".")
	}
	c.forget(head)
	delete(attributes, head)
}

// attributesOf are the copies of attributes; nil remembers nothing.
func (c *copies) attributesOf() *copiedMap {
	if c == nil {
		return nil
	}
	return c.attributes
}

// withMembership returns the memberships with one entry replaced. The argument
// stays as it was, unless it is a copy already.
func (c *copies) withMembership(all map[string]map[string]Membership, a AudienceRef, m Membership) map[string]map[string]Membership {
	if c == nil || c.memberships == nil {
		all = maps.Clone(all)
		if all == nil {
			all = map[string]map[string]Membership{}
		}
	}
	if c != nil && c.memberships == nil {
		c.memberships = map[string]bool{}
	}
	entries := all[a.Namespace]
	if c == nil || !c.memberships[a.Namespace] {
		entries = maps.Clone(entries)
		if entries == nil {
			entries = map[string]Membership{}
		}
		all[a.Namespace] = entries
	}
	if c != nil {
		c.memberships[a.Namespace] = true
	}
	entries[a.ID] = m
	return all
}
