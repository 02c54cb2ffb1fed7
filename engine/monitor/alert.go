package monitor

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
)

// State of an alert. The documentation spells the first one FIRING (A86).
type State string

// The two states of an alert.
const (
	Firing   State = "firing"
	Inactive State = "inactive"
)

// million is what rates are compared in, so that exactly one percent is not
// above one percent.
const million = 1_000_000

// Notice is a change of an alert, or for a completed run the message that it
// is.
type Notice struct {
	At    time.Time
	Alert dataflow.AlertKind
	State State
	Run   string // ProviderRefID of the run that caused it
	// Part of Total identities were counted, and Threshold millionths are
	// tolerated; all zero where no rate is watched.
	Part, Total, Threshold int64
}

// alert is one subscription with its state.
type alert struct {
	dataflow.Alert
	firing bool
}

// look judges a run that has just been completed; nil when nothing changes. A
// run in which nothing is settled has no rate, so no alert fires.
func (a *alert) look(now time.Time, r Run) *Notice {
	n := &Notice{At: now, Alert: a.Kind, State: Firing, Run: r.ProviderRefID, Total: r.Settled()}
	switch a.Kind {
	case dataflow.StreamingCompleted:
		n.Total = 0
		return n // once for each run: there is nothing to become inactive
	case dataflow.SkippedRate:
		n.Part, n.Threshold = r.Excluded, dataflow.OnePercent
	case dataflow.FailedRate:
		n.Part, n.Threshold = r.Failed, a.Threshold
	default:
		return nil
	}
	exceeded := n.Part*million > n.Threshold*n.Total
	if exceeded == a.firing {
		return nil
	}
	a.firing = exceeded
	if !exceeded {
		n.State = Inactive
	}
	return n
}
