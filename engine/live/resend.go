package live

import (
	"context"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
)

// resend is a dead letter that is to be sent again.
type resend struct {
	message *engine.Message
	outcome retry.Outcome // of its last attempt
	done    chan error
}

// Resend puts a dead letter back into the queue of its profiles, after what
// waits there, with all its attempts before it. It returns when that is
// durable; the error is store.ErrNotDead where there is no such letter.
func (d *Driver) Resend(ctx context.Context, message string) error {
	r := &resend{done: make(chan error, 1)}
	err := d.config.Store.Dead(func(l store.DeadLetter) error {
		if l.Message.ID == message {
			r.message, r.outcome = l.Message, l.Outcome
		}
		return nil
	})
	if err != nil {
		return err
	}
	if r.message == nil {
		return fmt.Errorf("%w: %s", store.ErrNotDead, message)
	}
	if err := handOver(ctx, d, d.resent, r); err != nil {
		return err
	}
	return d.wait(ctx, r.done)
}

// resend takes a dead letter up. Asked for twice at once, it is sent once: the
// second time its exports wait already.
func (l *looping) resend(r *resend) {
	d := l.driver
	if d.resending[r.message.ID] {
		r.done <- fmt.Errorf("%w: %s is being sent again already", store.ErrNotDead, r.message.ID)
		return
	}
	d.resending[r.message.ID] = true
	l.group.records = append(l.group.records, engine.Record{Kind: engine.Resent, Message: r.message})
	l.group.resent = append(l.group.resent, r)
	d.hold(r.message)
	now := time.Now()
	l.happened(now, d.runtime.Resend(now, r.message, r.outcome))
}
