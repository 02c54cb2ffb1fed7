package local

import "encoding/binary"

// The first byte of a key is the kind of the value.
const (
	versionKey  = 'v' // alone: the layout
	stateKey    = 's' // and the id of a profile
	exportKey   = 'm' // and the sequence number of an acceptance
	chargeKey   = 'c' // and that of the first export of a message
	deadKey     = 'd' // likewise
	noteKey     = 'k' // and the key of a note
	sequenceLen = 8
)

func stateAt(id string) []byte { return append([]byte{stateKey}, id...) }

// appendNumbered appends a key that sorts by its number.
func appendNumbered(b []byte, kind byte, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), seq)
}

// sequence is the number in a numbered key.
func sequence(key []byte) (uint64, error) {
	if len(key) != 1+sequenceLen {
		return 0, errShort
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}
