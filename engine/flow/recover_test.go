package flow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// tiny is a driver whose receiver answers at once, and whose clock goes from
// alarm to alarm.
type tiny struct {
	t       *rapid.T
	now     time.Time
	store   *memory.Store
	runtime *Runtime
	alarms  map[AlarmID]Alarm
	answers func(export string) int
	told    []string
	number  uint64 // of the last upload
}

func newTiny(t *rapid.T) *tiny {
	d := &tiny{t: t, now: nine, store: memory.New(), answers: func(string) int { return 200 }}
	d.start()
	return d
}

func (d *tiny) must(err error) {
	if err != nil {
		d.t.Fatal(err)
	}
}

// start is the beginning of a process.
func (d *tiny) start() {
	settings := configured("one")
	settings.Settings.Keeps = true
	d.runtime, d.alarms = New(settings), map[AlarmID]Alarm{}
	var notes []engine.Note
	d.must(d.store.Notes(func(n engine.Note) error { notes = append(notes, n); return nil }))
	d.must(d.runtime.Restore(d.now, notes))
	d.must(d.store.Unsettled(func(m *engine.Message, charged int) error {
		return d.runtime.Recall(engine.Unsettled{Message: m, Charged: charged})
	}))
	for _, e := range d.runtime.Recover(d.now) {
		d.perform(e)
	}
}

func (d *tiny) perform(e Effects) {
	d.must(d.store.Commit(nil, append(e.Persist, d.runtime.Notes()...)))
	for _, id := range e.Clear {
		delete(d.alarms, id)
	}
	for _, a := range e.Set {
		d.alarms[a.ID] = a
	}
	for _, m := range e.Monitored {
		for _, run := range m.Runs {
			d.tell("run", run.ProviderRefID, run.Received, run.Counters, run.Audiences)
		}
	}
	for _, op := range e.Send {
		d.tell("attempt", op.Message.ID, op.Number, string(op.Message.Body))
		c := engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: d.answers(op.Message.ID)}}
		d.perform(d.runtime.Completed(d.now, op, c))
	}
	for _, turn := range e.Turns {
		state, _, err := d.store.Load(turn.Profile)
		d.must(err)
		after, exports := d.runtime.View().Turn(nil, d.now, e.Dataflow, state, turn.Audiences)
		if len(exports) > 0 {
			d.must(d.store.Commit([]engine.State{after}, nil))
			d.perform(d.runtime.Accept(d.now, e.Dataflow, exports...))
		}
		d.runtime.Turned(e.Dataflow, turn)
		d.must(d.store.Commit(nil, d.runtime.Notes()))
	}
	for _, audiences := range e.Backfill {
		var members []profile.ID
		d.must(d.store.States(func(s engine.State) error {
			if slices.ContainsFunc(audiences, s.Profile.In) {
				members = append(members, s.Profile.ID)
			}
			return nil
		}))
		d.perform(d.runtime.Backfill(d.now, e.Dataflow, audiences, members))
	}
	for _, ref := range e.Import {
		d.enter(ref)
	}
	for _, ref := range e.Expire {
		d.leave(ref)
	}
}

// upload keeps the rows of an upload, a chunk each, and begins its term.
func (d *tiny) upload(ref profile.AudienceRef, rows []string) {
	d.number++
	for chunk, row := range rows {
		d.must(d.store.Commit(nil, []engine.Record{noted(RowsKey(d.number, chunk), row)}))
	}
	e := d.runtime.Upload(d.now, ref, upload.Spec{TTL: 25 * 24 * time.Hour}, File{d.number, len(rows), int64(len(rows))})
	d.tell("upload", ref.ID, e.Refused)
	d.perform(e)
}

// enter makes the rows of an upload members.
func (d *tiny) enter(ref profile.AudienceRef) {
	var rows []profile.ID
	d.must(d.store.Notes(func(n engine.Note) error {
		if number, of := RowsOf(n.Key); of && number == d.runtime.FileOf(ref).Number {
			var id profile.ID
			d.must(json.Unmarshal(n.Value, &id))
			rows = append(rows, id)
		}
		return nil
	}))
	d.tell("import", ref.ID, rows)
	for _, id := range rows {
		d.update(upload.Enter(id, ref, upload.Member{}, false))
	}
	d.runtime.Imported(ref)
	d.must(d.store.Commit(nil, d.runtime.Notes()))
}

// leave has the members of an upload exit.
func (d *tiny) leave(ref profile.AudienceRef) {
	var members []profile.ID
	d.must(d.store.States(func(s engine.State) error {
		if s.Profile.In(ref) {
			members = append(members, s.Profile.ID)
		}
		return nil
	}))
	d.tell("expire", ref.ID, members)
	for _, id := range members {
		d.update(upload.Leave(id, ref))
	}
	d.runtime.Expired(ref)
	d.must(d.store.Commit(nil, d.runtime.Notes()))
}

func (d *tiny) tell(what ...any) {
	d.told = append(d.told, d.now.Format(time.RFC3339)+" "+fmt.Sprintln(what...))
}

