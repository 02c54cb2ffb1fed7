package histories

import (
	"fmt"
	"strings"
)

// Tally counts what histories had in them.
type Tally struct {
	Histories, Messages, Deliveries    int
	Repeated, AtOnce, Late, Meeting    int
	Entries, Reentries, Exits          int
	Names, Identities, Batches, Pauses int
	Looks                              int
}

// Add counts a history.
func (t *Tally) Add(h History) {
	p := h.Plan()
	t.Histories++
	t.Messages += len(p.Messages)
	for _, m := range p.Messages {
		if len(m.Documents) > 1 {
			t.Batches++
		}
	}
	for _, r := range p.Rounds {
		t.Deliveries += len(r.Messages)
		t.Looks += len(r.Looks)
		if r.Pause {
			t.Pauses++
		}
	}
	left := map[[2]int]bool{}
	for _, s := range h {
		t.way(s.Copies)
		for _, c := range s.Changes {
			t.change(c, s.Profiles, left)
		}
	}
}

func (t *Tally) way(c Copies) {
	switch c {
	case Repeated:
		t.Repeated++
	case AtOnce:
		t.AtOnce++
	case Late:
		t.Late++
	case Meeting:
		t.Meeting++
	}
}

func (t *Tally) change(c Change, profiles []int, left map[[2]int]bool) {
	switch c.Kind {
	case Set:
		t.Names++
	case Know:
		t.Identities++
	case Enter:
		t.Entries++
		for _, n := range profiles {
			if left[[2]int{n, c.Audience}] {
				t.Reentries++
				break
			}
		}
	case Leave:
		t.Exits++
		for _, n := range profiles {
			left[[2]int{n, c.Audience}] = true
		}
	}
}

// counts are the numbers with their names, in the order in which they are printed.
func (t *Tally) counts() []struct {
	Name, Text string
	N          int
} {
	return []struct {
		Name, Text string
		N          int
	}{
		{"histories", "histories", t.Histories}, {"historyMessages", "messages", t.Messages}, {"historyDeliveries", "deliveries", t.Deliveries},
		{"historyRepeated", "repeated after a lost answer", t.Repeated}, {"historyAtOnce", "twice at the same time", t.AtOnce},
		{"historyLate", "copies that came late", t.Late}, {"historyMeeting", "copies together with a later message", t.Meeting},
		{"historyEntries", "entries", t.Entries}, {"historyReentries", "of them again after an exit", t.Reentries}, {"historyExits", "exits", t.Exits},
		{"historyNames", "changes of an attribute", t.Names}, {"historyIdentities", "new identities", t.Identities},
		{"historyBatches", "messages with several profiles", t.Batches}, {"historyPauses", "pauses", t.Pauses}, {"historyLooks", "states read back", t.Looks},
	}
}

// String is the tally in a sentence.
func (t *Tally) String() string {
	var parts []string
	for _, c := range t.counts() {
		parts = append(parts, fmt.Sprintf("%d %s", c.N, c.Text))
	}
	return strings.Join(parts, ", ")
}

// Into adds the counts to the metrics of a report.
func (t *Tally) Into(metrics map[string]float64) {
	for _, c := range t.counts() {
		metrics[c.Name] = float64(c.N)
	}
}
