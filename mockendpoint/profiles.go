package mockendpoint

import (
	"bytes"
	"iter"
	"slices"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// ProfilesIn names the profiles whose identities a body carries, in its order; of
// returns the profile of an identity; a nil of names no profile. A body is a
// profile object, an array of them, or {"profiles": […]} (A23). One that is not
// acceptable JSON, or no export, has no profiles; the journal shows what it is.
func ProfilesIn(body []byte, of func(namespace, id string) (name string, ok bool)) []string {
	if of == nil || !strictjson.Valid(body) {
		return nil
	}
	var names []string
	named := map[string]bool{}
	for profile := range profilesOf(body) {
		var own []string
		for namespace, id := range identitiesOf(profile) {
			if name, ok := of(namespace, id); ok && !named[name] {
				own, named[name] = append(own, name), true
			}
		}
		slices.Sort(own) // one object of several profiles names them in no order of its own
		names = append(names, own...)
	}
	return names
}

// profilesOf are the profile objects of a body.
func profilesOf(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for profile := range strictjson.Elements(body) {
			if !yield(profile) {
				return
			}
		}
		if !yield(body) { // an array has no identities of its own
			return
		}
		for profile := range strictjson.Elements(member(body, "profiles")) {
			if !yield(profile) {
				return
			}
		}
	}
}

// identitiesOf are the identities of a profile object.
func identitiesOf(profile []byte) iter.Seq2[string, string] {
	return func(yield func(namespace, id string) bool) {
		for key, ids := range strictjson.Members(member(profile, "identityMap")) {
			namespace, _ := strictjson.Text(key)
			for identity := range strictjson.Elements(ids) {
				if id, ok := strictjson.Text(member(identity, "id")); ok && !yield(namespace, id) {
					return
				}
			}
		}
	}
}

// member is the value of an object's member; nil without one.
func member(object []byte, name string) []byte {
	for key, value := range strictjson.Members(object) {
		if bytes.Equal(key[1:len(key)-1], []byte(name)) {
			return value
		}
		if text, _ := strictjson.Text(key); bytes.IndexByte(key, '\\') >= 0 && text == name {
			return value
		}
	}
	return nil
}
