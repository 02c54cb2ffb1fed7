package loadtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/reports"
)

// ReadBack asks the receiver's storage for profiles that a load has sent.
type ReadBack struct {
	// Stored reports whether a profile is there, by its ECID.
	Stored func(ctx context.Context, ecid string) (bool, error)
	// Sample is message number n of those that are asked for, with the ECID of its
	// profile, which no other message has.
	Sample func(n uint64) (m *engine.Message, ecid string)
	Wait   time.Duration // from a 2xx, at most; 0: DefaultReadBack

	count atomic.Uint64
}

// DefaultReadBack is how long a message may take from its 2xx to the storage.
const DefaultReadBack = 30 * time.Second

const (
	// mostSamples is how many messages of a load are asked for, about.
	mostSamples = 64
	// leastSamples are those by which a trend is told.
	leastSamples = 10
	// sampledEvery is the least time between two of them.
	sampledEvery = 100 * time.Millisecond
	// readFirst and readLast are the first and the longest pause between two
	// questions about one message.
	readFirst = 20 * time.Millisecond
	readLast  = time.Second
	// leastBehind is the share by which less must be stored than answered.
	leastBehind = 0.002
)

// StoredInTime is what a read-back asks for unless an objective does: that each
// message is there ten seconds after its 2xx. The limit is our own.
func StoredInTime() Objective {
	return Objective{Text: "stored.max<10s", Quantity: Latency, Over: Stored, Quantile: 1, Op: "<", Limit: 10_000}
}

// storing is what a read-back has seen of a load. It may be used from many
// goroutines.
type storing struct {
	mu      sync.Mutex
	all     []level // when each message was due, and how long it took to be stored, in seconds
	there   []level // those that were stored in time
	missing int64   // were not there in time
	failed  int64   // could not be asked for
	failure error   // the first
}

// found counts a message that is stored, or was not in time.
func (s *storing) found(due, took time.Duration, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := level{due.Seconds(), took.Seconds()}
	if s.all = append(s.all, x); is {
		s.there = append(s.there, x)
	} else {
		s.missing++
	}
}

func (s *storing) broken(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed++; s.failure == nil {
		s.failure = err
	}
}

// times are those from the 2xx to the storage; those of missing messages are as
// long as the read-back waited.
func (s *storing) times() *Histogram {
	h := NewHistogram()
	for _, x := range s.all {
		h.Record(seconds(x.took))
	}
	return h
}

// behind is by which share less is stored than answered, with its standard error;
// 0 where too few messages were stored in time.
func (s *storing) behind() (share, deviation float64) {
	if len(s.there) < leastSamples {
		return 0, 0
	}
	return slopeOf(s.there)
}

// evidence is added to that of a load, and the result to its report.
func (s *storing) evidence(e *Evidence, l *reports.Load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Stored, e.Missing = s.times(), s.missing
	if share, deviation := s.behind(); share >= leastBehind && share >= surely*deviation {
		e.Behind = share
	}
	l.Stored = &reports.Stored{Missing: s.missing, Behind: e.Behind, Time: e.Stored.Distribution()}
	if s.failed > 0 {
		e.Doubts = append(e.Doubts, fmt.Sprintf("the read-back failed %d times: %v", s.failed, s.failure))
		l.Doubts = e.Doubts
	}
}

// sampler chooses the messages of a load that are asked for, and asks for them.
type sampler struct {
	*ReadBack
	storing
	every time.Duration
	next  atomic.Int64 // nanoseconds of the load after which the next is chosen
	made  chan sample  // ahead, so that making one is not in its latency
	ctx   context.Context
	asked sync.WaitGroup
}

// sample is a message that is asked for.
type sample struct {
	message *engine.Message
	ecid    string
}

// newSampler chooses messages of a load that lasts so long, until ctx is done.
func newSampler(ctx context.Context, b *ReadBack, length time.Duration) *sampler {
	s := &sampler{ReadBack: b, every: max(sampledEvery, length/mostSamples), made: make(chan sample, 1), ctx: ctx}
	go func() { // ends with ctx
		for ctx.Err() == nil {
			select {
			case s.made <- b.next():
			case <-ctx.Done():
			}
		}
	}()
	return s
}

