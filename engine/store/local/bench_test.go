package local_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/local"
)

const (
	largeProfiles = 100_000
	largeText     = 4000 // characters of one profile that nothing compresses
	largeCommit   = 500  // states in one commit
)

// large is the state of a profile that cannot be guessed or compressed, and is
// the same each time.
func large(n int) engine.State {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	text := make([]byte, largeText*3/4)
	for i := range text {
		text[i] = byte(random.Uint32())
	}
	return engine.State{Version: 1, Profile: profile.Profile{ID: profile.ID(fmt.Sprintf("p%d", n)),
		Attributes: map[string]any{"note": base64.StdEncoding.EncodeToString(text)}}}
}

// BenchmarkLargerThanMemory writes 400 MB of profiles, then reads a tenth of
// them in no order, and fails when the heap, garbage included, ever holds half of that: the
// state of a store may exceed memory.
func BenchmarkLargerThanMemory(b *testing.B) {
	const size = uint64(largeProfiles * largeText)
	peak := uint64(0)
	sample := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		s, err := local.Open(b.TempDir(), local.Options{})
		if err != nil {
			b.Fatal(err)
		}
		states := make([]engine.State, largeCommit)
		for n := 0; n < largeProfiles; n += largeCommit {
			for i := range states {
				states[i] = large(n + i)
			}
			if err := s.Commit(states, nil); err != nil {
				b.Fatal(err)
			}
			sample()
		}
		random := rand.New(rand.NewPCG(1, 2))
		for i := range largeProfiles / 10 {
			want := large(random.IntN(largeProfiles))
			got, ok, err := s.Load(want.Profile.ID)
			if err != nil || !ok || got.Profile.Attributes["note"] != want.Profile.Attributes["note"] {
				b.Fatalf("Load(%s) = %t, %v: not what was committed", want.Profile.ID, ok, err)
			}
			if i%1000 == 0 {
				sample()
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	b.ReportMetric(float64(size)/float64(peak), "state/memory")
	if peak == 0 || peak > size/2 {
		b.Fatalf("peak %d bytes for %d of state; want no more than half", peak, size)
	}
}
