package simulate

import (
	"context"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// Options say how cases are played.
type Options struct {
	Seed     *uint64                     // overrides the seed of every scenario
	Shards   int                         // decider shards; 0 means 1. The recording does not depend on it
	Jobs     int                         // cases played at once; 0 means one per CPU
	OutDir   string                      // recordings/<case>.jsonl and report.json go here; "" writes nothing
	NewStore func() (store.Store, error) // one store per case
	Progress func(reports.Case)          // called once per case, in the order of the cases
	Version  string                      // of httpdest, for the report
}

// RunAll plays and judges the cases and returns the report of kind "run". The
// error is for what kept the run from being judged at all (an unwritable
// folder, an interrupt); a failed case is not an error.
func RunAll(ctx context.Context, cases []*scenarios.Scenario, rules scenarios.Catalogue, o Options) (*reports.Report, error) {
	panic("not yet")
}
