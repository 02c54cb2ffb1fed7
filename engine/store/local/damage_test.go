package local_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

// The whole table is for `make damage`.
var everyDamage = flag.Bool("damage", false, "damage every file of a store in 64 places and cut it at 8, with three sizes of commits")

const (
	damageExports = 1000
	damageBuffer  = 128 << 10 // so small that tables are written
)

// damageable is a store in memory: its files now and in the middle of its life,
// and what it holds.
type damageable struct {
	disk, older *vfs.MemFS
	holds       string
}

// newDamageable fills a store with commits of so many exports, and closes it or
// takes the process away.
func newDamageable(t *testing.T, group int, close bool) (d damageable) {
	t.Helper()
	d.disk = vfs.NewCrashableMem()
	s, err := local.Open("data", local.Options{FS: d.disk, Buffer: damageBuffer})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < damageExports; n += group {
		if n >= damageExports/2 && d.older == nil {
			d.older = copied(d.disk)
		}
		var states []engine.State
		var records []engine.Record
		for i := range group {
			m := message(fmt.Sprintf("m%d#1", n+i))
			states = append(states, engine.State{Version: 1, Exports: 1, Profile: profile.Profile{ID: m.Exports[0].Profile}})
			records = append(records, engine.Record{Kind: engine.Accepted, Message: m})
			switch (n + i) % 7 {
			case 1:
				records = append(records, engine.Record{Kind: engine.Charged, Message: m, Number: 2})
			case 2:
				records = append(records, engine.Record{Kind: engine.Delivered, Message: m})
			case 3:
				records = append(records, engine.Record{Kind: engine.Dropped, Message: m, Number: 3, At: time.Unix(9, 0),
					Outcome: retry.Outcome{Kind: retry.Timeout}})
			}
		}
		if err := s.Commit(states, records); err != nil {
			t.Fatal(err)
		}
	}
	d.holds = everything(t, s)
	if !close {
		killed := copied(d.disk)
		defer func() { d.disk = killed }()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// copied is a disk as it is at one moment, as after the end of a process: all
// that was written is there.
func copied(disk *vfs.MemFS) *vfs.MemFS {
	return disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
}

// everything is what a store holds, as text.
func everything(t *testing.T, s store.Store) string {
	t.Helper()
	var b strings.Builder
	err := errors.Join(
		s.States(func(x engine.State) error { _, err := fmt.Fprintln(&b, "state", x.Profile.ID, x.Version); return err }),
		s.Unsettled(func(m *engine.Message, n int) error {
			_, err := fmt.Fprintln(&b, "unsettled", m.ID, n, len(m.Body))
			return err
		}),
		s.Dead(func(l store.DeadLetter) error {
			_, err := fmt.Fprintln(&b, "dead", l.Message.ID, l.Attempts)
			return err
		}))
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// contentsOf reads every file of a store but its lock.
func contentsOf(t *testing.T, disk vfs.FS) map[string][]byte {
	t.Helper()
	names, err := disk.List("data")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if name == "LOCK" {
			continue
		}
		f, err := disk.Open(disk.PathJoin("data", name))
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// damage is one thing that is done to one file; a nil content deletes it.
type damage struct {
	what    string
	content []byte
}

// damages are those of a file, with so many places and cuts.
func damages(now, older []byte, places, cuts int) []damage {
	out := []damage{{"deleted", nil}}
	if len(now) > 0 {
		out = append(out, damage{"emptied", []byte{}})
	}
	if older != nil && !bytes.Equal(older, now) {
		out = append(out, damage{"older copy", older})
	}
	for i := range min(places, len(now)) {
		at := i * len(now) / min(places, len(now))
		if i == places-1 {
			at = len(now) - 1
		}
		flipped := slices.Clone(now)
		flipped[at] ^= 1 << (i % 8)
		out = append(out, damage{fmt.Sprintf("bit %d of byte %d flipped", i%8, at), flipped})
	}
	for i := range min(cuts, len(now)) {
		out = append(out, damage{fmt.Sprintf("cut at %d", (i+1)*len(now)/(cuts+1)), now[:(i+1)*len(now)/(cuts+1)]})
	}
	return out
}

// tally is a row of the table.
type tally struct{ trials, refused, whole, silent, deleted int }

// kindOf is the row that a file belongs to.
func kindOf(name string) string {
	switch {
	case strings.HasPrefix(name, "marker."):
		return strings.Join(strings.Split(name, ".")[:2], ".")
	case strings.Contains(name, "-"):
		return strings.Split(name, "-")[0]
	case strings.Contains(name, "."):
		return name[strings.LastIndex(name, "."):]
	}
	return name
}

// try opens a store with one damage and judges it.
func (d damageable) try(t *testing.T, name string, x damage, row *tally) {
	t.Helper()
	disk := copied(d.disk)
	path := disk.PathJoin("data", name)
	if err := disk.Remove(path); err != nil {
		t.Fatal(err)
	}
	if x.content != nil {
		write(t, disk, path, x.content)
	}
	before := contentsOf(t, disk)
	row.trials++
	s, err := local.Open("data", local.Options{FS: disk, Buffer: damageBuffer})
	if err == nil && name == "INVENTORY" && len(x.content) == 0 {
		t.Errorf("%s %s: opened, and nothing says what it must hold", name, x.what)
	}
	if err == nil {
		holds := everything(t, s)
		if err := s.Close(); err != nil {
			t.Errorf("%s %s: Close: %v", name, x.what, err)
		}
		if row.whole++; holds != d.holds {
			row.whole--
			row.silent++
			t.Errorf("%s %s: opened, and holds %d of %d lines", name, x.what, strings.Count(holds, "\n"), strings.Count(d.holds, "\n"))
		}
		return
	}
	row.refused++
	var trouble *store.Trouble
	if !errors.Is(err, store.ErrDamaged) || !errors.As(err, &trouble) || !strings.Contains(trouble.Hint, "store check") {
		t.Errorf("%s %s: the error is %v; want ErrDamaged with a hint", name, x.what, err)
	}
	after := contentsOf(t, disk)
	if !maps.EqualFunc(before, after, bytes.Equal) {
		row.deleted++
		t.Errorf("%s %s: refused, and the folder was changed: of %d files %d are left", name, x.what, len(before), len(after))
	}
}

func write(t *testing.T, disk vfs.FS, path string, content []byte) {
	t.Helper()
	f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.Write(content)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to one file of a store, closed or killed, the store opens
// with everything that was accepted or refuses to open and changes nothing.
func TestDamage(t *testing.T) {
	places, cuts, groups := 5, 2, []int{1, 500}
	if *everyDamage {
		places, cuts, groups = 64, 8, []int{1, 20, 500}
	}
	fmt.Printf("%-8s %-6s %-22s %7s %8s %6s %12s %8s\n", "end", "commit", "file", "trials", "refused", "whole", "silent loss", "changed")
	for _, end := range []string{"closed", "killed"} {
		for _, group := range groups {
			d := newDamageable(t, group, end == "closed")
			older, rows := contentsOf(t, d.older), map[string]*tally{}
			for name, now := range contentsOf(t, d.disk) {
				kind := kindOf(name)
				if rows[kind] == nil {
					rows[kind] = &tally{}
				}
				for _, x := range damages(now, older[name], places, cuts) {
					d.try(t, name, x, rows[kind])
				}
			}
			for _, kind := range []string{".log", ".sst", "MANIFEST", "marker.manifest", "INVENTORY"} {
				if rows[kind] == nil {
					t.Errorf("%s, commits of %d: no file %s was damaged", end, group, kind)
				}
			}
			for _, kind := range slices.Sorted(maps.Keys(rows)) {
				r := rows[kind]
				fmt.Printf("%-8s %-6d %-22s %7d %8d %6d %12d %8d\n", end, group, kind, r.trials, r.refused, r.whole, r.silent, r.deleted)
			}
		}
	}
}
