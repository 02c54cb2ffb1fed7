package oracle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/scenarios"
)

// comparison is one body and the expected one.
type comparison struct {
	o      *Oracle
	x      *Possible
	want   *content
	own    bool // the body is of our engine: times are compared, and numbers by their spelling
	report *report
	at     Finding // what every finding about this export has
}

// body compares a whole body.
func (c *comparison) body(raw string) {
	value, err := strictjson.Decode([]byte(raw))
	c.document(value, err)
}

// document compares a body that is parsed.
func (c *comparison) document(value any, err error) {
	if err != nil {
		c.note(false, "valid-json", "the body", "acceptable JSON", err.Error())
		return
	}
	object, ok := value.(map[string]any)
	if !c.note(ok, "no-envelope", "the body", "one profile as a JSON object", "something else") {
		return
	}
	c.attributes(object)
	c.identities(object["identityMap"])
	memberships, ok := object["segmentMembership"].(map[string]any)
	if c.note(ok, "valid-json/both-maps", "segmentMembership", "an object", "not there") { // A38
		c.memberships(memberships)
	}
}

// note counts a point that was looked at, and keeps a finding when it is wrong.
func (c *comparison) note(ok bool, clause, what, want, got string) bool {
	c.report.look(clause)
	if !ok {
		f := c.at
		f.Clause, f.What, f.Want, f.Got = clause, what, want, got
		c.report.add(f)
	}
	return ok
}

