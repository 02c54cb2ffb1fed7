package local

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// inventoryName is the file that lists every other file of the store: how many
// of its bytes were synced, and the hash of these bytes.
//
// Decision: a list of files next to Pebble's, kept by the file system that
// Pebble writes through. Reason: it covers logs, tables, manifest and markers
// alike; it is compared before Pebble opens the folder, and Pebble deletes
// files on opening. Every byte of a log that a commit was acknowledged for is in
// the hash that the next commit's hash continues, so a missing, changed or
// older commit shows wherever it is. Cost: one short write, without a sync, for
// each sync of a log, and reading every file once when a store is opened.
//
// A line is written after the sync that it records: after a power cut the list
// may lag behind the files and never runs ahead of them. The line of a file
// that disappears is synced before the file disappears.
const inventoryName = "INVENTORY"

// rotateAt is the size in bytes at which the list is written anew, shorter.
const rotateAt = 1 << 20

// entry is what the inventory knows of one file.
type entry struct {
	size  int64  // bytes synced
	hash  uint64 // of these bytes
	named bool   // the folder was synced since: the file must exist
}

// contents is the content of an inventory.
type contents struct {
	files   map[string]*entry
	closed  bool
	commits uint64 // where closed
	chain   uint64 // hash of the last line and, through it, of all before
	version string
	torn    int // number of the first line that is not whole, 0 without one
}

// inventory appends to the list. Its methods may be called from several
// goroutines.
type inventory struct {
	fs  vfs.FS
	dir string

	mu    sync.Mutex
	file  vfs.File
	size  int64
	lines bytes.Buffer // of one append
	contents
}

// chained is the hash of a line that follows another.
func chained(before uint64, text string) uint64 {
	var d xxhash.Digest
	d.Reset()
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], before)
	_, _ = d.Write(seed[:]) // a hash takes whatever it is given
	_, _ = d.WriteString(text)
	return d.Sum64()
}

// line adds one line to the next append.
func (v *inventory) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	v.chain = chained(v.chain, text)
	fmt.Fprintf(&v.lines, "%016x %s\n", v.chain, text)
}

// flush writes the lines and, where asked to, waits for the disk.
func (v *inventory) flush(durable bool) error {
	if v.file == nil {
		return errors.New("the file " + inventoryName + " could not be written")
	}
	n, err := v.file.WriteAt(v.lines.Bytes(), v.size)
	v.size += int64(n)
	v.lines.Reset()
	if err == nil && durable {
		err = v.file.SyncData()
	}
	if err == nil && v.size > rotateAt {
		err = v.rotate()
	}
	return err
}

// rotate begins the list anew with what is true now, whole or not at all.
func (v *inventory) rotate() error {
	if v.file != nil {
		if err := errors.Join(v.file.SyncData(), v.release()); err != nil {
			return err
		}
	}
	v.lines.Reset()
	v.line("inventory %s after %016x", layout, v.chain)
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		e := v.files[name]
		if e.named {
			v.line("file %s %d %016x", name, e.size, e.hash)
		} else {
			v.line("new %s", name)
			v.line("synced %s %d %016x", name, e.size, e.hash)
		}
	}
	name, draft := v.fs.PathJoin(v.dir, inventoryName), v.fs.PathJoin(v.dir, inventoryName+".tmp")
	if err := writeFile(v.fs, draft, v.lines.Bytes()); err != nil {
		return err
	}
	if err := errors.Join(v.fs.Rename(draft, name), syncFolder(v.fs, v.dir)); err != nil {
		return err
	}
	v.size = int64(v.lines.Len())
	v.lines.Reset()
	var err error
	v.file, err = v.fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	return err
}

// created notes a new file, which must exist once its folder is synced.
func (v *inventory) created(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.files[name] = &entry{hash: emptyHash}
	v.line("new %s", name)
	return v.flush(false)
}

// emptyHash is the hash of no bytes.
var emptyHash = xxhash.Sum64(nil)

// synced notes that so many bytes of a file are on the disk.
func (v *inventory) synced(name string, size int64, hash uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.files[name]
	if e == nil || e.size == size && e.hash == hash {
		return nil // removed while it was open; or nothing was added
	}
	e.size, e.hash = size, hash
	v.syncedLine(name, size, hash)
	return v.flush(false)
}

// syncedLine is line for the most frequent event, without fmt.
func (v *inventory) syncedLine(name string, size int64, hash uint64) {
	var room [160]byte
	text := append(append(room[:0], "synced "...), name...)
	text = append(strconv.AppendInt(append(text, ' '), size, 10), ' ')
	text = appendHash(text, hash)
	v.chain = chained(v.chain, string(text))
	var head [17]byte
	v.lines.Write(append(appendHash(head[:0], v.chain), ' '))
	v.lines.Write(append(text, '\n'))
}

