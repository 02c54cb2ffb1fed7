package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
)

var ref = profile.AudienceRef{Namespace: "ups", ID: "delorean"}

// sent is one attempt as a receiver sees it.
type sent struct {
	id     string
	number int
	at     time.Duration // since the receiver began
}

// receiver is the far end of a test: it takes a while for each attempt, and
// answers as answer says.
type receiver struct {
	began  time.Time
	takes  time.Duration
	answer func(op engine.Operation) retry.Outcome

	mu       sync.Mutex
	attempts []sent
	open     int
	most     int // attempts at once
}

func newReceiver() *receiver {
	return &receiver{began: time.Now(), takes: 10 * time.Millisecond, answer: func(engine.Operation) retry.Outcome { return status(200) }}
}

func status(code int) retry.Outcome { return retry.Outcome{Kind: retry.Answered, Status: code} }

// perform is a Perform.
func (r *receiver) perform(ctx context.Context, op engine.Operation) engine.Completion {
	r.mu.Lock()
	r.attempts = append(r.attempts, sent{op.Message.ID, op.Number, time.Since(r.began)})
	r.open++
	r.most = max(r.most, r.open)
	r.mu.Unlock()
	timer := time.NewTimer(r.takes)
	defer timer.Stop()
	o := retry.Outcome{Kind: retry.Timeout}
	select {
	case <-timer.C:
		o = r.answer(op)
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	return engine.Completion{Outcome: o}
}

func (r *receiver) seen() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.attempts)
}

func config(s store.Store, r *receiver) Config {
	f := dataflow.Dataflow{ID: "dataflow", Audiences: []profile.AudienceRef{ref}, Attributes: []profile.Path{"n"}, MaxInFlight: 4}
	snapshot, _ := dataflow.NewSnapshot(f, audience.NewDirectory(audience.Audience{Ref: ref, Name: "delorean"})).Activate(time.Now())
	settings := engine.Settings{Policy: retry.Documented(), MaxInFlight: 4, Certificate: engine.NeverPresent}
	return Config{Dataflows: []flow.Dataflow{{Snapshot: snapshot, Settings: settings}}, Store: s, Perform: r.perform, Shards: 3}
}

// started runs a driver until stop is called, which returns what Run returned.
func started(t *testing.T, c Config) (d *Driver, stop func() error) {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return d, func() error { cancel(); return <-ended }
}

func qualify(id string) profile.Update {
	return profile.Update{Profile: profile.ID(id), Changes: []profile.Change{{Op: profile.Qualify, Audience: ref}}}
}

func write(id string, n int64) profile.Update {
	return profile.Update{Profile: profile.ID(id), Changes: []profile.Change{{Op: profile.Set, Path: "n", Value: n}}}
}

func submit(t *testing.T, d *Driver, updates ...profile.Update) {
	t.Helper()
	for _, u := range updates {
		if err := d.Submit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
}

// settled waits until everything that was accepted is settled.
func settled(d *Driver) {
	for d.Stats().Pending > 0 || d.Stats().UnderWay > 0 {
		<-time.After(time.Millisecond) // of the bubble: it costs nothing
	}
}

// The exports of a profile are sent in order, the next when the one before is
// settled; other profiles do not wait; and no more than the limit is under way.
func TestOrderAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.answer = func(op engine.Operation) retry.Outcome {
			if op.Message.ID == "doc#1" && op.Number < 3 {
				return status(503)
			}
			return status(200)
		}
		d, stop := started(t, config(memory.New(), r))
		submit(t, d, qualify("doc"), write("doc", 1), write("doc", 2))
		var clients sync.WaitGroup
		for n := range 40 {
			clients.Go(func() {
				if err := d.Submit(t.Context(), qualify(fmt.Sprintf("p%d", n))); err != nil {
					t.Error(err)
				}
			})
		}
		clients.Wait()
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		var doc []string
		others := time.Duration(0)
		for _, s := range r.seen() {
			if s.id[:3] == "doc" {
				doc = append(doc, fmt.Sprintf("%s/%d", s.id, s.number))
			} else {
				others = max(others, s.at)
			}
		}
		if want := []string{"doc#1/1", "doc#1/2", "doc#1/3", "doc#2/1", "doc#3/1"}; !slices.Equal(doc, want) {
			t.Errorf("attempts of doc: %v; want %v", doc, want)
		}
		if others > time.Second {
			t.Errorf("another profile waited %s for the retries of doc", others)
		}
		if r.most != 4 {
			t.Errorf("%d attempts at once; want 4, the limit", r.most)
		}
		if s := d.Stats(); s.Updates != 43 || s.Exports != 43 || s.Delivered != 43 || s.Dropped != 0 || s.Attempts != 45 {
			t.Errorf("Stats = %+v", s)
		}
	})
}

func TestRetryDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newReceiver(), memory.New()
		r.answer = func(engine.Operation) retry.Outcome { return status(500) }
		d, stop := started(t, config(s, r))
		submit(t, d, qualify("doc"))
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		want := []sent{{"doc#1", 1, 0}, {"doc#1", 2, 15*time.Second + r.takes}, {"doc#1", 3, 45*time.Second + 2*r.takes}}
		if got := r.seen(); !slices.Equal(got, want) {
			t.Errorf("attempts %v; want %v", got, want)
		}
		var letters []store.DeadLetter
		if err := s.Dead(func(l store.DeadLetter) error { letters = append(letters, l); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(letters) != 1 || letters[0].Attempts != 3 || letters[0].Outcome != status(500) {
			t.Errorf("dead letters %+v; want one of three attempts that ended with 500", letters)
		}
	})
}

// While the backlog is full, whoever submits waits, and nobody is refused.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.takes = time.Second
		c := config(memory.New(), r)
		c.Backlog = 8
		d, stop := started(t, c)
		var clients sync.WaitGroup
		accepted := make(chan time.Duration, 64)
		for n := range 32 {
			clients.Go(func() {
				if err := d.Submit(t.Context(), qualify(fmt.Sprintf("p%d", n))); err != nil {
					t.Error(err)
				}
				accepted <- time.Since(r.began)
			})
		}
		clients.Wait()
		close(accepted)
		atOnce, last := 0, time.Duration(0)
		for at := range accepted {
			last = max(last, at)
			if at == 0 {
				atOnce++
			}
		}
		if atOnce != 8 || last < 5*time.Second {
			t.Errorf("%d updates were accepted at once, the last after %s; want 8, and to wait for the receiver", atOnce, last)
		}
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A clean end waits for the attempts under way and their settlement, starts no
// new ones, and takes no more updates; the rest stays in the store, and is
// delivered after the next start.
func TestCleanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newReceiver(), memory.New()
		r.takes = time.Second
		d, stop := started(t, config(s, r))
		for n := range 10 {
			submit(t, d, qualify(fmt.Sprintf("p%d", n)))
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if err := d.Submit(t.Context(), qualify("late")); !errors.Is(err, ErrDraining) {
			t.Errorf("Submit after the end = %v; want ErrDraining", err)
		}
		if st := d.Stats(); st.Delivered != 4 || st.UnderWay != 0 || st.Pending != 6 {
			t.Errorf("Stats after the end = %+v; want the 4 under way delivered and 6 pending", st)
		}
		d, stop = started(t, config(s, r))
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := r.seen(); len(got) != 10 {
			t.Errorf("%d attempts over both runs; want 10, one each", len(got))
		}
	})
}

// Attempts that are charged ahead wait for a socket: no more than the limit are
// on the wire, and a clean end sends what is charged, and nothing else.
func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newReceiver(), memory.New()
		r.takes = time.Second
		c := config(s, r)
		c.Ahead = 3
		d, stop := started(t, c)
		for n := range 10 {
			submit(t, d, qualify(fmt.Sprintf("p%d", n)))
		}
		synctest.Wait()
		charged := 0
		if err := s.Unsettled(func(_ *engine.Message, attempts int) error { charged += attempts; return nil }); err != nil {
			t.Fatal(err)
		}
		if st := d.Stats(); charged != 7 || st.Attempts != 4 || st.UnderWay != 7 {
			t.Errorf("%d charged, %+v; want 7, of which 4 have begun", charged, st)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if st := d.Stats(); st.Delivered != 7 || st.UnderWay != 0 || st.Pending != 3 {
			t.Errorf("Stats after the end = %+v; want the 7 that were charged delivered and 3 pending", st)
		}
		if r.most != 4 {
			t.Errorf("%d attempts at once; want 4, the limit", r.most)
		}
		var order []string
		for _, a := range r.seen() {
			order = append(order, a.id)
		}
		slices.Sort(order[:4]) // they begin at once
		slices.Sort(order[4:])
		if want := []string{"p0#1", "p1#1", "p2#1", "p3#1", "p4#1", "p5#1", "p6#1"}; !slices.Equal(order, want) {
			t.Errorf("sent %v; want %v, first come, first served", order, want)
		}
	})
}

