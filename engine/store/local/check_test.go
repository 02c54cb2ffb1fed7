package local_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store/local"
)

// A check of a whole store counts what it holds and changes nothing, and a
// repair copies all of it.
func TestCheckAndRepairOfAWholeStore(t *testing.T) {
	for _, closed := range []bool{true, false} {
		d := newDamageable(t, 20, closed)
		disk := copied(d.disk)
		before := contentsOf(t, disk)
		r, err := local.Check("data", local.Options{FS: disk})
		if err != nil || !r.Whole() || r.Closed != closed {
			t.Fatalf("closed %t: Check = %+v, %v; want a whole store", closed, r, err)
		}
		counted(t, r, d)
		saved, err := local.Repair("data", "saved", local.Options{FS: disk})
		if err != nil || !saved.Lossless() {
			t.Fatalf("closed %t: Repair = %+v, %v", closed, saved, err)
		}
		if !maps.EqualFunc(before, contentsOf(t, disk), bytes.Equal) {
			t.Errorf("closed %t: the folder was changed", closed)
		}
		if got := holds(t, disk, "saved"); got != d.holds {
			t.Errorf("closed %t: the copy holds %d of %d lines", closed, strings.Count(got, "\n"), strings.Count(d.holds, "\n"))
		}
		if _, err := local.Repair("data", "saved", local.Options{FS: disk}); err == nil {
			t.Error("a repair wrote into a folder that exists")
		}
	}
}

// counted compares a report with what the store holds.
func counted(t *testing.T, r local.Report, d damageable) {
	t.Helper()
	for what, n := range map[string]int{"state": r.Profiles, "unsettled": r.Pending, "dead": r.Dead} {
		if want := strings.Count("\n"+d.holds, "\n"+what+" "); n != want {
			t.Errorf("%d of %s; want %d", n, what, want)
		}
	}
}

// holds opens a store and reads everything in it.
func holds(t *testing.T, disk vfs.FS, dir string) string {
	t.Helper()
	s, err := local.Open(dir, local.Options{FS: disk, Buffer: damageBuffer})
	if err != nil {
		t.Fatal(err)
	}
	all := everything(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Of a damaged store a repair saves what can be read: all of it where only
// Pebble's bookkeeping is damaged, and all but a part where data is. The store
// itself stays as it is, and the report names the file.
func TestRepairSavesWhatCanBeRead(t *testing.T) {
	for _, closed := range []bool{true, false} {
		d := newDamageable(t, 20, closed)
		lines := strings.Count(d.holds, "\n")
		for name, now := range contentsOf(t, d.disk) {
			for _, x := range damages(now, nil, 3, 1) {
				disk := copied(d.disk)
				path := disk.PathJoin("data", name)
				if err := disk.Remove(path); err != nil {
					t.Fatal(err)
				}
				if x.content != nil {
					write(t, disk, path, x.content)
				}
				s, err := local.Open("data", local.Options{FS: copied(disk), Buffer: damageBuffer})
				if err == nil {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					continue // whole, as TestDamage shows
				}
				before := contentsOf(t, disk)
				r, err := local.Repair("data", "saved", local.Options{FS: disk})
				if err != nil {
					t.Errorf("%s %s: Repair = %v", name, x.what, err)
					continue
				}
				if !maps.EqualFunc(before, contentsOf(t, disk), bytes.Equal) {
					t.Errorf("%s %s: the folder was changed", name, x.what)
				}
				data := strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log")
				got := holds(t, disk, "saved")
				kept := strings.Count(got, "\n")
				if !data && got != d.holds {
					t.Errorf("%s %s: %d of %d lines were saved; want all: %+v", name, x.what, kept, lines, r)
				}
				if r.Lossless() && !strings.HasPrefix(name, "INVENTORY") {
					t.Errorf("%s %s: the report finds nothing wrong", name, x.what)
				}
				if x.what != "deleted" && x.what != "emptied" && kept < lines/5 {
					t.Errorf("%s %s: only %d of %d lines were saved", name, x.what, kept, lines)
				}
			}
		}
	}
}

// Neither makes a folder where there is no store.
func TestCheckOfAnAbsentStore(t *testing.T) {
	disk := vfs.NewMem()
	if _, err := local.Check("data", local.Options{FS: disk}); err == nil {
		t.Error("Check of nothing found something")
	}
	if _, err := disk.Stat("data"); err == nil {
		t.Error("Check made a folder")
	}
	_, err := local.Repair("data", "saved", local.Options{FS: disk})
	if _, stat := disk.Stat("saved"); err == nil || stat == nil {
		t.Errorf("Repair of nothing = %v, and made a folder: %t", err, stat == nil)
	}
}

// A store of the first version, which had no inventory, is copied whole.
func TestRepairCopiesTheFirstVersion(t *testing.T) {
	d := newDamageable(t, 20, true)
	disk := copied(d.disk)
	db, err := pebble.Open("data", &pebble.Options{FS: disk, FormatMajorVersion: pebble.FormatNewest, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(db.Set([]byte("v"), []byte("httpdest/store/v1"), pebble.Sync), db.Close(), disk.Remove(disk.PathJoin("data", "INVENTORY")))
	if err != nil {
		t.Fatal(err)
	}
	r, err := local.Check("data", local.Options{FS: disk})
	if err != nil || r.Version != "httpdest/store/v1" || !r.Migrating || r.Whole() {
		t.Errorf("Check = %+v, %v; want the version, and that nothing can be compared", r, err)
	}
	counted(t, r, d)
	if r, err = local.Repair("data", "saved", local.Options{FS: disk}); err != nil || !r.Lossless() {
		t.Fatalf("Repair = %+v, %v", r, err)
	}
	if got := holds(t, disk, "saved"); got != d.holds {
		t.Errorf("the copy holds %d of %d lines", strings.Count(got, "\n"), strings.Count(d.holds, "\n"))
	}
}
