package check

import (
	"maps"
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The documented terms of uploads (R135, R136).
const (
	uploadAvailable = 2 * time.Hour
	refreshWindow   = 7 * 24 * time.Hour
)

// eachUpload calls look for every uploaded audience; for none where only an
// endpoint kept the record, which has no memberships.
func (v *view) eachUpload(look func(a *scenarios.Audience)) {
	if v.run == nil || v.run.Side != "" {
		return
	}
	for i := range v.scenario.Audiences {
		if a := &v.scenario.Audiences[i]; a.Upload != nil {
			look(a)
		}
	}
}

// membershipsOf calls look for every change of a membership in an audience.
func (v *view) membershipsOf(id, op string, look func(u *recording.Update)) {
	for _, u := range v.updates {
		for _, c := range u.Changes {
			if c.Op == op && c.Audience == id {
				look(u)
			}
		}
	}
}

// uploadLatency looks at who becomes a member of an uploaded audience and when:
// within two hours of the upload every profile that a row names, and nobody
// else.
func (v *view) uploadLatency(f *findings) {
	v.eachUpload(func(a *scenarios.Audience) {
		at := v.scenario.Start.Add(a.Upload.At)
		latest := at.Add(uploadAvailable + v.tolerance)
		imported := slices.ContainsFunc(v.actions, func(x *recording.Action) bool { return x.Action == "upload" && slices.Contains(x.Audiences, a.ID) })
		if !imported || v.end == nil || v.end.At.Before(latest) && !v.entered(a.ID) {
			return
		}
		rows, err := identitiesIn(a.Upload)
		f.note(err == nil, "the upload of %s cannot be read: %v", a.Key, err)
		missing := maps.Clone(rows)
		v.membershipsOf(a.ID, "qualify", func(u *recording.Update) {
			f.note(!u.At.Before(at.Add(-v.tolerance)) && !u.At.After(latest), "%s becomes a member of %s %s after the upload", u.Profile, a.Key, duration(u.At.Sub(at)))
			named := false
			for _, identity := range v.identitiesAt(u) {
				named = named || rows[identity]
				delete(missing, identity)
			}
			f.note(named, "%s becomes a member of %s, and no row names it", u.Profile, a.Key)
		})
		for _, identity := range slices.Sorted(maps.Keys(missing)) {
			f.note(false, "%s is in the file of %s, and its profile is not a member %s after the upload", identity, a.Key, duration(uploadAvailable))
		}
	})
}

// entered reports whether anybody became a member of an audience.
func (v *view) entered(id string) bool {
	seen := false
	v.membershipsOf(id, "qualify", func(*recording.Update) { seen = true })
	return seen
}

// identitiesIn reads the identities of a file, in the form of exports.
func identitiesIn(u *scenarios.Upload) (map[string]bool, error) {
	rows, err := u.Members()
	identities := map[string]bool{}
	for _, row := range rows {
		identities[exportForm(row.Namespace+":"+row.ID)] = true
	}
	return identities, err
}

// identitiesAt are those of a profile after an update.
func (v *view) identitiesAt(u *recording.Update) []string {
	graphs, parts := map[string]*graph{}, v.parts(u.Profile)
	for _, earlier := range v.updates {
		if slices.Contains(parts, earlier.Profile) {
			v.advance(graphs, earlier)
		}
		if earlier == u {
			break
		}
	}
	return v.graphOf(graphs, u.Profile).identities
}

// uploadExpiry looks at who leaves an uploaded audience and when: everybody at
// its expiry, which a refresh within the last seven days before it puts off.
func (v *view) uploadExpiry(f *findings) {
	v.eachUpload(func(a *scenarios.Audience) {
		expires := v.expiryOf(a)
		members := map[string]bool{}
		v.membershipsOf(a.ID, "qualify", func(u *recording.Update) { members[u.Profile] = true })
		v.membershipsOf(a.ID, "exit", func(u *recording.Update) {
			f.note(v.near(u.At.Sub(expires), 0), "%s leaves %s %s after the upload", u.Profile, a.Key, duration(u.At.Sub(v.scenario.Start)-a.Upload.At))
			delete(members, u.Profile)
		})
		if v.end == nil || !v.end.At.After(expires.Add(v.tolerance)) {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			f.note(false, "%s is still a member of %s %s after the upload", name, a.Key, duration(v.end.At.Sub(v.scenario.Start)-a.Upload.At))
		}
	})
}

// expiryOf is when the members of an upload go, all refreshes considered that
// the history asks for.
func (v *view) expiryOf(a *scenarios.Audience) time.Time {
	expires := v.scenario.Start.Add(a.Upload.At + a.Upload.TTL)
	for _, s := range v.scenario.History {
		at := v.scenario.Start.Add(s.At)
		if s.Action == "refresh" && slices.Contains(s.Targets, a.Key) && at.Before(expires) && !at.Before(expires.Add(-refreshWindow)) {
			expires = at.Add(a.Upload.TTL)
		}
	}
	return expires
}
