package simulate

import (
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/scenarios"
)

// timeFormats are the forms of lastQualificationTime by their words.
var timeFormats = map[string]dataflow.TimeFormat{
	"z": dataflow.TimeZ, "offset": dataflow.TimeOffset, "colon-offset": dataflow.TimeColonOffset,
	"milliseconds": dataflow.TimeMilliseconds, "microseconds": dataflow.TimeMicroseconds,
}

// readings translates how the documentation is read.
func readings(r scenarios.Readings) dataflow.Readings {
	out := dataflow.Readings{
		ExitTime:       r.Of(scenarios.ReadingExitTime) == "exit",
		BackfillFormer: r.Of(scenarios.ReadingBackfilled) == "ever-qualified",
		TimeFormat:     timeFormats[r.Of(scenarios.ReadingTimeFormat)],
		StampUnmapped:  r.Of(scenarios.ReadingUnmappedTimestamps) == "audience",
		LiveNames:      r.Of(scenarios.ReadingNames) == "live",
		UnmappedExits:  r.Of(scenarios.ReadingUnmappedExits) == "carried",
		ExitsCarried:   r.Duration(scenarios.ReadingExitsCarried),

		FirstByte:         r.Of(scenarios.ReadingAnswerWithin) == "first-byte",
		TokenCertificate:  r.Of(scenarios.ReadingTokenCertificate) == "on-request",
		Requalify:         r.Of(scenarios.ReadingRequalification) == "exported",
		OwnExternalSwitch: r.Of(scenarios.ReadingExternalAudiences) == "own-switch",
		BodyPerPolicy:     r.Of(scenarios.ReadingMergePolicyBodies) == "each",
		BackfillWithin:    r.Duration(scenarios.ReadingBackfillWithin),
	}
	if out.ExitsCarried == 0 {
		out.ExitsCarried = -1
	}
	return out
}
