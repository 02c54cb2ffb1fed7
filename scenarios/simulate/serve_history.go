package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

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
	for i := range s.sc.History {
		step := &s.sc.History[i]
		if err := until(ctx, s.sc.Start.Add(step.At)); err != nil {
			return err
		}
		if err := s.play(ctx, step); err != nil {
			return fmt.Errorf("step at %s: %w", step.At, err)
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
		s.own = append(s.own, timed{now, recording.Line{Action: &recording.Action{At: now, Action: step.Action}}})
		s.receiver.tokens.Revoke()
		return nil
	case "totals":
		return s.totals(ctx)
	}
	return s.act(ctx, step)
}

// submit sends the updates of a step as one request.
func (s *served) submit(ctx context.Context, step *scenarios.Step) error {
	var lines bytes.Buffer
	keys := keysOf(s.c.refs)
	for name := range step.Profiles.All() {
		line, err := updateLine(s.driver.update(step, name), keys)
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	status, answer, err := s.process.post(ctx, "/updates", "application/x-ndjson", &lines)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the updates were answered %d: %s", status, answer)
	}
	return err
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
	path := "/dataflows/" + s.c.Flow.ID + "/" + string(actionKinds[step.Action])
	status, answer, err := s.process.post(ctx, path, "application/json", bytes.NewReader(text))
	if err == nil && status != http.StatusOK && status != http.StatusConflict {
		err = fmt.Errorf("%s was answered %d: %s", step.Action, status, answer)
	}
	return err
}

// totals looks at the totals of every dataflow.
func (s *served) totals(ctx context.Context) error {
	all, err := s.process.dataflows(ctx)
	now := time.Now().UTC()
	for _, f := range all {
		s.own = append(s.own, timed{now, recording.Line{Totals: &recording.Totals{At: now, Runs: f.Runs, Received: f.Received,
			Counters: recording.Counters{Activated: f.Activated, Excluded: f.Excluded, Failed: f.Failed}}}})
	}
	return err
}
