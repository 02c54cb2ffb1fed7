package live

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
)

// UploadedAudience is an audience that takes files as GET /audiences shows it.
type UploadedAudience struct {
	Key       string           `json:"key"`
	Namespace string           `json:"namespace"`
	ID        string           `json:"id"`
	Stage     flow.UploadStage `json:"stage"` // "" before the first file
	Rows      int64            `json:"rows"`
	At        time.Time        `json:"at,omitzero"`        // of the upload
	Available time.Time        `json:"available,omitzero"` // streaming sees the members from then on
	Expires   time.Time        `json:"expires,omitzero"`   // they exit
}

// fileProblem is one reason why a file is refused.
type fileProblem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// fileRefused is the answer to a file that is refused.
type fileRefused struct {
	Error    string        `json:"error"`
	Problems []fileProblem `json:"problems"`
	More     int           `json:"more,omitempty"` // problems that are not listed
}

func uploadedAudience(key string, ref profile.AudienceRef, u flow.Uploaded) UploadedAudience {
	return UploadedAudience{key, ref.Namespace, ref.ID, u.Stage, u.Rows, u.At.UTC(), u.Available.UTC(), u.Expires.UTC()}
}

// upload takes the file of an audience.
func (a *api) upload(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	body := impatient{r.Body, http.NewResponseController(w)}
	u, err := a.driver.Upload(r.Context(), key, body)
	var refused upload.Refused
	switch {
	case errors.As(err, &refused):
		out := fileRefused{Error: "the file is refused", Problems: []fileProblem{}, More: refused.More}
		for _, p := range refused.Problems {
			out.Problems = append(out.Problems, fileProblem(p))
		}
		respond(w, http.StatusBadRequest, out)
	case err != nil:
		a.refuseAction(w, err)
	default:
		respond(w, http.StatusAccepted, uploadedAudience(key, u.Audience, u))
	}
}

// refresh starts the term of an upload anew.
func (a *api) refresh(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	u, known := a.driver.config.Uploads[key]
	if !known {
		a.refuseAction(w, fmt.Errorf("%w: %q", ErrNoUpload, key))
		return
	}
	if _, err := a.driver.Act(r.Context(), flow.Action{Kind: flow.Refresh, Audiences: []profile.AudienceRef{u.Audience}}); err != nil {
		a.refuseAction(w, err)
		return
	}
	respond(w, http.StatusOK, map[string]any{"warnings": problems(nil)})
}

// uploads lists the audiences that take files.
func (a *api) uploads(w http.ResponseWriter, r *http.Request) {
	all, err := a.driver.Uploads(r.Context())
	if err != nil {
		a.refuseAction(w, err)
		return
	}
	out := []UploadedAudience{}
	for _, key := range slices.Sorted(maps.Keys(a.driver.config.Uploads)) {
		ref := a.driver.config.Uploads[key].Audience
		var u flow.Uploaded
		if i := slices.IndexFunc(all, func(u flow.Uploaded) bool { return u.Audience == ref }); i >= 0 {
			u = all[i]
		}
		out = append(out, uploadedAudience(key, ref, u))
	}
	respond(w, http.StatusOK, out)
}
