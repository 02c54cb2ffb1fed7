package fault

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// lots are what chance decides about one request: a function of the seed, the
// fault, the profile and the count, so that a printed seed replays a run and
// parallel profiles do not disturb each other.
type lots [sha256.Size]byte

func draw(seed uint64, id, profile string, n int) lots {
	return sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d", seed, id, profile, n))
}

// share is the lot of a fault with a probability, 0 ≤ share < 1.
func (l lots) share() float64 {
	const scale = 1 << 53
	return float64(binary.BigEndian.Uint64(l[:8])>>11) / scale
}

// quantile is the lot of a latency, 0 < quantile < 1: independent of share.
func (l lots) quantile() float64 {
	const scale = 1 << 53
	return (float64(binary.BigEndian.Uint64(l[8:16])>>11) + 0.5) / scale
}
