package probe

import (
	"fmt"
	"slices"
	"strings"
)

// shapes are all messages whose form is tried, the plain one first.
func shapes(p *people, c Config) []Message {
	return shapesWith(p, c, func(string) bool { return true })
}

// shapesWith are all messages, with the bodies of those that are wanted: the bodies of
// all of them are several megabytes.
func shapesWith(p *people, c Config, wanted func(id string) bool) []Message {
	s := newShaper(p, c)
	s.wanted = wanted
	who, plain := s.plain()
	s.add("rcv-2xx", "plain", "a profile with one audience and two identities", who, plain)
	s.unknown()
	s.optional()
	s.times()
	s.exits()
	s.ids()
	s.profiles()
	s.identities()
	s.texts()
	s.lists(min(10, max(2, c.Destination.MaxProfilesPerRequest)))
	return s.out
}

// optional are entries with and without what two switches of the destination
// add.
func (s *shaper) optional() {
	for _, o := range []struct {
		id, title         string
		names, timestamps bool
	}{
		{"names", "names of audiences and no timestamps", true, false},
		{"timestamps", "the four timestamps and no names", false, true},
		{"both", "names and timestamps", true, true},
	} {
		who, d := s.plain()
		entries(d)[s.audience(0)] = detail(in("realized", qualified), o.names, o.timestamps)
		s.add("rcv-optional-fields", "optional/"+o.id, o.title, who, d)
	}
	who, d := s.plain()
	entries(d)[s.audience(0)] = detail(in("realized", qualified), true, true)
	entries(d)[s.audience(1)] = in("realized", qualified)
	s.add("rcv-optional-fields", "optional/mixed", "one audience with names and timestamps next to one without", who, d, s.foreign(1)...)
	who, d = s.plain()
	entries(d)[s.audience(0)] = in("realized", qualified)
	s.add("rcv-optional-fields", "optional/neither", "entries without names and timestamps", who, d)
}

// times are the forms of lastQualificationTime in the published samples.
func (s *shaper) times() {
	for _, f := range []struct{ id, form string }{
		{"z", "2022-01-11T21:24:39Z"},
		{"offset", "2019-04-15T02:41:50+0000"},
		{"offset-colon", "2018-04-26T15:52:25+00:00"},
		{"milliseconds", "2019-04-15T02:41:50.000+0000"},
		{"microseconds", "2021-06-17T12:25:12.872039Z"},
	} {
		who, d := s.plain()
		entries(d)[s.audience(0)] = s.in("realized", f.form)
		s.add("rcv-ts-formats", "times/"+f.id, "lastQualificationTime as "+f.form, who, d)
	}
}

func (s *shaper) exits() {
	who, d := s.plain()
	entries(d)[s.audience(0)] = s.in("exited", qualified)
	s.add("rcv-exited", "exited/alone", "a profile that left its only audience", who, d)
	who, d = s.plain()
	entries(d)[s.audience(1)] = s.in("exited", qualified)
	s.add("rcv-exited", "exited/mixed", "one audience left, one still realized", who, d, s.foreign(1)...)
	who, d = s.plain()
	entries(d)[s.audience(0)] = s.in("existing", qualified)
	s.add("rcv-exited", "exited/existing", "the status existing, which older versions sent", who, d)
}

func (s *shaper) unknown() {
	who, d := s.plain()
	entries(d)["0e5a3a2c-93f4-4b0e-8a54-7f7f6a1d9c01"] = in("realized", qualified)
	entries(d)["c1d2e3f4-0a1b-4c2d-9e3f-5a6b7c8d9e0f"] = in("realized", qualified)
	s.add("rcv-unmapped", "unmapped/mixed", "two unmapped audiences next to a mapped one", who, d, "rcv-optional-fields").unknown = []string{"0e5a3a2c-93f4-4b0e-8a54-7f7f6a1d9c01", "c1d2e3f4-0a1b-4c2d-9e3f-5a6b7c8d9e0f"}
	who = s.next()
	s.add("rcv-unmapped", "unmapped/only", "a profile whose only audience is not mapped", who,
		who.document(map[string]entry{"7d0c1f3e-52aa-4a51-b7e0-3f5d2b9c8a77": in("realized", qualified)}), "rcv-optional-fields").unknown = []string{"7d0c1f3e-52aa-4a51-b7e0-3f5d2b9c8a77"}
}

