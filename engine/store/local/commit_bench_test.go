package local_test

import (
	"fmt"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/local"
)

// BenchmarkCommit accepts exports in groups, charges and settles them, each
// group waited for: what a commit costs on this disk.
func BenchmarkCommit(b *testing.B) {
	for _, group := range []int{1, 20, 200} {
		b.Run(fmt.Sprintf("group of %d", group), func(b *testing.B) {
			s, err := local.Open(b.TempDir(), local.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				var states []engine.State
				var records []engine.Record
				for i := range group {
					m := message(fmt.Sprintf("p%d-%d#1", n, i))
					states = append(states, engine.State{Version: 1, Exports: 1, Profile: profile.Profile{ID: m.Exports[0].Profile}})
					records = append(records, engine.Record{Kind: engine.Accepted, Message: m},
						engine.Record{Kind: engine.Charged, Message: m, Number: 1}, engine.Record{Kind: engine.Delivered, Message: m})
				}
				if err := s.Commit(states, records); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