// appendHash appends the sixteen digits of a hash.
func appendHash(b []byte, hash uint64) []byte {
	var raw [8]byte
	binary.BigEndian.PutUint64(raw[:], hash)
	return hex.AppendEncode(b, raw[:])
}

// named notes that the folder was synced: every file in it must exist from now
// on.
func (v *inventory) named() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	news := false
	for _, e := range v.files {
		news = news || !e.named
		e.named = true
	}
	if !news {
		return nil
	}
	v.line("named")
	return v.flush(false)
}

// removing notes that a file may disappear from now on. It is durable when it
// returns.
func (v *inventory) removing(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.files[name] == nil {
		return nil
	}
	delete(v.files, name)
	v.line("removing %s", name)
	return v.flush(true)
}

// renaming notes that a file may have another name from now on. It is durable
// when it returns.
func (v *inventory) renaming(from, to string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	moved := v.files[from]
	if moved == nil {
		return nil
	}
	delete(v.files, from)
	moved.named = false
	v.files[to] = moved
	v.line("renaming %s %s", from, to)
	return v.flush(true)
}

// close ends the list of a store that is closed with so many commits.
func (v *inventory) close(commits uint64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.line("closed %d", commits)
	return errors.Join(v.flush(true), v.release())
}

// release closes the file of the list as it is.
func (v *inventory) release() error {
	if v.file == nil {
		return nil
	}
	f := v.file
	v.file = nil
	return f.Close()
}

// errNoInventory is the error of a folder without a list of its files.
var errNoInventory = errors.New("the file " + inventoryName + " is missing")

// readInventory reads the list of a folder as far as it is whole: after a power
// cut the end of it may be torn.
func readInventory(fs vfs.FS, dir string) (contents, error) {
	f, err := fs.Open(fs.PathJoin(dir, inventoryName))
	if errors.Is(err, os.ErrNotExist) {
		return contents{}, errNoInventory
	}
	if err != nil {
		return contents{}, err
	}
	all, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return contents{}, err
	}
	c := contents{files: map[string]*entry{}}
	for number := 1; ; number++ {
		raw, rest, whole := bytes.Cut(all, []byte{'\n'})
		if !whole {
			if len(raw) > 0 {
				c.torn = number
			}
			break
		}
		hash, text, _ := strings.Cut(string(raw), " ")
		if number == 1 {
			c.version, c.chain = beginning(text)
		}
		if next := chained(c.chain, text); fmt.Sprintf("%016x", next) == hash && c.take(text) {
			c.chain = next
		} else if number == 1 {
			return contents{}, fmt.Errorf("%w: line 1 of %s was changed", store.ErrDamaged, inventoryName)
		} else {
			c.torn = number
			return c, nil
		}
		all = rest
	}
	if c.version == "" {
		return contents{}, fmt.Errorf("%w: %s has no first line", store.ErrDamaged, inventoryName)
	}
	return c, nil
}

// beginning reads the first line: the version, and the hash that it follows.
func beginning(text string) (version string, before uint64) {
	if _, err := fmt.Sscanf(text, "inventory %s after %x", &version, &before); err != nil {
		return "", 0
	}
	return version, before
}

// take applies a line; ok is false where it is not a line of this format.
func (c *contents) take(text string) (ok bool) {
	words := strings.Split(text, " ")
	c.closed = false
	switch {
	case words[0] == "inventory":
		return c.version != ""
	case words[0] == "named" && len(words) == 1:
		for _, e := range c.files {
			e.named = true
		}
	case words[0] == "new" && len(words) == 2:
		c.files[words[1]] = &entry{hash: emptyHash}
	case words[0] == "removing" && len(words) == 2:
		delete(c.files, words[1])
	case words[0] == "renaming" && len(words) == 3 && c.files[words[1]] != nil:
		moved := c.files[words[1]]
		delete(c.files, words[1])
		moved.named = false
		c.files[words[2]] = moved
	case words[0] == "closed" && len(words) == 2:
		n, err := strconv.ParseUint(words[1], 10, 64)
		c.closed, c.commits = true, n
		return err == nil
	case (words[0] == "file" || words[0] == "synced") && len(words) == 4:
		return c.measured(words)
	default:
		return false
	}
	return true
}

// measured applies a line with the size and hash of a file.
func (c *contents) measured(words []string) bool {
	size, err := strconv.ParseInt(words[2], 10, 64)
	hash, err2 := strconv.ParseUint(words[3], 16, 64)
	if err != nil || err2 != nil || size < 0 {
		return false
	}
	if words[0] == "file" {
		c.files[words[1]] = &entry{named: true}
	}
	e := c.files[words[1]]
	if e == nil {
		return false
	}
	e.size, e.hash = size, hash
	return true
}

// writeFile makes a file whose content is on the disk when it returns.
func writeFile(fs vfs.FS, name string, content []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes the names in a folder durable.
func syncFolder(fs vfs.FS, dir string) error {
	folder, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
