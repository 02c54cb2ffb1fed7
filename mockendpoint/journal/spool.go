package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
)

// Entry is one thing that the journal keeps: a request or a handshake.
type Entry struct {
	Sequence  uint64 // in the order they were journalled, from 1
	Request   *Request
	Handshake *Handshake
	BodySize  int // of the request, also where the body itself was not asked for
}

// The default bounds of a Spool. A mark is 48 bytes.
const (
	DefaultMemory = 32 << 20
	chunkSize     = 256 << 10
	maxMarks      = 1 << 16
)

// SpoolOptions bound a Spool; the zero value is ready to use.
type SpoolOptions struct {
	// Path is the file of the journal; it is kept, and continued where it
	// exists. "" is a temporary one that goes with the Spool.
	Path string
	// Memory is how many bytes of the newest entries stay in memory; 0 means
	// DefaultMemory.
	Memory int64
}

// Spool is a Sink of bounded memory: the newest entries in memory, all of them
// in a file. Every entry has a sequence number, by which it is found again, also
// on disk. Entries that neither memory nor disk could keep are counted
// (Stats.Lost). The endpoint waits for the disk, but never for a reader. It is
// safe for concurrent use.
type Spool struct {
	buffers sync.Pool // of *[]byte

	mu     sync.Mutex
	file   backing
	remove string // the path to remove at the end
	limits limits
	chunks []*chunk // in memory, the oldest first; the last one is being filled
	held   int64    // bytes of them
	marks  []mark   // where chunks are in the file, in order
	begin  int64    // of the entries in the file
	end    int64    // of the file
	next   uint64   // sequence number to come
	first  uint64   // the oldest that may be asked for: those before it were cleared
	stats  Stats
	woken  chan struct{} // closed by the next entry; nil when nobody waits
	clears uint64
	closed bool
}

type limits struct {
	memory int64
	chunk  int
	marks  int
}

// backing is what a Spool needs of a file.
type backing interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
}

// chunk is a run of frames.
type chunk struct {
	mark
	data  []byte
	count uint64
	saved bool
}

// mark is where a run of frames is in the file, and of what time.
type mark struct {
	offset, length int64
	first, last    uint64 // sequence numbers
	from, to       int64  // ns
}

// Stats is what a Spool holds, and what it does not.
type Stats struct {
	Entries     uint64 // since the beginning, or the last Clear
	Requests    uint64 // of them
	Handshakes  uint64 // of them
	Next        uint64 // the sequence number of the next entry
	First       uint64 // the oldest sequence number that may still be there
	Lost        uint64 // entries that neither memory nor disk could keep, ever
	MemoryBytes int64
	FileBytes   int64
	Failure     string // why the disk does not take entries now; "" when it does
}

// NewSpool opens a journal. An existing file of SpoolOptions.Path is continued;
// where its end was cut off in the middle of an entry, that entry counts as
// lost.
func NewSpool(o SpoolOptions) (*Spool, error) {
	var file *os.File
	var err error
	remove := ""
	if o.Path == "" {
		if file, err = os.CreateTemp("", "httpdest-journal-*"); err == nil && os.Remove(file.Name()) != nil {
			remove = file.Name() // a system that cannot remove an open file
		}
	} else {
		file, err = os.OpenFile(o.Path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	s := newSpool(file, limits{o.Memory, chunkSize, maxMarks})
	s.remove = remove
	if err := s.recover(file); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", o.Path, err), file.Close())
	}
	return s, nil
}

func newSpool(file backing, l limits) *Spool {
	if l.memory == 0 {
		l.memory = DefaultMemory
	}
	s := &Spool{file: file, limits: l, next: 1, first: 1}
	s.buffers.New = func() any { return new([]byte) }
	s.chunks = []*chunk{newChunk(l.chunk)}
	return s
}

func newChunk(size int) *chunk {
	return &chunk{data: make([]byte, 0, size), mark: mark{from: math.MaxInt64, to: math.MinInt64}}
}

// Request implements Sink.
func (s *Spool) Request(r Request) {
	b := s.buffers.Get().(*[]byte)
	*b = appendRequest(begin(*b), &r)
	finish(*b)
	s.append(*b, nanos(r.Arrived), &s.stats.Requests)
	s.buffers.Put(b)
}

// Handshake implements Sink.
func (s *Spool) Handshake(h Handshake) {
	b := s.buffers.Get().(*[]byte)
	*b = appendHandshake(begin(*b), &h)
	finish(*b)
	s.append(*b, nanos(h.Accepted), &s.stats.Handshakes)
	s.buffers.Put(b)
}

// append takes a finished frame over.
func (s *Spool) append(f []byte, at int64, kind *uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.stats.Lost++
		return
	}
	c := s.chunks[len(s.chunks)-1]
	if len(c.data)+len(f) > cap(c.data) && c.count > 0 {
		c = newChunk(max(s.limits.chunk, len(f)))
		s.chunks = append(s.chunks, c)
		s.save()
		s.evict()
	}
	number(f, s.next)
	if c.count == 0 {
		c.first = s.next
	}
	c.data = append(c.data, f...)
	c.last, c.length = s.next, int64(len(c.data))
	c.from, c.to = min(c.from, at), max(c.to, at)
	c.count++
	s.held += int64(len(f))
	s.next++
	s.stats.Entries++
	*kind++
	if s.woken != nil {
		close(s.woken)
		s.woken = nil
	}
}