// attributes compares every leaf outside of the two maps (R57–R59, R78).
func (c *comparison) attributes(object map[string]any) {
	got := map[string]any{}
	for key, value := range object {
		if key != "segmentMembership" && key != "identityMap" {
			flat(got, key, value)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(c.want.attributes)) {
		want := c.want.attributes[path]
		value, there := got[path]
		if !there {
			_, asKey := object[dotted(path)]
			clause := c.unsent(path, want, got)
			if asKey {
				clause = "nested-attributes"
			}
			c.note(false, c.decided(path, clause), dotted(path), text(want), "absent")
			continue
		}
		c.note(equal(want, value, c.own), c.decided(path, c.unequal(want, value)), dotted(path), text(want), text(value))
		if strings.Contains(path, separator) {
			c.report.look("nested-attributes")
		}
	}
	for _, m := range c.o.mapped {
		held := func(path string) bool { return within(path, m) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(c.want.attributes)), held) {
			c.report.look("absent-attributes")
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, wanted := c.want.attributes[path]; wanted {
			c.report.look("only-mapped-attributes")
			continue
		}
		r := "only-mapped-attributes"
		if slices.ContainsFunc(c.o.mapped, func(m string) bool { return within(path, m) || within(m, path) && solid(got[path]) == nil }) {
			r = "absent-attributes"
		}
		value := text(got[path])
		if got[path] == nil {
			value = "null"
		}
		c.note(false, c.decided(path, r), dotted(path), "absent", value)
	}
}

// decided is the clause about an attribute: that of merges, where one decided.
func (c *comparison) decided(path, clause string) string {
	if c.want.contested(path) {
		return "merge-gains/values"
	}
	return clause
}

// unsent is the clause that an absent leaf breaks. No page promises that a list is
// exported, or an object that was mapped whole and is absent as a whole (R78).
func (c *comparison) unsent(path string, want any, got map[string]any) string {
	if _, isList := want.([]any); isList {
		return "nested-attributes/lists"
	}
	whole := !slices.Contains(c.o.mapped, path) && slices.ContainsFunc(c.o.mapped, func(m string) bool {
		below := func(g string) bool { return within(g, m) }
		return within(path, m) && !slices.ContainsFunc(slices.Collect(maps.Keys(got)), below)
	})
	if whole {
		return "nested-attributes/whole-objects"
	}
	return "all-mapped-attributes"
}

// unequal is the clause about a value: that of its empty parts where they are all
// that it has in addition (R59), that of the form of a list (R78), or the rule.
func (c *comparison) unequal(want, got any) string {
	_, wantsList := want.([]any)
	_, isList := got.([]any)
	switch {
	case equal(want, got, c.own):
	case equal(want, solid(got), c.own):
		return "absent-attributes"
	case wantsList && !isList:
		return "nested-attributes/lists"
	}
	return "all-mapped-attributes"
}

// identities compares the identityMap (R60, R76, R77).
func (c *comparison) identities(value any) {
	all, ok := value.(map[string]any)
	if !c.note(ok, "valid-json/both-maps", "identityMap", "an object", "not there") {
		return
	}
	var got []string
	for _, namespace := range slices.Sorted(maps.Keys(all)) {
		list, _ := all[namespace].([]any)
		for _, e := range list {
			fields, _ := e.(map[string]any)
			id, isText := fields["id"].(string)
			if c.note(isText, "all-identities", "identityMap."+namespace, `a list of {"id": …}`, text(e)) {
				got = append(got, namespace+":"+id)
				// Only samples show the id alone.
				c.note(len(fields) == 1, "all-identities/id-alone", "identityMap."+namespace, `{"id": …} alone`, text(e))
			}
		}
	}
	slices.Sort(got)
	wanted, got := c.withoutSynthetic(got)
	for _, identity := range wanted {
		if c.note(slices.Contains(got, identity), c.misspelt(identity, got), "identity "+identity, "there", "absent") {
			c.report.look("hash")
		}
	}
	for i, identity := range got {
		once := i == 0 || got[i-1] != identity
		c.note(once && slices.Contains(wanted, identity), c.misspelling(identity), "identity "+identity, "absent", "there")
	}
}

// misspelt is the clause that an identity breaks that is not there as it should
// be: it may be there in another spelling.
func (c *comparison) misspelt(identity string, got []string) string {
	for _, g := range got {
		if g != identity && exportForm(g) == identity {
			return spelling(g)
		}
	}
	return "all-identities"
}

func (c *comparison) misspelling(got string) string {
	if form := exportForm(got); form != got && slices.Contains(c.want.identities, form) {
		return spelling(got)
	}
	return "all-identities"
}

// spelling is the clause about the way an identity is written.
func spelling(identity string) string {
	namespace, _, _ := strings.Cut(identity, ":")
	if strings.ToLower(namespace) != namespace {
		return "lowercase-identity-ns"
	}
	return "hash"
}

// memberships compares every entry of segmentMembership (R61–R75).
func (c *comparison) memberships(all map[string]any) {
	got := map[string]map[string]any{}
	for namespace, entries := range all {
		list, _ := entries.(map[string]any)
		for id, fields := range list {
			got[namespace+"/"+id], _ = fields.(map[string]any)
		}
	}
	if c.want.several {
		c.report.look("one-body")
	}
	for _, place := range slices.Sorted(maps.Keys(c.want.entries)) {
		e := c.want.entries[place]
		fields, there := got[place]
		if !there {
			if e.must && !c.elsewhere(place, got) {
				c.note(false, e.missing, "audience "+e.audience, e.status, "absent")
			}
			continue
		}
		c.report.look(e.missing)
		c.entry(e, fields)
	}
	for _, place := range c.want.absent {
		namespace, id, _ := strings.Cut(place, "/")
		c.report.look(c.want.forbidden(namespace, id))
	}
	for _, place := range slices.Sorted(maps.Keys(got)) {
		if c.want.entries[place] != nil {
			continue
		}
		namespace, id, _ := strings.Cut(place, "/")
		name := place
		if a, known := c.o.audiences[id]; known {
			name = a.Key + " (" + place + ")"
		}
		c.note(false, c.want.forbidden(namespace, id), "audience "+name, "absent", text(got[place]["status"]))
	}
}

// elsewhere reports whether the audience of a place is under another namespace,
// which is found by itself.
func (c *comparison) elsewhere(place string, got map[string]map[string]any) bool {
	_, id, _ := strings.Cut(place, "/")
	for other := range got {
		if _, same, _ := strings.Cut(other, "/"); same == id && c.want.entries[other] == nil {
			return true
		}
	}
	return false
}

// entry compares the fields of one membership.
func (c *comparison) entry(e *entry, fields map[string]any) {
	what := "audience " + e.audience
	status, _ := fields["status"].(string)
	r := "changed-audience-present"
	if status != "realized" && status != "exited" {
		r = "status-values"
	}
	c.note(status == e.status, r, what+": status", e.status, text(fields["status"]))
	since, isText := fields["lastQualificationTime"].(string)
	if c.note(isText, "membership-shape", what+": lastQualificationTime", "a text", text(fields["lastQualificationTime"])) {
		form := c.o.reads(scenarios.ReadingTimeFormat)
		c.note(timeForms[form].MatchString(since), "lqt-format", what+": lastQualificationTime", "the form "+form, since)
		c.qualified(e, what, since)
	}
	c.name(e, fields, what)
	c.timestamps(e, fields, what)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		switch key {
		case "status", "lastQualificationTime", "name", "createdAt", "updatedAt", "mappingCreatedAt", "mappingUpdatedAt":
		case "version", "validUntil", "payload": // of the XDM object; no export shows them (A40)
			c.note(false, "membership-shape/more-members", what+": "+key, "absent", text(fields[key]))
		default:
			c.note(false, "membership-shape", what+": "+key, "absent", text(fields[key]))
		}
	}
}

