package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/internal/limits"
)

// The bounds of an import.
const (
	underImport = 1024 // updates that are not durable yet
	fullAgain   = 10 * time.Second
)

// rowsAtOnce is of how many rows the profiles are looked for in one pass over the
// store. A test has fewer.
var rowsAtOnce = 50_000

// job is a change of many members: the rows of an upload enter, or everybody who
// is a member leaves.
type job struct {
	audience profile.AudienceRef
	file     flow.File
	leave    bool
}

// members queues what the effects ask for. It begins when the group is durable:
// then every state that was decided before is in the store.
func (l *looping) members(e flow.Effects) {
	for _, ref := range e.Import {
		l.group.jobs = append(l.group.jobs, job{audience: ref, file: l.driver.runtime.FileOf(ref)})
	}
	for _, ref := range e.Expire {
		l.group.jobs = append(l.group.jobs, job{audience: ref, leave: true})
	}
}

// enqueue has jobs done one after the other.
func (d *Driver) enqueue(jobs []job) {
	if len(jobs) == 0 {
		return
	}
	d.jobsMu.Lock()
	defer d.jobsMu.Unlock()
	idle := len(d.jobs) == 0
	d.jobs = append(d.jobs, jobs...)
	if idle {
		d.listing.Go(d.work) // ends with the driver
	}
}

// work does the jobs that are queued. One that the end of the driver cuts off is
// done again at the next start: who is a member already does not enter twice.
func (d *Driver) work() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		d.jobsMu.Lock()
		next := d.jobs[0]
		d.jobsMu.Unlock()
		err := d.do(ctx, next)
		if err == nil {
			err = d.ask(ctx, func(l *looping) {
				if next.leave {
					d.runtime.Expired(next.audience)
				} else {
					d.runtime.Imported(next.audience)
				}
				l.group.noted = true
			})
		}
		if err != nil {
			d.cut(err)
			return
		}
		d.jobsMu.Lock()
		d.jobs = d.jobs[1:]
		done := len(d.jobs) == 0
		d.jobsMu.Unlock()
		if done {
			return
		}
	}
}

// cut ends the driver because of an error of a job, unless the job failed because
// the driver ends.
func (d *Driver) cut(err error) {
	select {
	case <-d.ending:
	default:
		d.fail(err)
	}
}

// do does one job.
func (d *Driver) do(ctx context.Context, j job) error {
	if j.leave {
		return d.leave(ctx, j.audience)
	}
	for after := int64(0); ; {
		rows, namespace, err := d.rowsAfter(j.file.Number, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := d.enter(ctx, j.audience, namespace, rows); err != nil {
			return err
		}
		after = rows[len(rows)-1].Number
	}
}

// errEnough ends a pass over the notes.
var errEnough = errors.New("enough")

// rowsAfter are the next rows of a file after one of them.
func (d *Driver) rowsAfter(number uint64, after int64) (rows []row, namespace string, err error) {
	err = d.config.Store.Notes(func(n engine.Note) error {
		if of, is := flow.RowsOf(n.Key); !is || of != number {
			return nil
		}
		var c chunkOfRows
		if err := json.Unmarshal(n.Value, &c); err != nil {
			return fmt.Errorf("the note %s cannot be read: %w", n.Key, err)
		}
		namespace = c.Namespace
		for _, r := range c.Rows {
			if r.Number > after {
				rows = append(rows, r)
			}
		}
		if len(rows) >= rowsAtOnce {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return rows, namespace, err
}

// holder is a profile that has an identity.
type holder struct {
	profile profile.ID
	in      bool // the audience
}

// enter makes rows members. A row whose identity no profile has makes a profile; of
// two rows for one profile the first counts.
func (d *Driver) enter(ctx context.Context, ref profile.AudienceRef, namespace string, rows []row) error {
	holders := make(map[string]*holder, len(rows))
	for _, r := range rows {
		holders[r.ID] = nil
	}
	err := d.config.Store.States(func(s engine.State) error {
		var has *holder // one for all its identities
		for _, id := range s.Profile.Identities[namespace] {
			if other, wanted := holders[id]; wanted && other == nil {
				if has == nil {
					has = &holder{s.Profile.ID, s.Profile.In(ref)}
				}
				holders[id] = has
			}
		}
		return d.running()
	})
	if err != nil {
		return err
	}
	key := d.keyOf(ref)
	p := &pipeline{driver: d}
	for _, r := range rows {
		m := upload.Member{Identity: profile.Identity{Namespace: namespace, ID: r.ID}}
		has := holders[r.ID]
		created := has == nil
		switch {
		case created:
			has = &holder{profile: profile.ID(fmt.Sprintf("%s-row-%d", key, r.Number))}
			holders[r.ID] = has
		case has.in:
			continue
		}
		has.in = true
		if err := p.submit(ctx, upload.Enter(has.profile, ref, m, created)); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

// keyOf is the key of an uploaded audience.
func (d *Driver) keyOf(ref profile.AudienceRef) string {
	for key, u := range d.config.Uploads {
		if u.Audience == ref {
			return key
		}
	}
	return ref.ID // the configuration has it no more
}

// leave has every member exit.
func (d *Driver) leave(ctx context.Context, ref profile.AudienceRef) error {
	var members []profile.ID
	err := d.config.Store.States(func(s engine.State) error {
		if s.Profile.In(ref) {
			members = append(members, s.Profile.ID)
		}
		return d.running()
	})
	if err != nil {
		return err
	}
	p := &pipeline{driver: d}
	for _, id := range members {
		if err := p.submit(ctx, upload.Leave(id, ref)); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

// running is errEnded once the driver has ended.
func (d *Driver) running() error {
	select {
	case <-d.dead:
		return errEnded
	default:
		return nil
	}
}

// pipeline submits updates one after the other, and waits for some of them at
// once.
type pipeline struct {
	driver *Driver
	waits  []submitted
}

// submitted is an update that is not durable yet.
type submitted struct {
	update profile.Update
	wait   func(context.Context) error
}

// submit takes an update in. It waits while the disk is full.
func (p *pipeline) submit(ctx context.Context, u profile.Update) error {
	for {
		wait, err := p.driver.Begin(ctx, u)
		if errors.Is(err, store.ErrFull) {
			if err := p.driver.pause(fullAgain); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if p.waits = append(p.waits, submitted{u, wait}); len(p.waits) < underImport {
			return nil
		}
		return p.finish(ctx)
	}
}

// finish waits until all are durable. A profile that cannot be read, or would be
// too large, stays as it is; what one became part of is updated in its place.
func (p *pipeline) finish(ctx context.Context) error {
	waits := p.waits
	p.waits = nil
	for _, s := range waits {
		err := s.wait(ctx)
		var gone *MergedAway
		for errors.As(err, &gone) {
			s.update.Profile = gone.Into
			err = p.driver.Submit(ctx, s.update)
		}
		var unreadable *store.Unreadable
		var exceeded *limits.Exceeded
		if err != nil && !errors.As(err, &unreadable) && !errors.As(err, &exceeded) {
			return err
		}
	}
	return nil
}

// pause waits, unless the driver ends.
func (d *Driver) pause(length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.ending:
		return ErrDraining
	case <-d.dead:
		return errEnded
	}
}
