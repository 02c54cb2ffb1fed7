package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// logBlock is the size in bytes of a block of a log: no record is found in less
// than one after damage.
const logBlock = 32 << 10

// salvage reads what is left of a store out of its single files, without
// Pebble's manifest and without changing anything.
//
// Of several values of a key the one with the highest sequence number counts,
// of a profile the one with the highest version. A key that was removed long ago
// may come back from a table that is not in use any more: a delivered message
// may be sent again. So this is for a store that does not open.
type salvage struct {
	fs    vfs.FS
	dir   string
	found func(key, value []byte) error // nil value: the key was removed
	seen  map[string]uint64             // key -> sequence number, of a state its version
	lost  []FileFault                   // files that could not be read to their end
}

// read goes through the files of the folder with these names.
func (s *salvage) read(names []string) error {
	s.seen = map[string]uint64{}
	slices.Sort(names)
	for _, suffix := range []string{".sst", ".log"} { // the logs are younger
		for _, name := range names {
			if !strings.HasSuffix(name, suffix) {
				continue
			}
			number, err := strconv.ParseUint(strings.TrimSuffix(name, suffix), 10, 64)
			if err != nil {
				continue // not one of Pebble's
			}
			if err := s.file(name, number, suffix == ".sst"); err != nil {
				return err
			}
		}
	}
	return nil
}

// unwritable is an error of found, which ends everything; an error of a file is
// noted.
type unwritable struct{ error }

// file reads one file.
func (s *salvage) file(name string, number uint64, table bool) (err error) {
	f, err := s.fs.Open(s.fs.PathJoin(s.dir, name))
	if err != nil {
		s.lost = append(s.lost, FileFault{name, "cannot be read: " + err.Error()})
		return nil
	}
	lost := ""
	func() {
		defer func() {
			if p := recover(); p != nil { // Pebble's readers panic at some damage
				lost = fmt.Sprintf("cannot be read to its end: %v", p)
			}
		}()
		if table {
			lost, err = s.table(f)
			return
		}
		lost, err = s.log(f, number)
		err = errors.Join(err, f.Close())
	}()
	if lost != "" {
		s.lost = append(s.lost, FileFault{name, lost})
	}
	var ours unwritable
	if errors.As(err, &ours) {
		return ours.error
	}
	if err != nil {
		s.lost = append(s.lost, FileFault{name, "cannot be read to its end: " + err.Error()})
	}
	return nil
}

// offer takes a value of a key, unless a younger one was taken.
func (s *salvage) offer(kind pebble.InternalKeyKind, seq uint64, key, value []byte) error {
	switch kind {
	case pebble.InternalKeyKindSet, pebble.InternalKeyKindSetWithDelete:
	case pebble.InternalKeyKindDelete, pebble.InternalKeyKindSingleDelete, pebble.InternalKeyKindDeleteSized:
		value = nil
	default:
		return nil // a note of the log
	}
	if len(key) == 0 {
		return nil
	}
	if key[0] == stateKey && value != nil {
		if v, err := version(value); err == nil {
			seq = v
		}
	}
	if had, ok := s.seen[string(key)]; ok && had > seq {
		return nil
	}
	s.seen[string(key)] = seq
	if err := s.found(key, value); err != nil {
		return unwritable{err}
	}
	return nil
}

// table reads a table from its beginning and, where a block is damaged, from its
// end too. It closes the file.
func (s *salvage) table(f vfs.File) (lost string, err error) {
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return "", errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(context.Background(), readable, sstable.ReaderOptions{})
	if err != nil {
		return "", errors.Join(err, readable.Close())
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, forward := range []bool{true, false} {
		i, err := r.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
		if err != nil {
			return "", err
		}
		step, kv := i.Next, i.First
		if !forward {
			step, kv = i.Prev, i.Last
		}
		for x := kv(); x != nil; x = step() {
			value, _, err := x.Value(nil)
			if err != nil {
				continue // the block of this value is damaged; i.Error tells
			}
			if err := s.offer(x.Kind(), uint64(x.SeqNum()), slices.Clone(x.K.UserKey), slices.Clone(value)); err != nil {
				return "", errors.Join(err, i.Close())
			}
		}
		failed := errors.Join(i.Error(), i.Close())
		if failed == nil {
			return "", nil
		}
		lost = "cannot be read completely: " + failed.Error()
	}
	return lost, nil
}

// log reads the batches of a log. After damage it goes on with the next block
// that begins one.
func (s *salvage) log(f vfs.File, number uint64) (lost string, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	damagedAt, blocks := int64(0), 0
	for start := int64(0); start < info.Size(); {
		r := logReader(record.NewReader, io.NewSectionReader(f, start, info.Size()-start), number)
		read, err := s.records(r)
		var ours unwritable
		if errors.As(err, &ours) {
			return "", err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		// Whatever follows the last record of a log looks damaged as well: a reused
		// file ends in records of its earlier life. Only what comes before a further
		// record is lost.
		if read > 0 && damagedAt > 0 {
			blocks++
		}
		damagedAt = start + r.Offset()
		start = (damagedAt/logBlock + 1) * logBlock
	}
	if blocks > 0 {
		lost = fmt.Sprintf("is damaged in %d places", blocks)
	}
	return lost, nil
}

// logReader opens a log by its number, whose type has no name out here.
func logReader[Number ~uint64](open func(io.Reader, Number) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return open(r, Number(number))
}

// records offers what the batches of a log hold, up to its end or damage, and
// counts them.
func (s *salvage) records(r *record.Reader) (read int, err error) {
	var batch bytes.Buffer
	for {
		one, err := r.Next()
		if err != nil {
			return read, err
		}
		batch.Reset()
		if _, err := io.Copy(&batch, one); err != nil {
			return read, err
		}
		head, ok := batchrepr.ReadHeader(batch.Bytes())
		if !ok {
			continue
		}
		read++
		seq := uint64(head.SeqNum)
		for b := batchrepr.Read(batch.Bytes()); ; seq++ {
			kind, key, value, ok, err := b.Next()
			if err != nil || !ok {
				break
			}
			if err := s.offer(kind, seq, key, value); err != nil {
				return read, err
			}
		}
	}
}
