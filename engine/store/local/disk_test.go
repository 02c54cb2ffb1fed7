package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

// quota is a file system of which somebody else has used up the room: a write
// takes half of its bytes and then fails, as a disk does.
type quota struct {
	vfs.FS
	mu   sync.Mutex
	full bool
}

func (q *quota) set(full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.full = full
}

func (q *quota) room() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return &os.PathError{Op: "write", Path: "data", Err: syscall.ENOSPC}
	}
	return nil
}

func (q *quota) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := q.room(); err != nil {
		return nil, err
	}
	f, err := q.FS.Create(name, c)
	return quotaFile{f, q}, err
}

func (q *quota) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := q.FS.OpenReadWrite(name, c, o...)
	return quotaFile{f, q}, err
}

func (q *quota) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := q.FS.ReuseForWrite(from, to, c)
	return quotaFile{f, q}, err
}

// GetDiskUsage implements vfs.FS: a quota does not show there.
func (q *quota) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: 1 << 40, TotalBytes: 1 << 41}, nil
}

type quotaFile struct {
	vfs.File
	quota *quota
}

func (f quotaFile) Write(p []byte) (int, error) {
	if err := f.quota.room(); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f quotaFile) WriteAt(p []byte, at int64) (int, error) {
	if err := f.quota.room(); err != nil {
		n, _ := f.File.WriteAt(p[:len(p)/2], at)
		return n, err
	}
	return f.File.WriteAt(p, at)
}

// A disk that somebody else fills up stops nothing for good: a commit waits,
// Room says so, and both go on by themselves when there is room.
func TestDiskFilledBySomebodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &quota{FS: vfs.NewMem()}
		s, err := local.Open("data", local.Options{FS: disk, Buffer: damageBuffer})
		if err != nil {
			t.Fatal(err)
		}
		accept := func(i int) error {
			return s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: message(fmt.Sprintf("m#%d", i))}})
		}
		const rounds = 3
		for round := range rounds {
			for i := range 300 {
				if err := errors.Join(s.Room(), accept(round*1000+i)); err != nil {
					t.Fatal(err)
				}
			}
			disk.set(true)
			done := make(chan error, 1)
			go func() { done <- accept(round*1000 + 999) }()
			<-time.After(time.Minute) // of the bubble
			select {
			case err := <-done:
				t.Fatalf("Commit on a full disk = %v; want it to wait", err)
			default:
			}
			if err := s.Room(); !errors.Is(err, store.ErrFull) {
				t.Errorf("Room on a full disk = %v; want ErrFull", err)
			}
			disk.set(false)
			if err := <-done; err != nil {
				t.Fatalf("Commit with room again = %v", err)
			}
			<-time.After(time.Second) // of the bubble: a table may wait for room as well
			if err := s.Room(); err != nil {
				t.Errorf("Room with room again = %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := local.Open("data", local.Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		if got := unsettledIn(t, again); got != rounds*301 {
			t.Errorf("%d messages after it all; want %d", got, rounds*301)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A process that must end at once does not wait for room, and what was accepted
// before is there at the next start.
func TestGiveUpOnAFullDisk(t *testing.T) {
	mem := vfs.NewCrashableMem()
	disk := &quota{FS: mem}
	s, err := local.Open("data", local.Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	accept := func(id string) error {
		return s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: message(id)}})
	}
	if err := accept("a#1"); err != nil {
		t.Fatal(err)
	}
	disk.set(true)
	done := make(chan error, 1)
	go func() { done <- accept("b#1") }()
	for s.Room() == nil { // the write has not begun to wait
		runtime.Gosched()
	}
	s.GiveUp()
	var trouble *store.Trouble
	if err := <-done; !errors.Is(err, store.ErrFull) || !errors.As(err, &trouble) {
		t.Errorf("Commit = %v; want ErrFull with what to do", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if s, err = local.Open("data", local.Options{FS: mem.CrashClone(vfs.CrashCloneCfg{})}); err != nil {
		t.Fatal(err)
	}
	if got := unsettledIn(t, s); got < 1 {
		t.Errorf("%d messages at the next start; want the one that was accepted", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func unsettledIn(t *testing.T, s store.Store) (n int) {
	t.Helper()
	if err := s.Unsettled(func(*engine.Message, int) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// A store holds personal data: only its owner reads the folder and the files.
func TestOnlyTheOwnerReadsTheStore(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "data")
	s, err := local.Open(dir, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(nil, []engine.Record{{Kind: engine.Accepted, Message: message("m#1")}}); err != nil {
		t.Fatal(err)
	}
	found := append(files(t, dir, "*"), dir)
	for _, name := range found {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s; want the owner's alone", filepath.Base(name), info.Mode().Perm())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
