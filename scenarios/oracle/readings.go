package oracle

import (
	"regexp"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// reads is the value of a reading: the chosen one, or the default.
func (o *Oracle) reads(key string) string { return o.scenario.Destination.Readings.Of(key) }

// retention is how long an exited entry is carried after the exit (R79, A49).
func (o *Oracle) retention() time.Duration {
	return o.scenario.Destination.Readings.Duration(scenarios.ReadingExitsCarried)
}

// carried reports whether a membership travels in an export that is decided at
// a time: an exited one does for a while.
func (o *Oracle) carried(s span, tick int, at time.Time) bool {
	return s.to > tick || at.Sub(s.until) <= o.retention()
}

// timeForms are the forms of lastQualificationTime by their words (A27).
var timeForms = map[string]*regexp.Regexp{
	"z":            regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`),
	"offset":       regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000$`),
	"colon-offset": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`),
	"milliseconds": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$`),
	"microseconds": regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`),
}
