package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/strictjson"
)

// ErrNoDataflow is the error of an action on a dataflow that the engine does
// not have.
var ErrNoDataflow = errors.New("there is no such dataflow")

// mostAction is how many bytes the body of an action may have.
const mostAction = 1 << 20

// actionKinds are the actions that the API offers, by the last part of the path.
var actionKinds = []flow.ActionKind{flow.Activate, flow.Map, flow.Unmap, flow.Rename, flow.Switch, flow.Relabel, flow.Enable, flow.Disable, flow.Delete}

// actionBody is the body of an action: audiences by their keys.
type actionBody struct {
	Audiences                   []string                  `json:"audiences"`
	Names                       []string                  `json:"names"`
	Labels                      map[profile.Path][]string `json:"labels"` // of attributes
	AttributeChanges            *bool                     `json:"attributeChanges"`
	SegmentationChanges         *bool                     `json:"segmentationChanges"`
	ExternalSegmentationChanges *bool                     `json:"externalSegmentationChanges"`
	IdentityChanges             *bool                     `json:"identityChanges"`
}

// mistake is the error of a request for an action that cannot be understood.
type mistake struct{ message, hint string }

func (m mistake) Error() string { return m.message }

// Dataflow is a dataflow as GET /dataflows shows it.
type Dataflow struct {
	ID        string               `json:"id"`
	Active    bool                 `json:"active"`
	Enabled   bool                 `json:"enabled"`
	Mapped    []Mapped             `json:"mapped"`
	Backfill  int                  `json:"backfill"` // members whose turn has not come
	Runs      int                  `json:"runs"`     // that the totals count
	Received  int64                `json:"received"`
	Activated int64                `json:"activated"`
	Excluded  int64                `json:"excluded"`
	Failed    int64                `json:"failed"`
	Firing    []dataflow.AlertKind `json:"firing"`
}

// Mapped is an audience that a dataflow maps.
type Mapped struct {
	Namespace string    `json:"namespace"`
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	At        time.Time `json:"mappedAt"`
}

