package flow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
)

// A runtime keeps in notes what it must remember across restarts. The key
// begins with the kind of note and the name of the dataflow:
//
//	dataflow/NAME                       the mapping, a pause, the backfills under way
//	hour/NAME/SECONDS                   the counters of a run, by its beginning
//	backfill/NAME/NUMBER/members/CHUNK  members in the order of their turns
//	backfill/NAME/NUMBER/over/PROFILE   one for whom it does not wait any more
//	upload/NAMESPACE/ID                 the term of an uploaded audience, and how far it is
//	rows/NUMBER/CHUNK                   rows of an upload that are not members yet
//
// Messages and profiles are in the store themselves.
const (
	dataflowNote = "dataflow/"
	hourNote     = "hour/"
	backfillNote = "backfill/"
)

// chunk is how many members stand in one note.
const chunk = 1000

// keptDataflow is the note of a dataflow.
type keptDataflow struct {
	Active     bool                      `json:"active"`
	Disabled   bool                      `json:"disabled,omitempty"`
	PausedAt   time.Time                 `json:"pausedAt,omitzero"`
	Chosen     []profile.AudienceRef     `json:"chosen,omitempty"`     // before the activation
	Configured []profile.AudienceRef     `json:"configured,omitempty"` // by the configuration at the last start
	Mapped     []keptMapping             `json:"mapped,omitempty"`
	Ever       []keptName                `json:"ever,omitempty"`
	Renamed    []keptName                `json:"renamed,omitempty"`
	Suppressed *dataflow.Suppressed      `json:"suppressed,omitempty"`
	Labels     map[profile.Path][]string `json:"labels,omitempty"`
	Firing     []dataflow.AlertKind      `json:"firing,omitempty"`
	Listings   [][]profile.AudienceRef   `json:"listings,omitempty"`
	Backfills  []keptBackfill            `json:"backfills,omitempty"`
}

type keptMapping struct {
	Audience  profile.AudienceRef `json:"audience"`
	Name      string              `json:"name"`
	CreatedAt time.Time           `json:"createdAt"`
	UpdatedAt time.Time           `json:"updatedAt"`
}

type keptName struct {
	Audience  profile.AudienceRef `json:"audience"`
	Name      string              `json:"name"`
	UpdatedAt time.Time           `json:"updatedAt,omitzero"`
}

type keptBackfill struct {
	Number    uint64                `json:"number"`
	Audiences []profile.AudienceRef `json:"audiences"`
	Start     time.Time             `json:"start"`
	Members   int                   `json:"members"`
}

// keeping is what of a dataflow is kept, and what is to be kept anew.
type keeping struct {
	changed   bool
	firing    []dataflow.AlertKind
	backfills map[uint64]*keptMembers
}

// keptMembers are the notes of one backfill.
type keptMembers struct {
	chunks int
	over   map[profile.ID]bool
}

func newKeeping() keeping { return keeping{backfills: map[uint64]*keptMembers{}} }

// Notes are records of what changed since the last call and must be durable
// together with the effects since then, in the same commit. Only a driver whose
// store outlives it asks for them.
func (r *Runtime) Notes() []engine.Record {
	var records []engine.Record
	for _, f := range r.dataflows {
		records = f.notes(records)
	}
	if len(r.uploads) == 0 {
		return records
	}
	return r.uploadNotes(records)
}

func (f *running) notes(records []engine.Record) []engine.Record {
	hours, gone := f.monitor.Changed()
	for _, h := range hours {
		records = append(records, volatile(noted(f.hourKey(h.Start), h)))
	}
	for _, start := range gone {
		records = append(records, removed(f.hourKey(start)))
	}
	if firing := f.monitor.Firing(); !slices.Equal(firing, f.keeping.firing) {
		f.keeping.firing, f.keeping.changed = firing, true
	}
	records = f.backfillNotes(records)
	if f.keeping.changed {
		f.keeping.changed = false
		records = append(records, noted(dataflowNote+f.id, f.kept()))
	}
	return records
}

