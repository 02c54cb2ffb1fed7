package engine

import (
	"bytes"

	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// MaxProfiles is how many profiles a message may carry at most (R36).
const MaxProfiles = 10

// Encoding is how the profile objects of a message are put together where a
// message may carry several (A23).
type Encoding string

// A list of profile objects, or an object whose only key profiles holds it.
const (
	AsArray    Encoding = "array"
	AsProfiles Encoding = "profiles"
)

// Batching is how exports become messages.
type Batching struct {
	Max      int      // exports in a message at most; below 2 each message is the profile object itself (R40)
	Encoding Encoding // of every message where Max is above 1, those that carry one export included
}

// compose puts the body of a message together. A receiver of batches gets one
// form, however many profiles were due.
func (b Batching) compose(exports []Export) []byte {
	if b.Max < 2 {
		return exports[0].Body
	}
	var body bytes.Buffer
	if b.Encoding == AsProfiles {
		body.WriteString(`{"profiles":`)
	}
	for i, x := range exports {
		body.WriteByte("[,"[min(i, 1)])
		body.Write(x.Body)
	}
	body.WriteByte(']')
	if b.Encoding == AsProfiles {
		body.WriteByte('}')
	}
	return body.Bytes()
}

// messageState is a message with what became of it. Once it is charged neither its
// exports nor its body change: a retry repeats it byte by byte (A9).
type messageState struct {
	message *Message
	queues  []*queue        // whose heads it carries, in the order of its exports
	number  int             // attempts charged
	held    int             // bytes of its bodies that count as in memory
	onWire  bool            // an attempt is under way, and not only charged
	deleted bool            // the dataflow is gone: no retry
	last    retry.Outcome   // of the last attempt that ended
	token   dataflow.Secret // that the attempt under way carries
}

// pack makes one message of the heads of queues, each of another profile.
func (b Batching) pack(queues []*queue) *messageState {
	// In one piece: there is one for every message.
	all := &struct {
		state   messageState
		message Message
		one     [1]Export
	}{}
	exports, p := all.one[:], &all.state
	if len(queues) > 1 {
		exports = make([]Export, len(queues))
	}
	p.queues = queues
	for i, q := range queues {
		exports[i] = *q.exports[0]
		q.carrier = p
	}
	p.message = &all.message
	*p.message = Message{ID: exports[0].ID, Exports: exports}
	if !p.message.Stored() {
		p.message.Body = b.compose(exports)
	}
	return p
}

// readyQueue is what may be sent now, first come first served: messages whose retry
// is due, and queues whose head no message carries yet. The second ride along
// with each other, so they are apart.
type readyQueue struct {
	again agenda.Queue[turnOf[*messageState]]
	fresh agenda.Queue[turnOf[*queue]]
	last  uint64
}

type turnOf[T any] struct {
	number uint64
	who    T
}

func (l *readyQueue) retry(p *messageState) {
	l.last++
	l.again.Add(turnOf[*messageState]{l.last, p})
}

func (l *readyQueue) add(q *queue) {
	l.last++
	l.fresh.Add(turnOf[*queue]{l.last, q})
}

func (l *readyQueue) len() int { return l.again.Len() + l.fresh.Len() }

// take is the next message to send. Exports that are ready now share it as far
// as it has room; nothing waits for it to fill (R37).
func (l *readyQueue) take(b Batching) *messageState {
	if l.fresh.Len() == 0 || l.again.Len() > 0 && l.again.First().number < l.fresh.First().number {
		return l.again.Take().who
	}
	queues := make([]*queue, min(l.fresh.Len(), max(1, b.Max)))
	for i := range queues {
		queues[i] = l.fresh.Take().who
	}
	return b.pack(queues)
}
