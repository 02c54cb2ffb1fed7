package scenarios

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Starting is the scenario at another time: everything that has a date moves
// along with the start.
func (s *Scenario) Starting(at time.Time) *Scenario {
	moved := *s
	by := at.Sub(s.Start)
	moved.Start = at
	moved.Audiences = slices.Clone(s.Audiences)
	for i := range moved.Audiences {
		a := &moved.Audiences[i]
		a.CreatedAt, a.UpdatedAt = a.CreatedAt.Add(by), a.UpdatedAt.Add(by)
	}
	moved.Platform.Certificates = slices.Clone(s.Platform.Certificates)
	for i := range moved.Platform.Certificates {
		c := &moved.Platform.Certificates[i]
		c.Issued, c.Expires = c.Issued.Add(by), c.Expires.Add(by)
	}
	moved.Expect = slices.Clone(s.Expect)
	for i := range moved.Expect {
		x := &moved.Expect[i]
		x.Payload = movedEntries(x.Payload, nil, by)
		x.Says = moments.ReplaceAllStringFunc(x.Says, func(text string) string {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return text
			}
			return at.Add(by).Format(time.RFC3339)
		})
		x.Lookup = x.Lookup.moved(by)
	}
	return &moved
}

// moments are times in a text.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// moved is what a lookup must give at another time.
func (l *LookedUp) moved(by time.Duration) *LookedUp {
	if l == nil {
		return nil
	}
	out := *l
	out.Certificates = slices.Clone(l.Certificates)
	for i := range out.Certificates {
		if c := &out.Certificates[i]; !c.Expires.IsZero() {
			c.Expires = c.Expires.Add(by)
		}
	}
	return &out
}

// movedEntries is a part of a body with the dates of its memberships moved: path
// is where it stands.
func movedEntries(part any, path []string, by time.Duration) any {
	m, is := part.(map[string]any)
	if !is || len(path) > 0 && path[0] != "segmentMembership" {
		return part
	}
	out := maps.Clone(m)
	for key, value := range m {
		if len(path) < 3 {
			out[key] = movedEntries(value, append(slices.Clone(path), key), by)
			continue
		}
		out[key] = movedDate(key, value, by)
	}
	return out
}

// movedDate is a field of a membership, moved where it is a date.
func movedDate(field string, value any, by time.Duration) any {
	switch v := value.(type) {
	case string:
		if field != "lastQualificationTime" {
			return value
		}
		for _, layout := range qualificationTimes {
			if at, err := time.Parse(layout, v); err == nil {
				return at.Add(by).Format(layout)
			}
		}
	case json.Number:
		ms, err := v.Int64()
		if err == nil && slices.Contains([]string{"createdAt", "updatedAt", "mappingCreatedAt", "mappingUpdatedAt"}, field) {
			return json.Number(strconv.FormatInt(ms+by.Milliseconds(), 10))
		}
	}
	return value
}

// qualificationTimes are the forms of lastQualificationTime. Those with parts of a
// second come first: the others would read them as well.
var qualificationTimes = []string{"2006-01-02T15:04:05.000000Z", "2006-01-02T15:04:05.000-0700",
	"2006-01-02T15:04:05Z", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05-07:00"}