// backfillNotes are those of members: of new backfills all of them, of the
// others who is over; those of backfills that ended are removed.
func (f *running) backfillNotes(records []engine.Record) []engine.Record {
	over := f.dispatcher.Over()
	if len(over) == 0 && len(f.keeping.backfills) == 0 && !f.keeping.changed {
		return records // as most of the time
	}
	underWay := f.dispatcher.Backfills()
	for _, b := range underWay {
		if f.keeping.backfills[b.Number] == nil {
			records = f.begin(b, records)
		}
	}
	for _, o := range over {
		if k := f.keeping.backfills[o.Backfill]; k != nil && !k.over[o.Profile] {
			k.over[o.Profile] = true
			records = append(records, volatile(noted(f.overKey(o.Backfill)+string(o.Profile), 1)))
		}
	}
	for number := range f.keeping.backfills {
		if !slices.ContainsFunc(underWay, func(b engine.Backfill) bool { return b.Number == number }) {
			records = f.finish(number, records)
		}
	}
	return records
}

// begin keeps the members of a backfill.
func (f *running) begin(b engine.Backfill, records []engine.Record) []engine.Record {
	k := &keptMembers{over: map[profile.ID]bool{}}
	for some := range slices.Chunk(b.Members, chunk) {
		records = append(records, noted(f.membersKey(b.Number)+strconv.Itoa(k.chunks), some))
		k.chunks++
	}
	f.keeping.backfills[b.Number], f.keeping.changed = k, true
	return records
}

// finish removes the notes of a backfill.
func (f *running) finish(number uint64, records []engine.Record) []engine.Record {
	k := f.keeping.backfills[number]
	for n := range k.chunks {
		records = append(records, removed(f.membersKey(number)+strconv.Itoa(n)))
	}
	for id := range k.over {
		records = append(records, removed(f.overKey(number)+string(id)))
	}
	delete(f.keeping.backfills, number)
	f.keeping.changed = true
	return records
}

func (f *running) hourKey(start time.Time) string {
	return hourNote + f.id + "/" + strconv.FormatInt(start.Unix(), 10)
}

// HourOf reads the note of an hour of a dataflow; of is false where it is
// another note.
func HourOf(n engine.Note, id string) (h monitor.Hour, of bool, err error) {
	if !strings.HasPrefix(n.Key, hourNote+id+"/") {
		return h, false, nil
	}
	err = json.Unmarshal(n.Value, &h)
	return h, true, err
}

func (f *running) backfillKey(number uint64) string {
	return backfillNote + f.id + "/" + strconv.FormatUint(number, 10) + "/"
}

func (f *running) membersKey(number uint64) string { return f.backfillKey(number) + "members/" }
func (f *running) overKey(number uint64) string    { return f.backfillKey(number) + "over/" }

// kept is the note of the dataflow as it stands.
func (f *running) kept() keptDataflow {
	s := f.snapshot
	k := keptDataflow{Active: s.Active, Disabled: !s.Enabled, PausedAt: f.pausedAt, Firing: f.keeping.firing,
		Configured: f.configuredRefs}
	if f.labelled {
		k.Labels = f.configured.Organisation.Labels
	}
	if f.switched {
		k.Suppressed = &s.Flow.Suppressed
	}
	if !s.Active {
		k.Chosen = s.Flow.Audiences
	}
	for _, ref := range s.MappedRefs() {
		m := s.Mapped[ref]
		k.Mapped = append(k.Mapped, keptMapping{ref, m.Name, m.CreatedAt, m.UpdatedAt})
	}
	for ref := range s.Ever {
		k.Ever = append(k.Ever, keptName{Audience: ref, Name: s.Names[ref]})
	}
	for ref := range f.renamed {
		a := s.Directory[ref]
		k.Renamed = append(k.Renamed, keptName{ref, a.Name, a.UpdatedAt})
	}
	byAudience := func(a, b keptName) int {
		return strings.Compare(a.Audience.Namespace+"\x00"+a.Audience.ID, b.Audience.Namespace+"\x00"+b.Audience.ID)
	}
	slices.SortFunc(k.Ever, byAudience)
	slices.SortFunc(k.Renamed, byAudience)
	for _, l := range f.listings {
		k.Listings = append(k.Listings, l.audiences)
	}
	for _, b := range f.dispatcher.Backfills() {
		k.Backfills = append(k.Backfills, keptBackfill{b.Number, b.Audiences, b.Start, len(b.Members)})
	}
	return k
}

// noted is a record of a note.
func noted(key string, value any) engine.Record {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("flow: a note that is not JSON: %v", err)) // its types are ours
	}
	return engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: key, Value: text}}
}

func volatile(r engine.Record) engine.Record {
	r.Note.Volatile = true
	return r
}

func removed(key string) engine.Record {
	return volatile(engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: key}})
}