// name: of mapped audiences alone, and with the toggle (R67–R69, R80).
func (c *comparison) name(e *entry, fields map[string]any, what string) {
	name, there := fields["name"]
	switch {
	case !c.o.scenario.Destination.IncludeSegmentNames:
		c.note(!there, "names-off", what+": name", "absent", text(name))
	case !e.mapped:
		c.note(!there, "names-unmapped", what+": name", "absent", text(name))
	default:
		ok, clause := equal(e.name, name, c.own), e.names
		if !ok && !equal(e.otherName, name, c.own) {
			clause = "names-mapped" // neither the one nor the other
		}
		c.note(ok, clause, what+": name", text(e.name), text(name))
	}
}

// timestamps: of mapped audiences alone, and with the toggle, in whole
// milliseconds (R70–R73, A28, A29).
func (c *comparison) timestamps(e *entry, fields map[string]any, what string) {
	a := c.o.keys[e.audience]
	want := map[string]time.Time{"createdAt": a.CreatedAt, "updatedAt": e.updated, "mappingCreatedAt": e.mappedAt, "mappingUpdatedAt": e.mappedAt}
	for _, key := range []string{"createdAt", "updatedAt", "mappingCreatedAt", "mappingUpdatedAt"} {
		value, there := fields[key]
		at := what + ": " + key
		switch {
		case !c.o.scenario.Destination.IncludeSegmentTimestamps:
			c.note(!there, "ts-off", at, "absent", text(value))
			continue
		case !e.mapped && (strings.HasPrefix(key, "mapping") || c.o.reads(scenarios.ReadingUnmappedTimestamps) == "none"):
			c.note(!there, "ts-unmapped", at, "absent", text(value))
			continue
		case !e.mapped && !there:
			c.note(false, "ts-unmapped", at, fmt.Sprint(want[key].UnixMilli()), "absent")
			continue
		case !e.mapped:
			c.report.look("ts-unmapped")
		}
		number, _ := value.(json.Number)
		ms, err := number.Int64()
		if !c.note(err == nil && ms > 100_000_000_000, "ts-on", at, "a time in whole milliseconds", text(value)) {
			continue
		}
		if exact := want[key]; c.own && !exact.IsZero() {
			// A mapping has whole seconds, as captured payloads show.
			whole := strings.HasPrefix(key, "mapping") && ms == exact.Truncate(time.Second).UnixMilli()
			c.note(whole || ms == exact.UnixMilli(), "ts-on", at, fmt.Sprint(exact.UnixMilli()), text(value))
		}
	}
	c.inOrder(fields, what)
}

// inOrder: nothing is updated before it is created (R73).
func (c *comparison) inOrder(fields map[string]any, what string) {
	for _, pair := range [][2]string{{"createdAt", "updatedAt"}, {"mappingCreatedAt", "mappingUpdatedAt"}} {
		created, isCreated := fields[pair[0]].(json.Number)
		updated, isUpdated := fields[pair[1]].(json.Number)
		if isCreated && isUpdated {
			a, errA := created.Int64()
			b, errB := updated.Int64()
			c.note(errA == nil && errB == nil && a <= b, "ts-order", what+": "+pair[1], "not before "+created.String(), updated.String())
		}
	}
}

// text is a value as a reader compares it.
func text(value any) string {
	if value == nil {
		return "absent"
	}
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(out)
}
