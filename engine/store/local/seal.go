package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// A log that ends too early looks like one whose end was never written, so
// that loss at the end would go unnoticed. A store that is closed says in a
// file of its own how many commits it holds; the next Open holds the store
// against it. After the end of a process without Close there is no such file,
// and the end of the log is where the last sync was.
const sealName = "CLOSED"

// countKey holds the number of commits, one more in every batch.
const countKey = 'n'

func countValue(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// readCount returns how many commits the store holds.
func readCount(db *pebble.DB) (uint64, error) {
	value, closer, err := db.Get([]byte{countKey})
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(value) != sequenceLen {
		return 0, errors.Join(errShort, closer.Close())
	}
	return binary.BigEndian.Uint64(value), closer.Close()
}

// unseal checks the number against the file, and takes the file away: from now
// on it is not true any more.
func (s *Store) unseal() error {
	name := s.fs.PathJoin(s.dir, sealName)
	f, err := s.fs.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	content, err := io.ReadAll(io.LimitReader(f, 64))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	var sealed uint64
	if _, err := fmt.Sscanf(string(content), "%d commits\n", &sealed); err != nil {
		return fmt.Errorf("%w: the file %s is not what was written", store.ErrDamaged, sealName)
	}
	if sealed != s.commits {
		return fmt.Errorf("%w: it was closed with %d commits and holds %d", store.ErrDamaged, sealed, s.commits)
	}
	return s.fs.Remove(name)
}

// seal writes the file, whole or not at all: a torn one would look like
// damage.
func (s *Store) seal() error {
	name, draft := s.fs.PathJoin(s.dir, sealName), s.fs.PathJoin(s.dir, sealName+".tmp")
	f, err := s.fs.Create(draft, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d commits\n", s.commits)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := s.fs.Rename(draft, name); err != nil {
		return err
	}
	folder, err := s.fs.OpenDir(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
