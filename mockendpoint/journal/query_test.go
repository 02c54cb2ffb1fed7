package journal

import (
	"fmt"
	"testing"
	"time"
)

// A query by time includes its beginning and not its end; one by number has
// neither of its ends. Each entry of the journal is an end of one.
func TestQueriesByTimeAndNumber(t *testing.T) {
	s := newSpool(&disk{}, limits{memory: 1 << 20, chunk: 1 << 10, marks: 9})
	for i := range 3 {
		s.Request(Request{Arrived: noon.Add(time.Duration(i) * time.Second), Answered: noon.Add(time.Minute)})
	}
	first, second, third := s.first, s.first+1, s.first+2
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"all":                    {Query{}, fmt.Sprint([]uint64{first, second, third})},
		"from the second":        {Query{From: at(1)}, fmt.Sprint([]uint64{second, third})},
		"to the second":          {Query{To: at(1)}, fmt.Sprint([]uint64{first})},
		"the second":             {Query{From: at(1), To: at(2)}, fmt.Sprint([]uint64{second})},
		"from behind the last":   {Query{From: at(2).Add(1)}, "[]"},
		"to the first":           {Query{To: at(0)}, "[]"},
		"after the first":        {Query{After: first}, fmt.Sprint([]uint64{second, third})},
		"before the last":        {Query{Before: third}, fmt.Sprint([]uint64{first, second})},
		"between first and last": {Query{After: first, Before: third}, fmt.Sprint([]uint64{second})},
		"after the last":         {Query{After: third}, "[]"},
		"the newest":             {Query{Newest: true, Limit: 1}, fmt.Sprint([]uint64{third})},
		"the oldest":             {Query{Limit: 1}, fmt.Sprint([]uint64{first})},
	} {
		page, err := s.Query(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		got := []uint64{}
		for _, e := range page.Entries {
			got = append(got, e.Sequence)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: entries %v; want %s", name, got, c.want)
		}
		if more := c.q.Limit == 1; page.More != more {
			t.Errorf("%s: more %t; want %t", name, page.More, more)
		}
	}
}
