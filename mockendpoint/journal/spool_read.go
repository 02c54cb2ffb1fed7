package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sort"
)

// ErrNotKept is an entry that was cleared, was lost or never was.
var ErrNotKept = errors.New("no such entry in the journal")

// segment is a run of frames, wherever they are.
type segment struct {
	mark
	data []byte // nil: in the file
}

// before finds the run with the newest entry before a number.
func (s *Spool) before(sequence uint64) (segment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sort.Search(len(s.chunks), func(i int) bool { c := s.chunks[i]; return c.count == 0 || c.first >= sequence })
	if i > 0 {
		return s.chunks[i-1].segment(), true
	}
	if i = sort.Search(len(s.marks), func(i int) bool { return s.marks[i].first >= sequence }); i > 0 {
		return segment{mark: s.marks[i-1]}, true
	}
	return segment{}, false
}

// after finds the run with the oldest entry after a number.
func (s *Spool) after(sequence uint64) (segment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := s.chunks[0]
	if oldest.count == 0 || sequence+1 < oldest.first { // an older one may be in the file
		i := sort.Search(len(s.marks), func(i int) bool { return s.marks[i].last > sequence })
		if i < len(s.marks) && (oldest.count == 0 || s.marks[i].first < oldest.first) {
			return segment{mark: s.marks[i]}, true
		}
	}
	i := sort.Search(len(s.chunks), func(i int) bool { c := s.chunks[i]; return c.count == 0 || c.last > sequence })
	if i < len(s.chunks) && s.chunks[i].count > 0 {
		return s.chunks[i].segment(), true
	}
	return segment{}, false
}

// segment shares the memory of the chunk; frames already in it never change.
func (c *chunk) segment() segment {
	return segment{mark: c.mark, data: c.data[:len(c.data):len(c.data)]}
}

// framed is a frame that was found.
type framed struct {
	sequence uint64
	payload  []byte
}

