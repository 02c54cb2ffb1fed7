package engine_test

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// An update becomes an export, the export an attempt; the receiver is busy, and
// the attempt is repeated 15 seconds later. The driver is this function: its
// clock is a variable, its wire prints, and its store is in memory.
func Example() {
	now, store := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC), memory.New()
	members := profile.AudienceRef{Namespace: "ups", ID: "delorean"}
	config := dataflow.Dataflow{ID: "cars", Audiences: []profile.AudienceRef{members}}
	snapshot, _ := dataflow.NewSnapshot(config, audience.NewDirectory(audience.Audience{Ref: members})).Activate(now)
	settings := engine.Settings{Policy: retry.Documented(), MaxInFlight: 1, Certificate: engine.NeverPresent}
	runtime := flow.New(flow.Dataflow{Snapshot: snapshot, Settings: settings})

	update := profile.Update{Profile: "doc", Changes: []profile.Change{{Op: profile.Qualify, Audience: members}}}
	state := engine.State{Profile: profile.Profile{ID: update.Profile}} // or store.Load
	state, exports := runtime.View().Decide(nil, now, state, update)
	_ = store.Commit([]engine.State{state}, nil)
	effects := runtime.Accept(now, "cars", exports...)

	for _, answer := range []int{503, 200} {
		_ = store.Commit(nil, effects.Persist) // durable before it is sent
		attempt := effects.Send[0]
		fmt.Println(now.Format(time.TimeOnly), attempt.Kind, attempt.Number, string(attempt.Message.Body), "->", answer)
		effects = runtime.Completed(now, attempt, engine.Completion{
			Operation: attempt.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: answer},
		})
		for _, alarm := range effects.Set {
			if alarm.Kind == flow.Delivery {
				now = alarm.At
				effects = runtime.Ring(now, alarm.ID)
			}
		}
	}
	// Output:
	// 09:00:00 attempt 1 {"identityMap":{},"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":"2026-01-15T09:00:00Z","status":"realized"}}}} -> 503
	// 09:00:15 attempt 2 {"identityMap":{},"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":"2026-01-15T09:00:00Z","status":"realized"}}}} -> 200
}