// problem is a dataflow.Problem in an answer.
type problem struct {
	Path    string `json:"path"`
	Level   string `json:"level"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func problems(all []dataflow.Problem) []problem {
	out := []problem{}
	for _, p := range all {
		out = append(out, problem{p.Path, string(p.Level), p.Message, p.Hint})
	}
	return out
}

// act does what a request asks for.
func (a *api) act(w http.ResponseWriter, r *http.Request) {
	action, err := a.action(r)
	if err != nil {
		a.refuseAction(w, err)
		return
	}
	warnings, err := a.driver.Act(r.Context(), action)
	if err != nil {
		a.refuseAction(w, err)
		return
	}
	respond(w, http.StatusOK, map[string]any{"warnings": problems(warnings)})
}

// action reads the action of a request.
func (a *api) action(r *http.Request) (flow.Action, error) {
	action := flow.Action{Dataflow: r.PathValue("id"), Kind: flow.ActionKind(r.PathValue("action"))}
	snapshot := a.driver.view.Load().Snapshot(action.Dataflow)
	switch {
	case snapshot == nil:
		return action, fmt.Errorf("%w: %q", ErrNoDataflow, action.Dataflow)
	case !slices.Contains(actionKinds, action.Kind):
		return action, mistake{fmt.Sprintf("unknown action %q", action.Kind), fmt.Sprint("use one of ", actionKinds)}
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, mostAction+1))
	if err != nil {
		return action, brokenBody{err}
	}
	var body actionBody
	switch {
	case len(text) > mostAction:
		return action, mistake{fmt.Sprintf("the action has more than %d bytes", mostAction), "name fewer audiences at once"}
	case len(text) > 0:
		if err := strictjson.Unmarshal(text, &body); err != nil {
			return action, mistake{"the body is not an action: " + err.Error(), `write {"audiences": ["KEY"]}, or nothing where the action needs nothing`}
		}
	}
	return action, a.complete(&action, body, snapshot)
}

// complete finds the audiences of an action, and whether it has what it needs.
func (a *api) complete(action *flow.Action, body actionBody, s *dataflow.Snapshot) error {
	for _, key := range body.Audiences {
		ref, known := a.audiences(key)
		if !known {
			return mistake{fmt.Sprintf("no audience %q", key), "name audiences by their keys in the configuration"}
		}
		action.Audiences = append(action.Audiences, ref)
	}
	action.Names, action.Labels = body.Names, body.Labels
	needs := slices.Contains([]flow.ActionKind{flow.Map, flow.Unmap, flow.Rename}, action.Kind)
	switch {
	case needs && len(action.Audiences) == 0:
		return mistake{fmt.Sprintf("%s names no audience", action.Kind), `write {"audiences": ["KEY"]}`}
	case action.Kind == flow.Rename && len(action.Names) != len(action.Audiences):
		return mistake{"rename needs exactly one name for each audience", `write {"audiences": ["KEY"], "names": ["NAME"]}`}
	case action.Kind == flow.Relabel && len(action.Labels) == 0:
		return mistake{"label names no attribute", `write {"labels": {"PATH": ["C4"]}}`}
	}
	action.Suppressed = s.Flow.Suppressed
	for on, off := range map[*bool]*bool{body.AttributeChanges: &action.Suppressed.Attribute, body.SegmentationChanges: &action.Suppressed.Audience,
		body.ExternalSegmentationChanges: &action.Suppressed.External, body.IdentityChanges: &action.Suppressed.Identity} {
		if on != nil {
			*off = !*on
		}
	}
	return nil
}

// refuseAction answers an action that did not happen.
func (a *api) refuseAction(w http.ResponseWriter, err error) {
	var refused *Refused
	var wrong mistake
	switch {
	case errors.As(err, &refused):
		respond(w, http.StatusConflict, map[string]any{"error": err.Error(), "problems": problems(refused.Problems)})
	case errors.As(err, &wrong):
		respond(w, http.StatusBadRequest, answer{Error: wrong.message, Hint: wrong.hint})
	case errors.Is(err, ErrNoUpload):
		respond(w, http.StatusNotFound, answer{Error: err.Error(), Hint: "GET /audiences lists the audiences that take files"})
	case errors.Is(err, ErrNoDataflow):
		respond(w, http.StatusNotFound, answer{Error: err.Error(), Hint: "GET /dataflows lists them"})
	default:
		status, body := refusal(err)
		respond(w, status, body)
	}
}

// dataflows lists every dataflow.
func (a *api) dataflows(w http.ResponseWriter, r *http.Request) {
	var all []Dataflow
	err := a.driver.ask(r.Context(), func(*looping) {
		for _, id := range a.driver.runtime.Dataflows() {
			all = append(all, a.driver.dataflow(id))
		}
	})
	if err != nil {
		a.refuseAction(w, err)
		return
	}
	respond(w, http.StatusOK, all)
}

// dataflow is one of them as it stands; the loop calls it.
func (d *Driver) dataflow(id string) Dataflow {
	s, now := d.view.Load().Snapshot(id), time.Now()
	totals := d.runtime.Totals(now, id)
	out := Dataflow{ID: id, Active: s.Active, Enabled: s.Enabled, Mapped: []Mapped{}, Backfill: d.runtime.Waiting(id), Runs: totals.Runs,
		Received: totals.Received, Activated: totals.Activated, Excluded: totals.Excluded, Failed: totals.Failed,
		Firing: slices.Concat([]dataflow.AlertKind{}, d.runtime.Firing(id))}
	for _, ref := range s.MappedRefs() {
		m := s.Mapped[ref]
		out.Mapped = append(out.Mapped, Mapped{ref.Namespace, ref.ID, m.Name, m.CreatedAt.UTC()})
	}
	return out
}

// runs lists the hourly runs of a dataflow that the store keeps.
func (a *api) runs(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if a.driver.view.Load().Snapshot(id) == nil {
		a.refuseAction(w, fmt.Errorf("%w: %q", ErrNoDataflow, id))
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	e := json.NewEncoder(w)
	err := a.driver.config.Store.Notes(func(n engine.Note) error {
		h, of, err := flow.HourOf(n, id)
		if !of || err != nil {
			return err
		}
		return e.Encode(runLine(h))
	})
	if err != nil {
		panic(http.ErrAbortHandler) // half a list must not look whole
	}
}

// Run is an hourly run as GET /dataflows/ID/runs lists it.
type Run struct {
	Start     time.Time      `json:"start"`
	Status    monitor.Status `json:"status"`
	Audiences int            `json:"audiences"`
	Received  int64          `json:"received"`
	monitor.Counters
	ActivationRate *float64            `json:"activationRate,omitempty"`
	Exclusions     []monitor.Exclusion `json:"exclusions,omitempty"`
	Errors         []monitor.Error     `json:"errors,omitempty"`
}

func runLine(h monitor.Hour) Run {
	out := Run{Start: h.Start.UTC(), Status: monitor.Processing, Audiences: len(h.Audiences), Received: h.Received,
		Counters: h.Counters, Exclusions: h.Exclusions, Errors: h.Errors}
	if h.Completed {
		out.Status = monitor.Completed
	}
	if rate, ok := h.ActivationRate(); ok {
		out.ActivationRate = &rate
	}
	return out
}
