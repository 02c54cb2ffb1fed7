package differential

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
)

// mapped tells an entry of a mapped audience by the state of the dataflow at the
// export.
func (t *tamper) mapped(m *sending, id string) bool {
	mapped := map[string]bool{}
	configured := map[string]bool{}
	ids := map[string]string{}
	for _, a := range t.sc.Audiences {
		ids[a.Key] = a.ID
	}
	for _, key := range t.sc.Dataflow.Audiences {
		configured[ids[key]] = true
	}
	active := t.sc.Dataflow.Activated
	if active {
		mapped = configured
	}
	for _, s := range t.sc.History {
		if t.sc.Start.Add(s.At).After(m.exports[0].At) {
			break
		}
		switch s.Action {
		case "activate":
			if !active {
				active, mapped = true, configured
			}
		case "delete":
			active, mapped, configured = false, map[string]bool{}, map[string]bool{}
		case "map", "unmap":
			for _, key := range s.Targets {
				configured[ids[key]] = s.Action == "map"
				if active {
					mapped[ids[key]] = s.Action == "map"
				}
			}
		}
	}
	return mapped[id]
}

// entries changes the first entry of a profile that fits.
func entries(fits func(t *tamper, m *sending, id string, e object) bool, change func(e object)) func(*tamper) bool {
	return content(func(t *tamper, m *sending, o object) bool {
		e := entryOf(o, func(_, id string, e object) bool { return fits(t, m, id, e) })
		if e != nil {
			change(e)
		}
		return e != nil
	})
}

func isMapped(t *tamper, m *sending, id string, _ object) bool {
	return t.mapped(m, id) && t.settled(m)
}

func isUnmapped(t *tamper, m *sending, id string, _ object) bool {
	return !t.mapped(m, id) && t.settled(m)
}

// settled reports whether nothing happened to the dataflow at the instant of an
// export: what came first nobody knows.
func (t *tamper) settled(m *sending) bool {
	return !slices.ContainsFunc(t.actions, m.exports[0].At.Equal)
}

func named(on bool, which func(*tamper, *sending, string, object) bool) func(*tamper, *sending, string, object) bool {
	return func(t *tamper, m *sending, id string, e object) bool {
		return t.sc.Destination.IncludeSegmentNames == on && which(t, m, id, e)
	}
}

func stamped(on bool, which func(*tamper, *sending, string, object) bool) func(*tamper, *sending, string, object) bool {
	return func(t *tamper, m *sending, id string, e object) bool {
		return t.sc.Destination.IncludeSegmentTimestamps == on && which(t, m, id, e)
	}
}