// until rings every alarm up to a time, the earliest first.
func (d *tiny) until(end time.Time) {
	for {
		ids := slices.SortedFunc(maps.Keys(d.alarms), func(a, b AlarmID) int {
			x, y := d.alarms[a], d.alarms[b]
			return cmp.Or(x.At.Compare(y.At), strings.Compare(string(x.Kind), string(y.Kind)), cmp.Compare(a, b))
		})
		if len(ids) == 0 || d.alarms[ids[0]].At.After(end) {
			d.now = end
			return
		}
		next := d.alarms[ids[0]]
		delete(d.alarms, next.ID)
		if next.At.After(d.now) {
			d.now = next.At
		}
		d.perform(d.runtime.Ring(d.now, next.ID))
	}
}

func (d *tiny) update(u profile.Update) {
	state, ok, err := d.store.Load(u.Profile)
	d.must(err)
	if !ok {
		state = engine.State{Profile: profile.Profile{ID: u.Profile, Identities: map[string][]string{"crm": {string(u.Profile)}}}}
	}
	state, exports := d.runtime.View().Decide(nil, d.now, state, u)
	d.must(d.store.Commit([]engine.State{state}, nil))
	for _, x := range exports {
		d.perform(d.runtime.Accept(d.now, x.Dataflow, x))
	}
}

func (d *tiny) act(a Action) {
	a.Dataflow = "one"
	e := d.runtime.Act(d.now, a)
	d.tell("act", a.Kind, e.Refused)
	d.perform(e)
}

// kept is everything that a restart would take up, as text.
func (d *tiny) kept() string {
	f := d.runtime.dataflows[0]
	k := f.kept()
	for i := range k.Backfills {
		k.Backfills[i].Number = 0 // they begin anew where nothing is left of those before
	}
	text, err := json.Marshal(k)
	d.must(err)
	overview, _ := d.runtime.Overview(d.now, "one")
	return fmt.Sprintf("%s\n%+v\n%+v", text, overview, d.runtime.Uploads())
}

// step is one random thing that happens.
func step(t *rapid.T, n int) func(*tiny) {
	id := profile.ID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, fmt.Sprint("profile ", n)))
	ref := rapid.SampledFrom([]profile.AudienceRef{cars, films}).Draw(t, fmt.Sprint("audience ", n))
	audiences := []profile.AudienceRef{ref}
	update := func(op profile.Op) func(*tiny) {
		return func(d *tiny) {
			d.update(profile.Update{Profile: id, Changes: []profile.Change{{Op: op, Audience: ref}}})
		}
	}
	act := func(kind ActionKind) func(*tiny) {
		return func(d *tiny) { d.act(Action{Kind: kind, Audiences: audiences, Names: []string{"Renamed"}}) }
	}
	rows := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3).Draw(t, fmt.Sprint("rows ", n))
	all := []func(*tiny){func(d *tiny) { d.upload(films, rows) }, func(d *tiny) { d.upload(films, rows) },
		func(d *tiny) { d.act(Action{Kind: Refresh, Audiences: []profile.AudienceRef{films}}) }, update(profile.Qualify), update(profile.Qualify), update(profile.Qualify), update(profile.Exit),
		act(Map), act(Map), act(Unmap), act(Disable), act(Enable), act(Delete), act(Activate), act(Rename)}
	what := all[rapid.IntRange(0, len(all)-1).Draw(t, fmt.Sprint("what ", n))]
	wait := time.Duration(rapid.IntRange(0, 50).Draw(t, fmt.Sprint("minutes ", n))) * time.Minute
	if rapid.IntRange(0, 9).Draw(t, fmt.Sprint("long ", n)) == 0 {
		wait = 20 * 24 * time.Hour
	}
	return func(d *tiny) { d.until(d.now.Add(wait)); what(d) }
}

// A runtime that is restarted after every event does what one that goes on
// does: the same attempts, runs and refusals at the same times.
func TestRestart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		goesOn, restarts := newTiny(t), newTiny(t)
		for n := range rapid.IntRange(1, 25).Draw(t, "steps") {
			do := step(t, n)
			do(goesOn)
			do(restarts)
			restarts.start()
			if diff := gocmp.Diff(goesOn.told, restarts.told); diff != "" {
				t.Fatalf("what happened, going on and restarting (-on +again):\n%s", diff)
			}
			if diff := gocmp.Diff(goesOn.kept(), restarts.kept()); diff != "" {
				t.Fatalf("what is kept, going on and restarting (-on +again):\n%s", diff)
			}
		}
		goesOn.until(goesOn.now.Add(3 * time.Hour))
		restarts.until(restarts.now.Add(3 * time.Hour))
		if diff := gocmp.Diff(goesOn.told, restarts.told); diff != "" {
			t.Fatalf("what happened in the end, going on and restarting (-on +again):\n%s", diff)
		}
		notes := 0
		restarts.must(restarts.store.Notes(func(n engine.Note) error {
			if number, of := RowsOf(n.Key); of && !restarts.runtime.Awaits(number) && number == restarts.runtime.FileOf(films).Number {
				t.Fatalf("%s is left, and the upload is over", n.Key)
			}
			if strings.HasPrefix(n.Key, backfillNote) && len(restarts.runtime.dataflows[0].dispatcher.Backfills()) == 0 {
				notes++
			}
			return nil
		}))
		if notes > 0 {
			t.Fatalf("%d notes of backfills are left, and none is under way", notes)
		}
	})
}