// save writes every full chunk that is not in the file yet. A disk that failed
// is tried again with every chunk.
func (s *Spool) save() {
	for _, c := range s.chunks[:len(s.chunks)-1] {
		if !c.saved && !s.write(c) {
			return
		}
	}
}

func (s *Spool) write(c *chunk) bool {
	if _, err := s.file.WriteAt(c.data, s.end); err != nil {
		s.stats.Failure = err.Error()
		return false
	}
	s.stats.Failure = ""
	c.saved, c.offset = true, s.end
	s.end += int64(len(c.data))
	s.mark(c.mark)
	return true
}

// mark remembers where frames are. When there are too many marks, one stands for
// what two stood for.
func (s *Spool) mark(m mark) {
	s.marks = append(s.marks, m)
	if len(s.marks) < s.limits.marks {
		return
	}
	half := s.marks[:0]
	for i := 0; i < len(s.marks); i += 2 {
		m := s.marks[i]
		if i+1 < len(s.marks) {
			n := s.marks[i+1]
			m.length, m.last, m.from, m.to = m.length+n.length, n.last, min(m.from, n.from), max(m.to, n.to)
		}
		half = append(half, m)
	}
	s.marks = half
}

// evict drops the oldest chunks from memory. Entries that are not on disk are
// lost then, and counted.
func (s *Spool) evict() {
	for s.held > s.limits.memory && len(s.chunks) > 1 {
		c := s.chunks[0]
		if !c.saved {
			s.stats.Lost += c.count
		}
		s.held -= int64(len(c.data))
		s.chunks[0] = nil
		s.chunks = s.chunks[1:]
	}
}

// Clear forgets all entries. Sequence numbers go on.
func (s *Spool) Clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks, s.held, s.marks, s.end = []*chunk{newChunk(s.limits.chunk)}, 0, nil, s.begin
	s.first = s.next
	s.stats.Entries, s.stats.Requests, s.stats.Handshakes = 0, 0, 0
	s.clears++
	if s.woken != nil {
		close(s.woken)
		s.woken = nil
	}
	if err := s.file.Truncate(s.begin); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Stats counts what the journal holds.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Next, out.First, out.MemoryBytes, out.FileBytes = s.next, s.first, s.held, s.end
	return out
}

// Wait returns when there is an entry after the one of that number, or the
// journal was cleared since the given count of Clears; with ctx's error when it
// is done first. A reader that lags is never waited for: it reads on from where
// it is.
func (s *Spool) Wait(ctx context.Context, after, clears uint64) error {
	for {
		s.mu.Lock()
		if s.next > after+1 || s.clears != clears {
			s.mu.Unlock()
			return nil
		}
		if s.woken == nil {
			s.woken = make(chan struct{})
		}
		woken := s.woken
		s.mu.Unlock()
		select {
		case <-woken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Clears counts the calls of Clear.
func (s *Spool) Clears() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clears
}

// Close writes what is in memory alone to a file that is kept, and closes it.
// Its error, and Stats.Lost, report entries that are in neither.
func (s *Spool) Close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.save()
	if last := s.chunks[len(s.chunks)-1]; last.count > 0 && s.stats.Failure == "" {
		s.write(last)
	}
	if s.stats.Failure != "" {
		err = fmt.Errorf("journal: %s", s.stats.Failure)
	}
	err = errors.Join(err, s.file.Close())
	if s.remove != "" {
		err = errors.Join(err, os.Remove(s.remove))
	}
	return err
}