// frames reads a run. One that was cleared meanwhile is empty.
func (s *Spool) frames(g segment) ([]framed, error) {
	data := g.data
	if data == nil {
		data = make([]byte, g.length)
		if _, err := s.file.ReadAt(data, g.offset); err != nil {
			if s.gone(g) {
				return nil, nil
			}
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	var out []framed
	for len(data) > 0 {
		sequence, payload, rest, err := frame(data)
		if err != nil || sequence < g.first || sequence > g.last {
			if s.gone(g) {
				return nil, nil
			}
			return nil, fmt.Errorf("journal, after entry %d: %w", g.first+uint64(len(out))-1, ErrDamaged)
		}
		out = append(out, framed{sequence, payload})
		data = rest
	}
	return out, nil
}

func (s *Spool) gone(g segment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.first < s.first
}

// Entry returns the entry of a sequence number, with its body; ErrNotKept if it
// is not kept.
func (s *Spool) Entry(sequence uint64) (Entry, error) {
	if g, ok := s.before(sequence + 1); ok && g.last >= sequence {
		all, err := s.frames(g)
		if err != nil {
			return Entry{}, err
		}
		for _, f := range all {
			if f.sequence == sequence {
				return decode(f.sequence, f.payload, true)
			}
		}
	}
	return Entry{}, fmt.Errorf("%w: %d", ErrNotKept, sequence)
}

// Page is an answer to a Query.
type Page struct {
	Entries []Entry
	// More reports that there may be more, on the other side of Cursor: Before it
	// for the newest first, else After it.
	More   bool
	Cursor uint64
}

// Query returns the entries that match, without their bodies. One page reads at
// most maxScan entries, so that a filter that matches nothing ends; its Cursor
// is where to go on.
func (s *Spool) Query(ctx context.Context, q Query) (Page, error) {
	p := Page{Cursor: q.After}
	if q.Newest {
		p.Cursor = q.Before
	}
	scanned := 0
	for f, err := range s.scan(ctx, q) {
		if err != nil {
			return Page{}, err
		}
		if len(p.Entries) == q.limit() || scanned == maxScan {
			p.More = true
			return p, nil
		}
		scanned++
		p.Cursor = f.sequence
		if !q.matches(f.payload) {
			continue
		}
		e, err := decode(f.sequence, f.payload, false)
		if err != nil {
			return Page{}, err
		}
		p.Entries = append(p.Entries, e)
	}
	return p, nil
}

// maxScan is how many entries a page looks at.
const maxScan = 200_000

// All yields every entry that matches, bodies included, one at a time; those
// that come while it reads are not among them. It ignores Limit. After an error
// it ends.
func (s *Spool) All(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if last := s.Stats().Next; q.Before == 0 || q.Before > last {
			q.Before = last
		}
		for f, err := range s.scan(ctx, q) {
			if err == nil && !q.matches(f.payload) {
				continue
			}
			var e Entry
			if err == nil {
				e, err = decode(f.sequence, f.payload, true)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// scan yields the frames within the range of sequence numbers and runs that may
// be of the time asked for.
func (s *Spool) scan(ctx context.Context, q Query) iter.Seq2[framed, error] {
	return func(yield func(framed, error) bool) {
		after, before := q.After, q.Before
		if before == 0 {
			before = s.Stats().Next
		}
		for after+1 < before {
			if err := ctx.Err(); err != nil {
				yield(framed{}, err)
				return
			}
			g, ok := s.after(after)
			if q.Newest {
				g, ok = s.before(before)
			}
			if !ok || g.last <= after || g.first >= before {
				return
			}
			if q.overlaps(g.mark) {
				all, err := s.frames(g)
				if err != nil {
					yield(framed{}, err)
					return
				}
				all = slices.DeleteFunc(all, func(f framed) bool { return f.sequence <= after || f.sequence >= before })
				if q.Newest {
					slices.Reverse(all)
				}
				for _, f := range all {
					if !yield(f, nil) {
						return
					}
				}
			}
			if q.Newest {
				before = g.first
			} else {
				after = g.last
			}
		}
	}
}

// signature begins the file of a journal. A file of anybody else is left alone.
const signature = "httpdest journal 1\n"

// ErrNoJournal is a file that no Spool wrote.
var ErrNoJournal = errors.New("not a journal of httpdest mock")

// recover reads a file that an earlier Spool left, or begins a new one.
func (s *Spool) recover(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	s.begin, s.end = int64(len(signature)), int64(len(signature))
	if info.Size() == 0 {
		_, err := file.WriteAt([]byte(signature), 0)
		return err
	}
	r := io.NewSectionReader(file, 0, info.Size())
	found := make([]byte, len(signature))
	if _, err := io.ReadFull(r, found); err != nil || string(found) != signature {
		return ErrNoJournal
	}
	head := make([]byte, frameHead)
	c := newChunk(0)
	for {
		n, err := io.ReadFull(r, head)
		if errors.Is(err, io.EOF) {
			break
		}
		length := int64(binary.LittleEndian.Uint32(head))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if n < frameHead || length > info.Size()-s.end-c.length-frameHead {
			s.stats.Lost++ // cut off
			break
		}
		if length > maxFrame {
			return ErrDamaged
		}
		whole := append(slices.Clone(head), make([]byte, length)...)
		if _, err := io.ReadFull(r, whole[frameHead:]); err != nil {
			return err
		}
		if err := s.recovered(c, whole); err != nil {
			return err
		}
		if c.length >= int64(s.limits.chunk) {
			s.settle(c)
			c = newChunk(0)
		}
	}
	if c.count > 0 {
		s.settle(c)
	}
	if err := file.Truncate(s.end); err != nil {
		return err
	}
	s.first = 1
	if len(s.marks) > 0 {
		s.first = s.marks[0].first
	}
	return nil
}

// recovered counts a frame of an earlier Spool in.
func (s *Spool) recovered(c *chunk, whole []byte) error {
	sequence, payload, _, err := frame(whole)
	if err != nil || sequence < s.next {
		return ErrDamaged
	}
	m := (&cursor{rest: payload}).meta()
	if c.count == 0 {
		c.first = sequence
	}
	c.last, c.count = sequence, c.count+1
	c.length += int64(len(whole))
	c.from, c.to = min(c.from, m.at), max(c.to, m.at)
	s.next = sequence + 1
	s.stats.Entries++
	if m.kind == frameRequest {
		s.stats.Requests++
	} else {
		s.stats.Handshakes++
	}
	return nil
}

func (s *Spool) settle(c *chunk) {
	c.offset = s.end
	s.end += c.length
	s.mark(c.mark)
}
