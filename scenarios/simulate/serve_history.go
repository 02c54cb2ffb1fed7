package simulate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// restWithin is how much longer than in virtual time a case may take until it
// is at rest.
const restWithin = 5 * time.Second

// history plays the steps at their times, and waits until the engine is at rest.
// Its error is why the case could not be played to its end.
func (s *served) history(ctx context.Context, length time.Duration) error {
	if time.Now().After(s.sc.Start) {
		return errLate
	}
	for _, m := range moments(s.sc) {
		if err := until(ctx, s.sc.Start.Add(m.at)); err != nil {
			return err
		}
		var err error
		if m.step != nil {
			err = s.play(ctx, m.step)
		} else {
			err = s.upload(ctx, m.upload)
		}
		if err != nil {
			return fmt.Errorf("at %s: %w", m.at, err)
		}
	}
	if err := until(ctx, s.sc.Start.Add(length)); err != nil {
		return err
	}
	for {
		rested, err := s.process.atRest(ctx)
		if rested || err != nil || time.Now().After(s.sc.Start.Add(length+restWithin)) {
			return err
		}
		if err := until(ctx, time.Now().Add(50*time.Millisecond)); err != nil {
			return err
		}
	}
}

// until waits for a time, unless ctx is done.
func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// play does one step.
func (s *served) play(ctx context.Context, step *scenarios.Step) error {
	switch step.Action {
	case "":
		return s.submit(ctx, step)
	case "revoke":
		now := time.Now().UTC()
		at := s.driver.revoking(step)
		s.own = append(s.own, timed{now, recording.Line{Destination: at.key, Action: &recording.Action{At: now, Action: step.Action}}})
		at.tokens.Revoke()
		return nil
	case "totals":
		return s.totals(ctx)
	case "refresh":
		for _, key := range step.Targets {
			if err := s.ask(ctx, step.Action, "/audiences/"+key+"/refresh", "application/json", nil, http.StatusOK, http.StatusConflict); err != nil {
				return err
			}
		}
		return nil
	}
	return s.act(ctx, step)
}

// ask posts something and wants one of some statuses.
func (s *served) ask(ctx context.Context, what, path, contentType string, body io.Reader, wanted ...int) error {
	status, answer, err := s.process.post(ctx, path, contentType, body)
	if err == nil && !slices.Contains(wanted, status) {
		err = fmt.Errorf("%s was answered %d: %s", what, status, answer)
	}
	return err
}

// upload sends the file of an audience.
func (s *served) upload(ctx context.Context, a *scenarios.Audience) error {
	file, err := a.Upload.Open()
	if err != nil {
		return err
	}
	err = s.ask(ctx, "the upload", "/audiences/"+a.Key+"/upload", "text/csv", file, http.StatusAccepted)
	return errors.Join(err, file.Close())
}

// filesRefused sends files of which one at least is to be refused, and notes why.
func (s *served) filesRefused(ctx context.Context) error {
	for i := range s.sc.Audiences {
		a := &s.sc.Audiences[i]
		if a.Upload == nil {
			continue
		}
		file, err := a.Upload.Open()
		if err != nil {
			return err
		}
		status, answer, err := s.process.post(ctx, "/audiences/"+a.Key+"/upload", "text/csv", file)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if status == http.StatusAccepted {
			continue
		}
		var said struct {
			Problems []upload.Problem
			More     int
		}
		if err := json.Unmarshal(answer, &said); err != nil || status != http.StatusBadRequest {
			return fmt.Errorf("the upload was answered %d: %s", status, answer)
		}
		for _, p := range fileProblems(a.Key, upload.Refused(said)) {
			s.own = append(s.own, timed{s.sc.Start, recording.Line{Problem: &recording.Problem{At: s.sc.Start, Path: p.Path, Level: string(p.Level),
				Message: p.Message, Hint: p.Hint}}})
		}
	}
	return nil
}

// submit sends the updates of a step as one request.
func (s *served) submit(ctx context.Context, step *scenarios.Step) error {
	if op := ofWhole(step); op != "" {
		return s.whole(ctx, step, op)
	}
	var lines bytes.Buffer
	keys := keysOf(s.c.refs)
	for name := range step.Profiles.All() {
		line, err := updateLine(s.driver.update(step, name), keys)
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	return s.ask(ctx, "the updates", "/updates", "application/x-ndjson", &lines, http.StatusOK)
}

// whole merges profiles, or has them forgotten.
func (s *served) whole(ctx context.Context, step *scenarios.Step, op profile.Op) error {
	for name := range step.Profiles.All() {
		var body []byte
		if op == profile.Merge {
			var err error
			if body, err = json.Marshal(map[string]string{"from": step.Other(name)}); err != nil {
				return err
			}
		}
		path := "/profiles/" + url.PathEscape(name) + "/" + string(op)
		if err := s.ask(ctx, string(op), path, "application/json", bytes.NewReader(body), http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}

// act does the action of a step. One that is refused is recorded by serve.
func (s *served) act(ctx context.Context, step *scenarios.Step) error {
	body := map[string]any{}
	if len(step.Targets) > 0 {
		body["audiences"] = step.Targets
	}
	if len(step.Names) > 0 {
		body["names"] = step.Names
	}
	for kind, on := range step.Triggers {
		body[kind] = on
	}
	if len(step.Labels) > 0 {
		body["labels"] = labels(step.Labels)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for _, a := range s.driver.actions(step, nil) {
		of := cmp.Or(a.Dataflow, s.driver.outlets[0].id) // the API has no path for all of them
		path := "/dataflows/" + of + "/" + string(a.Kind)
		if err := s.ask(ctx, step.Action, path, "application/json", bytes.NewReader(text), http.StatusOK, http.StatusConflict); err != nil {
			return err
		}
	}
	return nil
}

// totals looks at the totals of every dataflow.
func (s *served) totals(ctx context.Context) error {
	all, err := s.process.dataflows(ctx)
	now := time.Now().UTC()
	for _, f := range all {
		s.own = append(s.own, timed{now, recording.Line{Dataflow: s.driver.outlet(f.ID).key, Totals: &recording.Totals{At: now, Runs: f.Runs, Received: f.Received,
			Counters: recording.Counters{Activated: f.Activated, Excluded: f.Excluded, Failed: f.Failed}}}})
	}
	return err
}
