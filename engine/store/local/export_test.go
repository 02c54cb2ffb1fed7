package local

import (
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Reinventory lists the files of a folder as another version would have, which
// changed them.
func Reinventory(fs vfs.FS, dir, version string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	v := &inventory{fs: fs, dir: dir, contents: contents{files: map[string]*entry{}}}
	for _, name := range names {
		if name == inventoryName || name == "LOCK" {
			continue
		}
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			return err
		}
		all, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		v.files[name] = &entry{int64(len(all)), xxhash.Sum64(all), true}
	}
	if err := v.rotate(); err != nil {
		return err
	}
	if version == layout {
		return v.release()
	}
	text := "inventory " + version + " after 0000000000000000"
	v.chain = 0
	v.line("%s", text)
	if err := v.release(); err != nil {
		return err
	}
	return writeFile(fs, fs.PathJoin(dir, inventoryName), v.lines.Bytes())
}