// ids that a pattern for UUIDs or digests refuses. The first two are in the
// sample of the page: g and k are not hexadecimal digits.
func (s *shaper) ids() {
	for _, a := range []struct{ id, audience string }{
		{"sample", "7841ba61-23c1-4bb3-a495-00d3g5fe1e93"},
		{"sample-2", "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae"},
		{"external", "vip_2026"},
		{"short", "42"},
		{"long", "audience_" + long(100)},
	} {
		who, d := s.plain()
		entries(d)[a.audience] = in("realized", qualified)
		s.add("rcv-ids", "ids/"+a.id, "an audience with the id "+cut(a.audience, 40), who, d, s.foreign(len(s.audiences))...).bare = true
	}
	for _, i := range []struct{ id, namespace, value string }{
		{"digest", "email_lc_sha256", "655332b5fa2aea4498bf7a290cff01"},
		{"letter", "crmid", "x"},
		{"text", "crmid", "ACME/Köln #7 (é)"},
		{"phone", "phone", "+4915112345678"},
	} {
		who, d := s.plain()
		d["identityMap"].(map[string]any)[i.namespace] = []any{map[string]any{"id": i.value + suffix(i.id, who)}}
		s.add("rcv-ids", "ids/identity-"+i.id, fmt.Sprintf("an identity in %s such as %s", i.namespace, i.value+suffix(i.id, who)), who, d)
	}
}

// suffix keeps free text of one person from being that of another: a receiver
// would join the two.
func suffix(id string, who person) string {
	if id == "letter" {
		return ""
	}
	return who.ECID[len(who.ECID)-4:]
}

// profileFixes are what to do about refusals of profiles, by their ids; that of the
// rule for the others.
var profileFixes = map[string]string{
	"nested":             "accept maps within maps as values, of any depth",
	"lists":              "accept lists as values, of texts and of maps",
	"unicode":            "read and store text as UTF-8, whatever characters it has",
	"numbers":            "read numbers as JSON has them: large ones, negative ones, and ones with a fraction",
	"no-attributes":      "require no attribute: a profile has those that it has",
	"partial-attributes": "require no attribute: a profile has those that it has",
	"identity-alone":     "require one identity, of whatever namespace",
	"key-order":          "do not rely on the order of members",
}

func (s *shaper) profiles() {
	shape := func(id, title string, change func(document), needs ...string) {
		who, d := s.plain()
		change(d)
		s.add("rcv-schema", "profile/"+id, title, who, d, needs...).fix = profileFixes[id]
	}
	shape("unknown-attribute", "an attribute of the company's own schema", func(d document) {
		d["_acme"] = map[string]any{"loyalty": map[string]any{"tier": "gold", "points": 1200}}
	})
	shape("nested", "maps within maps", func(d document) {
		d["preferences"] = map[string]any{"channels": map[string]any{"email": map[string]any{"opt": map[string]any{"in": true, "since": "2025-12-01"}}}}
	})
	shape("lists", "lists of texts and of objects", func(d document) {
		d["phones"] = []any{map[string]any{"number": "1", "primary": true}, map[string]any{"number": "2"}}
		d["interests"] = []any{"cars", "films"}
	})
	shape("unicode", "text that is not ASCII", func(d document) {
		d["person"] = map[string]any{"name": map[string]any{"firstName": "Zoë 山田 🚗", "lastName": "O’Çelik \"quoted\" \\ \n \u200fשלום"}}
	})
	shape("numbers", "numbers, large and small, and booleans", func(d document) {
		d["commerce"] = map[string]any{"orders": 9007199254740991, "value": 0.1, "debt": -12.5, "vip": false}
	})
	shape("attributes-50", "fifty attributes", func(d document) {
		many := map[string]any{}
		for i := range 50 {
			many[fmt.Sprintf("field%02d", i)] = strings.Repeat("value ", 20)
		}
		d["_acme"] = many
	})
	shape("no-attributes", "a profile without attributes", func(d document) {
		delete(d, "person")
		delete(d, "personalEmail")
	})
	shape("partial-attributes", "one attribute of several", func(d document) { delete(d, "person") })
	shape("no-audiences", "an empty segmentMembership", func(d document) { d["segmentMembership"] = map[string]any{} })
	s.out[len(s.out)-1].advice = true // only a dataflow that exports profiles of no audience sends it (A38, A42)
	shape("namespaces", "audiences of three namespaces", func(d document) {
		m := d["segmentMembership"].(map[string]any)
		m["CustomerAudienceUpload"] = map[string]any{"vip_2026": map[string]any(in("realized", qualified))}
		m["AAM"] = map[string]any{"12345": map[string]any(in("realized", qualified))}
	}, "rcv-ids", "rcv-unmapped")
	s.out[len(s.out)-1].bare = true
	shape("namespaces-one-id", "one id in two namespaces, a member in one of them", func(d document) {
		d["segmentMembership"].(map[string]any)["CustomerAudienceUpload"] = map[string]any{s.audience(0): map[string]any(in("exited", qualified))}
	}, "rcv-exited", "rcv-unmapped")
	s.out[len(s.out)-1].bare = true
	shape("audiences-250", "250 audiences, the most that a dataflow should map", func(d document) {
		for i := range 250 {
			entries(d)[audienceID(1000+i)] = longNamed(i)
		}
	}, "rcv-unmapped", "rcv-optional-fields")
	who, d := s.plain()
	m := s.add("rcv-schema", "profile/key-order", "keys in the order of the published sample", who, d)
	m.fix = profileFixes["key-order"]
	m.Body = documented(m.Body, d)
}

