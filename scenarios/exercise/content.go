package exercise

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// contentWords are the facts about the content of an export.
var contentWords = []string{"consent-held", "mapped-attribute-held", "unmapped-attribute-held", "mapped-attribute-lacking",
	"nested-attribute-held", "identity-held", "capital-namespace", "hashed-identity", "audience-export", "entry-sent", "mapped-entry",
	"unmapped-entry", "unmapped-membership", "same-policy-companion", "other-policy-companion", "several-policies", "former-membership", "renamed-entry",
	"removal-delivered"}

// export takes in an export with the state of its profile.
func (o *Observer) export(x *recording.Export) {
	if x.Excluded != "" {
		o.note("export-excluded", x.At, x.ID)
	}
	hour := x.At.UTC().Truncate(time.Hour)
	if n := len(o.hours); (n == 0 || !o.hours[n-1].Equal(hour)) && !slices.Contains(o.hours, hour) {
		o.hours = append(o.hours, hour)
	}
	o.others([]string{x.Profile}, x.At, x.ID)
	o.bystanders(x)
	if x.Excluded != "" {
		return
	}
	e := &export{profile: x.Profile}
	if o.wants(contentWords...) {
		o.content(e, x)
	}
	o.exports[x.ID] = e
	o.pending++
	if most := o.scenario.Destination.MaxProfilesPerRequest; most > 1 && o.pending > most {
		o.note("more-than-a-message", x.At, x.ID)
	}
}

// others notes that profiles are due while a message of another one waits for
// its retry.
func (o *Observer) others(profiles []string, at time.Time, what string) {
	if !o.wants("others-while-waiting") {
		return
	}
	for _, w := range o.waiting {
		shared := slices.ContainsFunc(profiles, func(name string) bool { return slices.Contains(w.profiles, name) })
		if !shared && !w.since.After(at) {
			o.note("others-while-waiting", at, what)
			return
		}
	}
}

// bystanders notes an export while another member did not change: of a change,
// one without an update at that instant; of a backfill, one in no audience that
// is backfilled.
func (o *Observer) bystanders(x *recording.Export) {
	if !o.wants("member-unchanged") || o.facts["member-unchanged"].Times > 0 {
		return // once is enough: it may cost a look at every profile
	}
	if slices.Equal(x.Because, []string{"backfill"}) {
		if o.world.searched {
			return
		}
		o.world.searched = true
		if o.world.anyMember(o.world.mapped, o.world.fresh) {
			o.note("member-unchanged", x.At, x.ID)
		}
		return
	}
	others := o.world.count()
	if x.At.Equal(o.world.moment) {
		others -= len(o.world.moved)
	}
	if others > 0 {
		o.note("member-unchanged", x.At, x.ID)
	}
}

// content collects the content that the export must have.
func (o *Observer) content(e *export, x *recording.Export) {
	p := o.world.look(x.Profile)
	tell := func(word string, holds bool) {
		if holds && !slices.Contains(e.tells, word) {
			e.tells = append(e.tells, word)
		}
	}
	tell("audience-export", slices.Contains(x.Because, "audience"))
	_, consents := p.attributes["consents"]
	tell("consent-held", consents)
	for _, m := range o.scenario.Dataflow.Attributes {
		value, held := at(p.attributes, m)
		_, object := value.(map[string]any)
		tell("mapped-attribute-held", held)
		tell("mapped-attribute-lacking", !held)
		tell("nested-attribute-held", held && (object || strings.Contains(m, ".")))
	}
	leaves(p.attributes, "", func(path string) {
		mapped := slices.ContainsFunc(o.scenario.Dataflow.Attributes, func(m string) bool { return within(path, m) })
		tell("unmapped-attribute-held", !mapped)
	})
	tell("identity-held", len(p.identities) > 0)
	for _, i := range p.identities {
		namespace, _, _ := strings.Cut(i, ":")
		lower := strings.ToLower(namespace)
		tell("capital-namespace", lower != namespace && slices.Contains(standard, lower))
		tell("hashed-identity", lower == "email_lc_sha256")
	}
	o.entries(e, x, p, tell)
}

// standard identity namespaces (A36).
var standard = []string{"adcloud", "aaid", "idfa", "apns", "ecid", "email", "email_lc_sha256", "fcm", "gaid", "phone", "phone_e.164",
	"phone_sha256", "phone_sha256_e.164", "tntid", "waid"}

// entries collects the memberships that the export must contain.
func (o *Observer) entries(e *export, x *recording.Export, p *person, tell func(string, bool)) {
	w := o.world
	policies := o.policies(x, p)
	tell("several-policies", o.severalPolicies(x, p))
	toggle := o.scenario.Destination.IncludeMappedAudiencesOnly
	for id, s := range p.standings {
		a := w.audiences[id]
		if x.MergePolicy != "" && a.MergePolicy != x.MergePolicy {
			tell("unmapped-membership", !w.mapped[id] && s.realized)
			tell("other-policy-companion", !w.mapped[id] && s.realized && !toggle)
			continue
		}
		now := p.changed.Equal(x.At) && p.entered[id]
		switch {
		case w.mapped[id] && (s.realized || now):
			tell("mapped-entry", true)
			tell("entry-sent", true)
			tell("renamed-entry", w.renamed[id])
			e.removal = e.removal || !s.realized
		case w.mapped[id]:
			tell("former-membership", true)
		case s.realized:
			tell("unmapped-membership", true)
			same := policies[a.MergePolicy]
			tell("same-policy-companion", same && !toggle)
			tell("unmapped-entry", same && !toggle)
			tell("entry-sent", same && !toggle)
			tell("other-policy-companion", !same && !toggle)
		}
	}
}

// severalPolicies reports whether the profile is in mapped audiences of several merge
// policies, or enters or leaves them with the export.
func (o *Observer) severalPolicies(x *recording.Export, p *person) bool {
	all := map[string]bool{}
	for id, s := range p.standings {
		if o.world.mapped[id] && (s.realized || p.changed.Equal(x.At) && p.entered[id]) {
			all[o.world.audiences[id].MergePolicy] = true
		}
	}
	return len(all) > 1
}

// policies are the merge policies whose unmapped audiences travel along: those
// of the mapped audiences that changed, or else of those the profile is in.
func (o *Observer) policies(x *recording.Export, p *person) map[string]bool {
	out := map[string]bool{}
	changed := slices.Contains(x.Because, "audience") && p.changed.Equal(x.At)
	for id, s := range p.standings {
		if o.world.mapped[id] && (changed && p.entered[id] || !changed && s.realized) {
			out[o.world.audiences[id].MergePolicy] = true
		}
	}
	return out
}
