package local

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// sick is a disk that fails some operations on some files with EIO.
type sick struct {
	file  string // a part of the name
	kinds []errorfs.OpKind

	mu      sync.Mutex
	well    int // operations that succeed first
	ill     int // operations that fail then; -1: all
	failed  int
	unarmed bool
}

// MaybeError implements errorfs.Injector.
func (s *sick) MaybeError(op errorfs.Op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unarmed || !strings.Contains(op.Path, s.file) {
		return nil
	}
	for _, kind := range s.kinds {
		if op.Kind != kind {
			continue
		}
		if s.well--; s.well >= 0 || s.ill == 0 {
			return nil
		}
		s.ill--
		s.failed++
		return &os.PathError{Op: "write", Path: op.Path, Err: syscall.EIO}
	}
	return nil
}

// String is part of errorfs.Injector.
func (s *sick) String() string { return "sick" }

func (s *sick) failures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// large is a message that fills a buffer soon.
func largeMessage(n int) *engine.Message {
	id := fmt.Sprintf("p%d#1", n)
	x := engine.Export{ID: id, Profile: profile.ID(fmt.Sprintf("p%d", n)), Body: []byte(strings.Repeat("x", 4000) + id)}
	return &engine.Message{ID: id, Exports: []engine.Export{x}, Body: x.Body}
}

// A disk that fails behind the commits ends the process nowhere: the store goes on
// where it can, and else fails with what is wrong and what to do. Whatever was
// committed is there at the next start.
func TestDiskThatFails(t *testing.T) {
	writes := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	syncs := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	create := []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}
	reads := []errorfs.OpKind{errorfs.OpFileRead, errorfs.OpFileReadAt}
	for name, c := range map[string]struct {
		disk *sick
		want string // the store goes on, or it ends
	}{
		"one write of a table":           {&sick{file: ".sst", kinds: writes, well: 1, ill: 1}, "goes on"},
		"a few syncs of tables":          {&sick{file: ".sst", kinds: syncs, well: 1, ill: 3}, "goes on"},
		"one table that cannot be made":  {&sick{file: ".sst", kinds: create, ill: 1}, "goes on"},
		"a read of a table":              {&sick{file: ".sst", kinds: reads, ill: 2}, "goes on"},
		"every write of a table":         {&sick{file: ".sst", kinds: writes, ill: -1}, "ends"},
		"every sync of a table":          {&sick{file: ".sst", kinds: syncs, well: 2, ill: -1}, "ends"},
		"a write of the manifest":        {&sick{file: "MANIFEST", kinds: writes, ill: 1}, "ends"},
		"a sync of the manifest":         {&sick{file: "MANIFEST", kinds: syncs, ill: 1}, "ends"},
		"a write of the log":             {&sick{file: ".log", kinds: writes, well: 20, ill: 1}, "ends"},
		"a sync of the log":              {&sick{file: ".log", kinds: syncs, well: 20, ill: 1}, "ends"},
		"a log that cannot be made":      {&sick{file: ".log", kinds: create, ill: 1}, "ends"},
		"a write of the inventory":       {&sick{file: inventoryName, kinds: writes, well: 5, ill: 1}, "ends"},
		"a sync of the inventory":        {&sick{file: inventoryName, kinds: syncs, well: 5, ill: 1}, "either"}, // for a table or for the log
		"everything from a moment on":    {&sick{kinds: append(append(writes[:2:2], syncs...), create...), well: 200, ill: -1}, "ends"},
		"the marker of the manifest":     {&sick{file: "marker.manifest", kinds: create, ill: 1}, "goes on"},
		"files that cannot be taken off": {&sick{file: ".sst", kinds: []errorfs.OpKind{errorfs.OpRemove}, ill: -1}, "goes on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewCrashableMem()
			ill := c.disk
			ill.unarmed = true
			s, err := Open("data", Options{FS: errorfs.Wrap(disk, ill), Buffer: 64 << 10})
			if err != nil {
				t.Fatal(err)
			}
			s.background.patience = 300 * time.Millisecond
			ill.mu.Lock()
			ill.unarmed = false
			ill.mu.Unlock()
			accepted, failure := 0, error(nil)
			for ; failure == nil && accepted < 400; accepted++ {
				if failure = s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: largeMessage(accepted)}}); failure != nil {
					break
				}
				if accepted%3 == 2 { // something for compactions to do
					failure = s.Commit(nil, []engine.Record{{Kind: engine.Delivered, Message: largeMessage(accepted - 1)}})
				}
			}
			var trouble *store.Trouble
			switch {
			case c.want == "goes on" && failure != nil:
				t.Errorf("Commit %d = %v; want it to go on", accepted, failure)
			case c.want == "ends" && (!errors.As(failure, &trouble) || trouble.Hint == "" || !errors.Is(failure, syscall.EIO)):
				t.Errorf("after %d commits and %d failures: %v; want the error of the disk and what to do", accepted, ill.failures(), failure)
			}
			if failure != nil {
				if again := s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: largeMessage(9999)}}); again == nil {
					t.Error("a commit after the failure succeeded")
				}
			}
			after := disk.CrashClone(vfs.CrashCloneCfg{})
			if err := s.Close(); err != nil && failure == nil {
				t.Errorf("Close = %v", err)
			}
			everythingIsThere(t, after, accepted)
		})
	}
}

// everythingIsThere opens what is on a disk and looks for so many messages, of which
// every third may be delivered.
func everythingIsThere(t *testing.T, disk vfs.FS, accepted int) {
	t.Helper()
	s, err := Open("data", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	if err := s.Unsettled(func(m *engine.Message, _ int) error { found[m.ID] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for n := range accepted {
		if id := largeMessage(n).ID; !found[id] && n%3 != 1 {
			t.Errorf("%s was accepted and is lost", id)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
