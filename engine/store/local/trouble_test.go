package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

func message(id string) *engine.Message {
	x := engine.Export{ID: id, Profile: profile.ID(id), Body: bytes.Repeat([]byte("x"), 200)}
	return &engine.Message{ID: id, Exports: []engine.Export{x}, Body: x.Body}
}

// filled is a folder with a store of n messages, closed.
func filled(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		m := message(fmt.Sprintf("m#%d", i))
		state := engine.State{Version: 1, Profile: profile.Profile{ID: profile.ID(m.ID)}}
		if err := s.Commit([]engine.State{state}, []engine.Record{{Kind: engine.Accepted, Message: m}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// reread opens a folder and reads everything in it.
func reread(dir string) (messages int, err error) {
	s, err := local.Open(dir, local.Options{})
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		s.States(func(engine.State) error { return nil }),
		s.Unsettled(func(*engine.Message, int) error { messages++; return nil }),
		s.Dead(func(store.DeadLetter) error { return nil }))
	return messages, errors.Join(err, s.Close())
}

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s in the store: %v", pattern, err)
	}
	return found
}

// Whatever happens to one of the files, the store says so with the way out, or
// nothing is missing. It never opens with less than was accepted.
func TestDamageIsFound(t *testing.T) {
	spoil := map[string]func(content []byte) []byte{
		"cut in half":    func(c []byte) []byte { return c[:len(c)/2] },
		"emptied":        func([]byte) []byte { return nil },
		"a byte flipped": func(c []byte) []byte { c[len(c)/3] ^= 0x40; return c },
		"zeroed within":  func(c []byte) []byte { clear(c[len(c)/3 : len(c)/3+64]); return c },
	}
	const messages = 200
	for _, kind := range []string{"*.log", "*.sst", "MANIFEST-*", "marker.manifest.*"} {
		for what, change := range spoil {
			if kind == "marker.manifest.*" && what != "emptied" {
				continue // it is empty: its name is what it says
			}
			t.Run(kind+" "+what, func(t *testing.T) {
				dir := filled(t, messages)
				if kind == "*.sst" {
					flush(t, dir)
				}
				for _, file := range files(t, dir, kind) {
					if kind == "marker.manifest.*" {
						if err := os.Remove(file); err != nil {
							t.Fatal(err)
						}
						continue
					}
					content, err := os.ReadFile(file)
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, change(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				n, err := reread(dir)
				var trouble *store.Trouble
				switch {
				case err == nil && n < messages:
					t.Errorf("the store opened with %d of %d messages, and no error", n, messages)
				case err != nil && (!errors.As(err, &trouble) || trouble.Hint == "" || !errors.Is(err, store.ErrDamaged)):
					t.Errorf("the error is %v; want ErrDamaged with a hint", err)
				}
			})
		}
	}
}

// silent is a logger that says nothing.
type silent struct{}

func (silent) Infof(string, ...any)      {}
func (silent) Errorf(string, ...any)     {}
func (silent) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// A store that was cut off has no seal. Damage before the last block of its
// log is found all the same, since what follows shows that it was synced.
func TestDamageAfterACrash(t *testing.T) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	s, err := local.Open(dir, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const messages = 1000
	for i := range messages {
		if err := s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: message(fmt.Sprintf("m#%d", i))}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := reread(copied); n != messages || err != nil {
		t.Fatalf("the copy of an open store holds %d of %d messages, %v", n, messages, err)
	}
	if err := os.RemoveAll(copied); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(copied, "CLOSED")); err != nil {
		t.Fatal(err)
	}
	for _, log := range files(t, copied, "*.log") {
		content, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		content[len(content)/4] ^= 1
		if err := os.WriteFile(log, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := reread(copied); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("opened with %d of %d messages, %v; want ErrDamaged", n, messages, err)
	}
}

// flush moves what is in the log of a store into a table.
func flush(t *testing.T, dir string) {
	t.Helper()
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestNewerIsRefused(t *testing.T) {
	dir := filled(t, 1)
	db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("v"), []byte("httpdest/store/v9"), pebble.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = local.Open(dir, local.Options{})
	if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), "httpdest/store/v9") {
		t.Errorf("Open = %v; want ErrNewer with the version that wrote it", err)
	}
}

// The library below has versions of its own.
func TestNewerFilesAreRefused(t *testing.T) {
	dir := filled(t, 1)
	marker := files(t, dir, "marker.format-version.*")[0]
	parts := strings.Split(filepath.Base(marker), ".")
	parts[len(parts)-1] = "999"
	if err := os.Rename(marker, filepath.Join(dir, strings.Join(parts, "."))); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(dir, local.Options{}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("Open = %v; want ErrNewer", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	first, err := local.Open(dir, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(dir, local.Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second Open = %v; want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAbsent(t *testing.T) {
	if _, err := local.Open(t.TempDir(), local.Options{Existing: true}); !errors.Is(err, store.ErrAbsent) {
		t.Errorf("Open = %v; want ErrAbsent", err)
	}
}

// smallDisk is a file system in memory that says how much of it is free.
type smallDisk struct {
	vfs.FS
	free uint64
}

// GetDiskUsage implements vfs.FS.
func (d *smallDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: d.free, TotalBytes: 1 << 40, UsedBytes: 1<<40 - d.free}, nil
}

// On a disk that fills up nothing new is taken, what was accepted can be
// charged and settled, and intake goes on when there is room again.
func TestFullDisk(t *testing.T) {
	disk := &smallDisk{FS: vfs.NewMem(), free: local.Reserve * 2}
	s, err := local.Open("data", local.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	accept := func(id string) error {
		return s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: message(id)}})
	}
	if err := errors.Join(s.Room(), accept("a#1")); err != nil {
		t.Fatal(err)
	}
	disk.free = local.Reserve - 1
	n := 1
	for err = nil; err == nil && n < 100_000; n++ { // until the store looks at the disk again
		if err = s.Room(); err == nil {
			if err := accept(fmt.Sprintf("b#%d", n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("Room on a full disk = %v; want ErrFull", err)
	}
	if n > 40_000 {
		t.Errorf("%d messages of 200 bytes went in before the store looked", n)
	}
	for _, r := range []engine.Record{{Kind: engine.Charged, Message: message("a#1"), Number: 1}, {Kind: engine.Delivered, Message: message("a#1")}} {
		if err := s.Commit(nil, []engine.Record{r}); err != nil {
			t.Errorf("%s on a full disk: %v", r.Kind, err)
		}
	}
	disk.free = local.Reserve * 2
	if err := errors.Join(s.Room(), accept("c#1")); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
