package local

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// countKey holds the number of commits, one more in every batch. A store that
// is closed notes the number in its inventory too, and the next Open compares
// them: the files may be whole and Pebble may yet have read less out of them.
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
