package check

import (
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

// chosen is the way in which a point of the documentation is read that a sender
// was judged by, and how to choose another.
func chosen(said scenarios.Readings, key string) diagnosis {
	r, _ := scenarios.FindReading(key)
	value, means := said.Of(key), ""
	if i := slices.IndexFunc(r.Values, func(v scenarios.ReadingValue) bool { return v.Word == value }); i >= 0 {
		means = r.Values[i].Means
	}
	if said.Says(key) {
		return diagnosis{title: r.Title, want: fmt.Sprintf("%s, as destination.readings.%s says", value, key),
			fix: fmt.Sprintf("%s If the sender is right, judge it with another --reading %s=….", means, key)}
	}
	return diagnosis{title: r.Title, want: fmt.Sprintf("destination.readings.%s, or --reading %s=…, to decide; without it %s", key, key, value)}
}

// readings are those that the sender is judged by.
func (s *Sender) readings() scenarios.Readings {
	if s.Scenario != nil {
		return s.Scenario.Destination.Readings
	}
	return s.Readings
}
