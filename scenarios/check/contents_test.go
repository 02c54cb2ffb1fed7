package check

import (
	"github.com/httpdest/httpdest/scenarios"
)

func without(flags ...string) func(*scenarios.Scenario) {
	return func(s *scenarios.Scenario) {
		for _, flag := range flags {
			switch flag {
			case "names":
				s.Destination.IncludeSegmentNames = false
			case "timestamps":
				s.Destination.IncludeSegmentTimestamps = false
			case "unmapped":
				s.Destination.IncludeMappedAudiencesOnly = true
			}
		}
	}
}

// entry changes one entry of a message's segmentMembership.
func entry(message, id string, change func(map[string]any)) func(*editedRecording) {
	return func(p *editedRecording) {
		p.content(message, func(o map[string]any) { change(dig(o, "segmentMembership", "ups", id)) })
	}
}

func set(key string, value any) func(map[string]any) {
	return func(o map[string]any) { o[key] = value }
}

func cut(key string) func(map[string]any) {
	return func(o map[string]any) { delete(o, key) }
}

// identity changes the identityMap of marty's second message.
func identity(change func(map[string]any)) func(*editedRecording) {
	return func(p *editedRecording) {
		p.content("marty#2", func(o map[string]any) { change(dig(o, "identityMap")) })
	}
}

func swapped(a, b string) func(map[string]any) {
	return func(o map[string]any) { o[a], o[b] = o[b], o[a] }
}

func renamed(from, to string) func(map[string]any) {
	return func(o map[string]any) {
		o[to] = o[from]
		delete(o, from)
	}
}

var contentsBroken = []broken{
	{"only-mapped-attributes", "another attribute", nil, func(p *editedRecording) {
		p.content("griff#1", func(o map[string]any) { o["homeAddress"] = map[string]any{"city": "Hill Valley"} })
	}},
	{"only-mapped-attributes", "a neighbour", nil, func(p *editedRecording) {
		p.content("griff#1", func(o map[string]any) { dig(o, "person")["nameSuffix"] = "Jr" })
	}},
	{"all-identities", "one namespace missing", nil, identity(cut("phone"))},
	{"all-identities", "a foreign one", nil, identity(set("gaid", []any{map[string]any{"id": "g"}}))},
	{"all-identities", "another id", nil, identity(set("Loyalty", []any{map[string]any{"id": "M2"}}))},
	{"all-identities", "more than an id", nil, identity(set("Loyalty", []any{map[string]any{"id": "M1", "primary": true}}))},
	{"all-identities", "a hash missing", nil, identity(cut("email_lc_sha256"))},
	{"lowercase-identity-ns", "capitals", nil, identity(renamed("ecid", "ECID"))},
	{"hash", "not hashed", nil, identity(set("email_lc_sha256", []any{map[string]any{"id": "marty@example.com"}}))},
	{"hash", "too short", nil, identity(set("email_lc_sha256", []any{map[string]any{"id": hash[:34]}}))},
	{"hash", "of something else", nil, identity(set("email_lc_sha256", []any{map[string]any{"id": hash[1:] + hash[:1]}}))},
	{"changed-audience-present", "missing", nil, func(p *editedRecording) {
		p.content("marty#1", func(o map[string]any) { delete(dig(o, "segmentMembership", "ups"), "id-delorean") })
	}},
	{"changed-audience-present", "old status", nil, entry("marty#3", "id-delorean", set("status", "realized"))},
	{"mapped-only-toggle", "an unmapped one", without("unmapped"), func(p *editedRecording) {
		p.content("marty#1", func(o map[string]any) {
			dig(o, "segmentMembership", "ups")["id-scifi"] = map[string]any{"lastQualificationTime": "2026-01-15T09:30:00Z", "status": "realized"}
		})
	}},
	{"membership-shape", "no time", nil, entry("marty#2", "id-scifi", cut("lastQualificationTime"))},
	{"membership-shape", "no status", nil, entry("marty#2", "id-scifi", cut("status"))},
	{"membership-shape", "time as a number", nil, entry("marty#2", "id-scifi", set("lastQualificationTime", 1736933400000))},
	{"membership-shape", "another key", nil, entry("marty#2", "id-scifi", set("payload", "x"))},
	{"membership-shape", "not an object", nil, func(p *editedRecording) {
		p.content("marty#2", func(o map[string]any) { dig(o, "segmentMembership", "ups")["id-scifi"] = "realized" })
	}},
	{"status-values", "existing", nil, entry("marty#2", "id-scifi", set("status", "existing"))},
	{"status-values", "exiting", nil, entry("marty#2", "id-scifi", set("status", "exiting"))},
	{"names-off", "a name", without("names"), entry("marty#2", "id-delorean", set("name", "All of delorean"))},
	{"names-mapped", "no name", nil, entry("marty#2", "id-delorean", cut("name"))},
	{"names-mapped", "another name", nil, entry("marty#2", "id-delorean", set("name", "delorean"))},
	{"name-static", "the new name", nil, entry("marty#3", "id-delorean", set("name", "Time travellers"))},
	{"names-unmapped", "a name", nil, entry("marty#2", "id-scifi", set("name", "All of scifi"))},
	{"ts-off", "a timestamp", without("timestamps"), entry("marty#2", "id-delorean", set("createdAt", 1736933400000))},
	{"ts-on", "one missing", nil, entry("marty#2", "id-delorean", cut("mappingUpdatedAt"))},
	{"ts-on", "in seconds", nil, entry("marty#2", "id-delorean", set("mappingUpdatedAt", 1736933400))},
	{"ts-on", "a text", nil, entry("marty#2", "id-delorean", set("mappingUpdatedAt", "1736933400000"))},
	{"ts-on", "a fraction", nil, entry("marty#2", "id-delorean", set("mappingUpdatedAt", 1736933400000.5))},
	{"ts-on", "another date of the audience", nil, entry("marty#2", "id-delorean", set("createdAt", began.UnixMilli()-48*3600_000-1))},
	{"ts-unmapped", "a timestamp", nil, entry("marty#2", "id-scifi", set("createdAt", 1736933400000))},
	{"ts-order", "mapping updated before it was created", nil, entry("marty#2", "id-delorean", swapped("mappingCreatedAt", "mappingUpdatedAt"))},
	{"lqt-format", "offset", nil, entry("marty#2", "id-scifi", set("lastQualificationTime", "2026-01-15T10:30:00+01:00"))},
	{"lqt-format", "fraction", nil, entry("marty#2", "id-scifi", set("lastQualificationTime", "2026-01-15T09:30:00.000Z"))},
	{"lqt-format", "no such day", nil, entry("marty#2", "id-scifi", set("lastQualificationTime", "2026-02-30T09:30:00Z"))},
	{"namespace-key", "under ups", nil, func(p *editedRecording) {
		p.content("griff#1", func(o map[string]any) {
			segments := dig(o, "segmentMembership")
			dig(segments, "ups")["id-fans"] = dig(segments, "CustomerAudienceUpload")["id-fans"]
			delete(segments, "CustomerAudienceUpload")
		})
	}},
	{"namespace-key", "unknown audience", nil, func(p *editedRecording) {
		p.content("marty#2", func(o map[string]any) { renamed("id-scifi", "id-unknown")(dig(o, "segmentMembership", "ups")) })
	}},
}
