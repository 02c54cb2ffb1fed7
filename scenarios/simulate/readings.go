package simulate

import (
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/scenarios"
)

// readings translates how the documentation is read.
func readings(r scenarios.Readings) dataflow.Readings {
	return dataflow.Readings{
		ExitTime:       r.Of(scenarios.ReadingExitTime) == "exit",
		BackfillFormer: r.Of(scenarios.ReadingBackfilled) == "ever-qualified",
	}
}
