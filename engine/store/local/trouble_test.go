package local_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s in the store: %v", pattern, err)
	}
	return found
}

// silent is a logger that says nothing.
type silent struct{}

func (silent) Infof(string, ...any)      {}
func (silent) Errorf(string, ...any)     {}
func (silent) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// The version is refused by name, whether the folder has an inventory or is of
// the first version, which had none.
func TestNewerIsRefused(t *testing.T) {
	for version, inventory := range map[string]string{
		"httpdest/store/v9": "httpdest/store/v9", "httpdest/store/v8": "httpdest/store/v2", "httpdest/store/v1": "",
	} {
		dir := filled(t, 1)
		db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Set([]byte("v"), []byte(version), pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		if inventory == "" {
			err = os.Remove(filepath.Join(dir, "INVENTORY"))
		} else {
			err = local.Reinventory(vfs.Default, dir, inventory)
		}
		if err != nil {
			t.Fatal(err)
		}
		before := files(t, dir, "*")
		_, err = local.Open(dir, local.Options{})
		var trouble *store.Trouble
		if !errors.Is(err, store.ErrNewer) || !strings.Contains(err.Error(), version) || !errors.As(err, &trouble) || !strings.Contains(trouble.Hint, "store repair") {
			t.Errorf("Open = %v; want ErrNewer with the version that wrote it", err)
		}
		if after := files(t, dir, "*"); inventory != "httpdest/store/v2" && !slices.Equal(before, after) {
			t.Errorf("refused, and the folder was changed: %v became %v", before, after)
		}
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
	if err := local.Reinventory(vfs.Default, dir, "httpdest/store/v2"); err != nil {
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

// smallDisk is a file system in memory that reports its free space.
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