// Contents: one slip in the body of an export, in all attempts at it.
var wrongContents = []wrongKind{
	{"another status", []string{"changed-audience-present"}, nil, entries(isMapped, func(e object) {
		e["status"] = map[any]string{"realized": "exited", "exited": "realized"}[e["status"]]
	})},
	{"an unknown status", []string{"status-values"}, nil, entries(isMapped, func(e object) { e["status"] = "existing" })},
	{"no time of qualification", []string{"membership-shape"}, nil, entries(isMapped, func(e object) { delete(e, "lastQualificationTime") })},
	{"a time of qualification seven years before", []string{"lqt-value"}, nil, entries(func(t *tamper, m *sending, _ string, e object) bool {
		since, _ := e["lastQualificationTime"].(string)
		return !t.merged(m) && e["status"] == "realized" && since >= t.sc.Start.Format("2006-01-02T15:04:05Z")
	}, func(e object) { e["lastQualificationTime"] = "2019" + e["lastQualificationTime"].(string)[4:] })},
	{"another form of the time", []string{"lqt-format"}, nil, entries(isMapped, func(e object) {
		e["lastQualificationTime"] = strings.Replace(e["lastQualificationTime"].(string), "Z", "+00:00", 1)
	})},
	{"a name though names are off", []string{"names-off"}, nil, entries(named(false, isMapped), func(e object) { e["name"] = "Fans" })},
	{"a mapped audience without its name", []string{"names-mapped", "name-static"}, nil, entries(named(true, isMapped), func(e object) { delete(e, "name") })},
	{"an unmapped audience with a name", []string{"names-unmapped"}, nil, entries(named(true, isUnmapped), func(e object) { e["name"] = "Fans" })},
	{"timestamps though they are off", []string{"ts-off"}, nil, entries(stamped(false, isMapped), func(e object) { e["createdAt"] = json.Number("1765875600000") })},
	{"three of the four timestamps", []string{"ts-on"}, nil, entries(stamped(true, isMapped), func(e object) { delete(e, "mappingUpdatedAt") })},
	{"a timestamp in seconds", []string{"ts-on"}, nil, entries(stamped(true, isMapped), func(e object) { e["createdAt"] = json.Number("1765875600") })},
	{"a timestamp of an unmapped audience", []string{"ts-unmapped"}, nil, entries(stamped(true, isUnmapped), func(e object) { e["createdAt"] = json.Number("1765875600000") })},
	{"a namespace in capitals", []string{"namespace-key"}, nil, content(func(_ *tamper, _ *sending, o object) bool {
		all, _ := o["segmentMembership"].(object)
		if all["ups"] == nil || all["UPS"] != nil {
			return all["UPS"] != nil
		}
		all["UPS"] = all["ups"]
		delete(all, "ups")
		return true
	})},
	{"an unmapped audience is missing", []string{"unmapped-same-policy"}, nil, content(func(t *tamper, m *sending, o object) bool {
		all, _ := o["segmentMembership"].(object)
		for _, namespace := range sortedNames(all) {
			entries := all[namespace].(object)
			for _, id := range sortedNames(entries) {
				if isUnmapped(t, m, id, nil) && m.live() {
					delete(entries, id)
					if len(entries) == 0 {
						delete(all, namespace)
					}
					return true
				}
			}
		}
		return false
	})},
	{"an identity is missing", []string{"all-identities"}, nil, content(func(_ *tamper, _ *sending, o object) bool { return dropIdentity(o) })},
	{"an identity too many", []string{"all-identities"}, nil, content(func(_ *tamper, _ *sending, o object) bool {
		all, _ := o["identityMap"].(object)
		all["crm"] = append(listOf(all["crm"]), object{"id": "one more"})
		return all["ecid"] != nil
	})},
	{"a namespace of identities in capitals", []string{"lowercase-identity-ns"}, nil, content(func(_ *tamper, _ *sending, o object) bool {
		all, _ := o["identityMap"].(object)
		if all["ecid"] == nil {
			return false
		}
		all["ECID"] = all["ecid"]
		delete(all, "ecid")
		return true
	})},
	{"an address in the clear", []string{"hash"}, nil, content(func(t *tamper, m *sending, o object) bool {
		all, _ := o["identityMap"].(object)
		list := listOf(all["email_lc_sha256"])
		if len(list) != 1 || all["ecid"] == nil {
			return false
		}
		address := "p" + strings.TrimPrefix(m.profiles[0], "p-") + "@example.com"
		was, _ := list[0].(object)
		list[0] = object{"id": address}
		return was["id"] == fmt.Sprintf("%x", sha256.Sum256([]byte(address))) || was["id"] == address
	})},
	{"an attribute that is not mapped", []string{"only-mapped-attributes"}, nil, content(func(_ *tamper, _ *sending, o object) bool {
		o["favouriteColour"] = "blue"
		return true
	})},
	{"a mapped attribute is missing", []string{"all-mapped-attributes"}, nil, content(func(t *tamper, m *sending, o object) bool {
		for _, name := range sortedNames(o) {
			if t.promised(o, name) && !t.merged(m) {
				delete(o, name)
				return true
			}
		}
		return false
	})},
	{"an old value", []string{"all-mapped-attributes"}, nil, content(func(t *tamper, m *sending, o object) bool {
		name := attribute(o)
		if _, isText := o[name].(string); isText && !t.merged(m) {
			o[name] = "the one before"
			return true
		}
		return false
	})},
	{"a null", []string{"absent-attributes", "only-mapped-attributes"}, []string{"valid-json", "absent-attributes", "only-mapped-attributes"}, content(func(_ *tamper, _ *sending, o object) bool {
		o["favouriteColour"] = nil
		return true
	})},
}

// promised reports whether a page asks for an attribute: it is a single value,
// or one below it is mapped by its own path. Of objects that are mapped whole,
// and of lists, no page promises anything (R78).
func (t *tamper) promised(o object, name string) bool {
	if name == "identityMap" || name == "segmentMembership" {
		return false
	}
	return slices.ContainsFunc(t.sc.Dataflow.Attributes, func(path string) bool {
		keys := strings.Split(path, ".")
		var value any = o
		for _, key := range keys {
			inner, _ := value.(object)
			value = inner[key]
		}
		switch value.(type) {
		case nil, object, []any:
			return false
		}
		return keys[0] == name
	})
}

func listOf(value any) []any {
	list, _ := value.([]any)
	return list
}

// withAHeader gives the destination of a history a custom header, which its
// captures are then held against.
func withAHeader(sc *scenarios.Scenario) *scenarios.Scenario {
	sc.Destination.Headers = "X-Tenant:acme"
	return sc
}