// A single update is durable at once; one right after a group waits for more,
// and no longer than Linger.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(memory.New(), newReceiver())
		c.Linger = time.Second
		c.Dataflows[0].Settings.MaxInFlight = 64
		d, stop := started(t, c)
		began := time.Now()
		submit(t, d, qualify("alone"))
		if took := time.Since(began); took != 0 {
			t.Errorf("an update that came alone waited %s", took)
		}
		time.Sleep(100 * time.Millisecond)
		var clients sync.WaitGroup
		for n := range 5 {
			clients.Go(func() {
				time.Sleep(time.Duration(n) * 100 * time.Millisecond)
				if err := d.Submit(t.Context(), qualify(fmt.Sprintf("p%d", n))); err != nil {
					t.Error(err)
				}
				// The delivery of the first is settled by a group of its own, 1 ms in.
				if at := time.Since(began); at < time.Second || at > 1100*time.Millisecond {
					t.Errorf("update %d was durable after %s; want with the others, after a second", n, at)
				}
			})
		}
		clients.Wait()
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A profile that comes once is not kept in memory; one that comes again is.
func TestKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := started(t, config(memory.New(), newReceiver()))
		submit(t, d, qualify("once"), qualify("doc"))
		settled(d)
		known := func() (n int) {
			for _, s := range d.shards {
				s.mu.Lock()
				n += s.known.Len()
				s.mu.Unlock()
			}
			return n
		}
		if n := known(); n != 0 {
			t.Errorf("%d states are kept of profiles that came once", n)
		}
		submit(t, d, write("doc", 1))
		settled(d)
		if n := known(); n != 1 {
			t.Errorf("%d states are kept; want that of the profile that came twice", n)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFinishQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.answer = func(op engine.Operation) retry.Outcome {
			if op.Number == 1 {
				return status(503)
			}
			return status(200)
		}
		c := config(memory.New(), r)
		c.FinishQueue = true
		d, stop := started(t, c)
		for n := range 10 {
			submit(t, d, qualify(fmt.Sprintf("p%d", n)))
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if st := d.Stats(); st.Delivered != 10 || st.Pending != 0 {
			t.Errorf("Stats after the end = %+v; want all 10 delivered", st)
		}
	})
}

// The end by force cuts off what is under way; it counts as failed after the
// next start, and is retried when it is due.
func TestAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newReceiver(), memory.New()
		r.takes = time.Minute
		d, stop := started(t, config(s, r))
		submit(t, d, qualify("doc"))
		synctest.Wait()
		d.Abort()
		if err := stop(); err == nil {
			t.Error("Run returned no error after Abort")
		}
		r.takes = time.Millisecond
		again := time.Since(r.began)
		d, stop = started(t, config(s, r))
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		want := []sent{{"doc#1", 1, 0}, {"doc#1", 2, again + 15*time.Second}}
		if got := r.seen(); !slices.Equal(got, want) {
			t.Errorf("attempts %v; want %v", got, want)
		}
	})
}

// failing is a store whose nth commit fails.
type failing struct {
	store.Store
	left int
}

func (f *failing) Commit(states []engine.State, records []engine.Record) error {
	if f.left--; f.left < 0 {
		return errors.New("the disk is gone")
	}
	return f.Store.Commit(states, records)
}

// A store that fails ends the driver: the update is not acknowledged, nothing
// of the group is sent, and Run returns the reason.
func TestStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		d, stop := started(t, config(&failing{memory.New(), 0}, r))
		if err := d.Submit(t.Context(), qualify("doc")); err == nil || err.Error() != "the disk is gone" {
			t.Errorf("Submit = %v; want the error of the store", err)
		}
		if err := stop(); err == nil {
			t.Error("Run returned no error")
		}
		if got := r.seen(); len(got) != 0 {
			t.Errorf("attempts %v, of a message that is not durable", got)
		}
	})
}

// slowDisk is a store whose commits take a second.
type slowDisk struct{ store.Store }

func (s slowDisk) Commit(states []engine.State, records []engine.Record) error {
	time.Sleep(time.Second) // of the bubble
	return s.Store.Commit(states, records)
}

// Who waits until nothing is pending finds every dead letter, in the list and in the
// count: an export is pending until the store has what became of it.
func TestPendingUntilDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := newReceiver(), slowDisk{memory.New()}
		r.answer = func(engine.Operation) retry.Outcome { return status(503) }
		d, stop := started(t, config(s, r))
		submit(t, d, qualify("doc"), qualify("marty"))
		for d.Stats().Pending > 0 {
			<-time.After(100 * time.Millisecond) // of the bubble
		}
		letters := 0
		if err := s.Dead(func(store.DeadLetter) error { letters++; return nil }); err != nil {
			t.Fatal(err)
		}
		if st := d.Stats(); letters != 2 || st.Dead != 2 || st.Dropped != 2 {
			t.Errorf("nothing is pending; %d dead letters in the store, %d counted, %d dropped; want 2", letters, st.Dead, st.Dropped)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// full is a store without room for anything new.
type full struct{ store.Store }

func (full) Room() error { return store.ErrFull }

func TestFullStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := started(t, config(full{memory.New()}, newReceiver()))
		if err := d.Submit(t.Context(), qualify("doc")); !errors.Is(err, store.ErrFull) {
			t.Errorf("Submit = %v; want ErrFull", err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