// documented puts the keys into the order of the page's sample: attributes,
// segmentMembership, identityMap. The engine sorts them, as captures do (A26).
func documented(sorted []byte, d document) []byte {
	var b strings.Builder
	b.WriteString("{")
	for i, key := range []string{"person", "personalEmail", "segmentMembership", "identityMap"} {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "%q:%s", key, encode(d[key]))
	}
	b.WriteString("}")
	// The frame of a list stays as it is.
	return []byte(strings.Replace(string(sorted), string(encode(d)), b.String(), 1))
}

func (s *shaper) identities() {
	who, d := s.plain()
	m := d["identityMap"].(map[string]any)
	m["ecid"] = append([]any{map[string]any{"id": who.ECID}}, repeated(20, who.ECID[:28]+"77%08d")...)
	m["phone"] = repeated(20, "+49151"+who.ECID[30:]+"%02d")
	m["gaid"] = repeated(20, "38400000-8cf0-11bd-b23e-"+who.ECID[30:]+"%04d")
	s.add("rcv-schema", "profile/identities-60", "sixty identities in four namespaces", who, d)
	who, d = s.plain()
	d["identityMap"] = map[string]any{"ecid": []any{map[string]any{"id": who.ECID}}}
	s.add("rcv-schema", "profile/identity-alone", "one identity", who, d).fix = profileFixes["identity-alone"]
}

// lists are messages with several profiles, for who said that batches are on
// (R101).
func (s *shaper) lists(most int) {
	for _, n := range slices.Compact([]int{1, 2, most}) {
		s.batch(fmt.Sprintf("batch/%d", n), "a message with "+exactly(n, "profile"), n, s.wrapped, nil)
	}
	s.batch("batch/large", fmt.Sprintf("%d profiles with 250 audiences each", most), most, s.wrapped, func(d document) {
		for i := range 250 {
			entries(d)[audienceID(2000+i)] = longNamed(i)
		}
	}, "rcv-unmapped", "rcv-optional-fields")
	other := map[bool]string{true: "profiles in a list, where the destination wraps them", false: "profiles in a wrapper, where the destination sends a list"}
	s.batch("batch/other-form", other[s.wrapped], 2, !s.wrapped, nil)
	s.out[len(s.out)-1].advice = true
}

// longNamed is an entry with all there may be, and a name as long as some are:
// with 250 of them a profile is beyond 100 kB, ten beyond a megabyte, which are
// the limits that common servers come with.
func longNamed(n int) entry {
	e := detail(in("realized", qualified), true, true)
	e["name"] = fmt.Sprintf("Audience %d: %s", n, strings.Repeat("customers who did something lately, ", 6))
	return e
}

func (s *shaper) batch(id, title string, n int, wrapped bool, change func(document), needs ...string) {
	m := Message{ID: id, Title: title, Rule: "rcv-batch", batch: true, needs: needs}
	var all []document
	for range n {
		who, d := s.plain()
		if change != nil && s.wanted(id) {
			change(d)
		}
		all, m.people = append(all, d), append(m.people, who)
	}
	if s.wanted(id) {
		m.Body = s.list(all, wrapped)
	}
	s.out = append(s.out, m)
}

// cut shortens a text.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
