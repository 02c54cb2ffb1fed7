package upload

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/profile"
)

func TestTerm(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	term := NewTerm(at.In(time.FixedZone("of the machine", 20700)), Spec{})
	if got, want := term.Available(), at.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("available at %s; want %s", got, want)
	}
	if got, want := NewTerm(at, Spec{Delay: time.Minute, TTL: day}), (Term{at.Add(time.Minute), day, at.Add(day)}); got != want {
		t.Errorf("a term of a day is %v; want %v", got, want)
	}
	for _, c := range []struct {
		name    string
		days    time.Duration
		expires time.Duration // after the upload, in days
		err     string
	}{
		{"at once", 0, 30, "too early: it can be refreshed from 2026-02-07T09:00:00Z on"},
		{"an instant early", 23*day - 1, 30, "too early: it can be refreshed from 2026-02-07T09:00:00Z on"},
		{"on the first day", 23 * day, 53, ""},
		{"at the last instant", 30*day - 1, 60, ""},
		{"at the expiry", 30 * day, 30, "too late: it expired at 2026-02-14T09:00:00Z"},
	} {
		got, err := term.Refresh(at.Add(c.days))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != c.err {
			t.Errorf("%s: %q; want %q", c.name, text, c.err)
		}
		if days := got.Expires().Sub(at); days.Round(day) != c.expires*day {
			t.Errorf("%s: expires after %s; want %d days", c.name, days, c.expires)
		}
	}
}

func TestUpdates(t *testing.T) {
	ref := profile.AudienceRef{Namespace: Namespace, ID: "vip"}
	m := Member{Identity: profile.Identity{Namespace: "email", ID: "a@example.com"}, Payload: []Attribute{{"person", "nobody"}}}
	qualify := profile.Change{Op: profile.Qualify, Audience: ref}
	for _, c := range []struct {
		got  profile.Update
		want []profile.Change
	}{
		{Enter("doc", ref, m, false), []profile.Change{qualify}},
		{Enter("doc", ref, m, true), []profile.Change{{Op: profile.AddIdentity, Identity: m.Identity}, qualify}},
		{Leave("doc", ref), []profile.Change{{Op: profile.Exit, Audience: ref}}},
	} {
		if diff := cmp.Diff(profile.Update{Profile: "doc", Changes: c.want}, c.got); diff != "" {
			t.Errorf("update (-want +got):\n%s", diff)
		}
	}
}
