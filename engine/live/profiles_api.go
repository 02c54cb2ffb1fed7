package live

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/limits"
	"github.com/httpdest/httpdest/internal/strictjson"
)

// mergeBody is what a merge is told.
type mergeBody struct {
	From string `json:"from"`
}

// merge makes a profile part of the one of the path.
func (a *api) merge(w http.ResponseWriter, r *http.Request) {
	var body mergeBody
	text, err := io.ReadAll(io.LimitReader(r.Body, mostAction))
	if err != nil {
		a.refuseProfile(w, brokenBody{err})
		return
	}
	if err := strictjson.Unmarshal(text, &body); err != nil || body.From == "" || limits.ID(body.From) != nil {
		a.refuseProfile(w, mistake{"the body names no profile to merge", `write {"from": "PROFILE"}`})
		return
	}
	if err := a.driver.Merge(r.Context(), profile.ID(body.From), profile.ID(r.PathValue("id"))); err != nil {
		a.refuseProfile(w, err)
		return
	}
	respond(w, http.StatusOK, answer{Accepted: 1})
}

// forget removes everything that is known of a profile.
func (a *api) forget(w http.ResponseWriter, r *http.Request) {
	if err := a.driver.Forget(r.Context(), profile.ID(r.PathValue("id"))); err != nil {
		a.refuseProfile(w, err)
		return
	}
	respond(w, http.StatusOK, answer{Accepted: 1})
}

// refuseProfile answers what did not happen to a profile.
func (a *api) refuseProfile(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrNoProfile):
		respond(w, http.StatusNotFound, answer{Error: err.Error(), Hint: "name a profile that had an update"})
	case errors.Is(err, ErrItself):
		respond(w, http.StatusBadRequest, answer{Error: err.Error(), Hint: "name two profiles"})
	default:
		a.refuseAction(w, err)
	}
}

// hint is what to do instead.
func (m *MergedAway) hint() string {
	return fmt.Sprintf("name %.100q, which it became part of", m.Into)
}
