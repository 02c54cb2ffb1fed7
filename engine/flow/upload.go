package flow

import (
	"time"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// uploaded is an audience that was uploaded, and its term.
type uploaded struct {
	ref    profile.AudienceRef
	term   upload.Term
	expiry AlarmID
}

// Upload begins the term of an audience whose file was checked: its members
// come and go by Effects.Import and Effects.Expire.
func (r *Runtime) Upload(at time.Time, ref profile.AudienceRef, s upload.Spec) Effects {
	u := &uploaded{ref: ref, term: upload.NewTerm(at, s)}
	r.uploads[ref] = u
	var e Effects
	r.set(Available, u.term.Available(), ringing{upload: u}, &e)
	u.expiry = r.set(Expiry, u.term.Expires(), ringing{upload: u}, &e)
	return e
}

func (u *uploaded) available() Effects { return Effects{Import: []profile.AudienceRef{u.ref}} }

func (u *uploaded) expired() Effects {
	u.expiry = 0
	return Effects{Expire: []profile.AudienceRef{u.ref}}
}

// refresh starts the term of an upload anew. One that cannot be refreshed now
// is a problem, and stays as it is.
func (r *Runtime) refresh(now time.Time, ref profile.AudienceRef) Effects {
	u := r.uploads[ref]
	if u == nil {
		return refused(ref, "the audience "+ref.ID+" was not uploaded", "refresh an uploaded audience")
	}
	term, err := u.term.Refresh(now)
	if err != nil {
		return refused(ref, err.Error(), "refresh it within the last 7 days before it expires")
	}
	var e Effects
	r.clear(u.expiry, &e)
	u.term = term
	u.expiry = r.set(Expiry, term.Expires(), ringing{upload: u}, &e)
	return e
}

func refused(ref profile.AudienceRef, message, hint string) Effects {
	p := dataflow.Problem{Path: ref.ID, Message: message, Hint: hint, Level: dataflow.Error}
	return Effects{Refused: true, Problems: []dataflow.Problem{p}}
}