// next is a message that no load has sent before.
func (b *ReadBack) next() sample {
	m, ecid := b.Sample(b.count.Add(1))
	return sample{m, ecid}
}

// choose returns a message to be asked for, where it is time for one.
func (s *sampler) choose(now time.Duration) (x sample, ok bool) {
	next := s.next.Load()
	if int64(now) < next || !s.next.CompareAndSwap(next, int64(now+s.every)) {
		return x, false
	}
	select {
	case x = <-s.made:
		return x, true
	default:
		return x, false
	}
}

// ask follows a message from its 2xx to the storage.
func (s *sampler) ask(due time.Duration, ecid string) {
	s.asked.Go(func() { // ends with the time to wait
		ctx := s.ctx
		took, is, err := s.until(ctx, ecid, s.within())
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.broken(err)
		default:
			s.found(due, took, is)
		}
	})
}

// sampling begins to choose messages.
func (x *attacking) sampling(ctx context.Context) {
	if x.ReadBack != nil {
		x.sampler = newSampler(ctx, x.ReadBack, x.Pace.Duration())
		x.recorder.storing = &x.sampler.storing
	}
}

// sample makes an attempt one of a message that is asked for, where it is time for
// one.
func (x *attacking) sample(op *engine.Operation, now time.Duration) (ecid string, ok bool) {
	if x.sampler == nil {
		return "", false
	}
	s, ok := x.sampler.choose(now)
	if ok {
		op.Message = s.message
	}
	return s.ecid, ok
}

// sampled waits until all that was asked for is known.
func (x *attacking) sampled() {
	if x.sampler != nil {
		x.sampler.asked.Wait()
	}
}

// within is how long a message may take.
func (b *ReadBack) within() time.Duration { return cmp.Or(b.Wait, DefaultReadBack) }

// until asks until a profile is there, or the time for it is over.
func (b *ReadBack) until(ctx context.Context, ecid string, most time.Duration) (took time.Duration, is bool, err error) {
	began, wait := time.Now(), readFirst
	for {
		if is, err = b.Stored(ctx, ecid); err != nil || is {
			return time.Since(began), is, err
		}
		if time.Since(began) >= most {
			return most, false, nil
		}
		if err := pause(ctx, wait); err != nil {
			return 0, false, err
		}
		wait = min(readLast, wait*5/4)
	}
}

// Sampler makes messages of profiles that nobody has sent before: as the
// population's, with an ECID of their own. It begins with eight zeros, as those of
// a probe.
func (p *Population) Sampler(b engine.Batching) func(n uint64) (*engine.Message, string) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		panic("loadtest: " + err.Error()) // of a system without randomness
	}
	run := binary.BigEndian.Uint64(random[:]) % 1e15
	b.Max = 1 // one profile, in the form of a batch
	return func(n uint64) (*engine.Message, string) {
		ecid := fmt.Sprintf("00000000%015d%015d", run, n%1e15)
		own := *p
		own.identity = ecid
		for from := n; ; from++ {
			if m := own.messages(from, 1, b); len(m) > 0 {
				return m[0], ecid
			}
		}
	}
}

// stored is what comes of an objective about the storage.
func (o Objective) stored(e Evidence, r *reports.Objective) (missing string, failed bool) {
	switch {
	case e.Behind > 0:
		return fmt.Sprintf("each second of load adds %s until a message can be read back: less is stored than is answered",
			valueText(e.Behind*1000, "ms")), true
	case e.Missing > 0:
		return fmt.Sprintf("%d of %d messages could not be read back in time after their 2xx", e.Missing, r.Samples), true
	case r.Samples < leastSamples:
		return fmt.Sprintf("%d messages that could be read back are too few", r.Samples), false
	}
	return "", false
}
