package scenarios

import "time"

// Reading is a point on which the documentation is silent, or says two things.
type Reading struct {
	Key   string // in `destination: {readings: …}`
	Point string // its number in the collection of facts: A35
	Rule  string // id of the rule whose judgement it decides
	Title string // what is chosen, in a few words
	Says  string // what the documentation says
	// Values are what can be chosen, the default first. A duration has its
	// default alone.
	Values []ReadingValue
	// Least and Most are the bounds of a duration; Most is 0 for words. Bounds
	// is the hint for one outside of them.
	Least, Most time.Duration
	Bounds      string
}

// ReadingValue is one way of reading a point.
type ReadingValue struct{ Word, Means string }

// Default is the value that holds where nothing is chosen.
func (r Reading) Default() string { return r.Values[0].Word }

func (r Reading) words() []string {
	out := make([]string, len(r.Values))
	for i, v := range r.Values {
		out[i] = v.Word
	}
	return out
}

// The keys of the readings.
const (
	ReadingExitTime   = "exitTime"
	ReadingBackfilled = "backfilled"
)

// readings is the list of all points that can be chosen. The JSON Schema, the
// guide `httpdest help readings` and a test of every layer follow from it.
var readings = []Reading{
	{
		Key: ReadingExitTime, Point: "A35", Rule: "lqt-value", Title: "the lastQualificationTime of an exited entry",
		Says: "XDM defines the time of the last qualification and does not mention exits; no published sample shows whether an exit moves it.",
		Values: []ReadingValue{
			{"qualification", "The time stays that of the last qualification."},
			{"exit", "The time becomes that of the exit."},
		},
	},
	{
		Key: ReadingBackfilled, Point: "A55", Rule: "backfill-new-audience", Title: "the profiles that a backfill exports",
		Says: "The page speaks of historical audience qualification data and of profiles that qualified before the mapping; the Destination SDK pages speak of profiles that ever qualified.",
		Values: []ReadingValue{
			{"members", "The profiles that are realized in the audience when their turn comes."},
			{"ever-qualified", "Also those that left it, for as long as their exited entry is carried."},
		},
	},
}
