package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Upload is an audience whose members come from files.
type Upload struct {
	Audience profile.AudienceRef
	Spec     upload.Spec
}

// ErrNoUpload is the error of a file for an audience without an upload.
var ErrNoUpload = errors.New("no upload is configured for this audience")

// rowsInChunk is how many rows stand in one note.
const rowsInChunk = 1000

// chunkOfRows is the value of a note with rows.
type chunkOfRows struct {
	Namespace string `json:"namespace"`
	Rows      []row  `json:"rows"`
}

type row struct {
	Number int64  `json:"n"`
	ID     string `json:"id"`
}

// Upload takes the file of an audience: when it returns, every row is durable, and
// becomes a member when the term says so. A file that is refused leaves nothing.
// The errors are ErrNoUpload, upload.Refused, a *Refused where the audience is
// uploaded already, what kept the file from being read, and those of Submit.
func (d *Driver) Upload(ctx context.Context, key string, file io.Reader) (flow.Uploaded, error) {
	u, known := d.config.Uploads[key]
	if !known {
		return flow.Uploaded{}, fmt.Errorf("%w: %q", ErrNoUpload, key)
	}
	if l, ok := d.config.Store.(limited); ok {
		if err := l.Room(); err != nil {
			return flow.Uploaded{}, err
		}
	}
	w := &rowsWriter{driver: d, number: d.nextFile()}
	summary, err := upload.Read(file, u.Spec, w.take)
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		return flow.Uploaded{}, errors.Join(err, w.discard())
	}
	begun, taken, err := d.beginUpload(ctx, u, flow.File{Number: w.number, Chunks: w.chunks, Rows: summary.Rows})
	if err != nil && !taken {
		err = errors.Join(err, w.discard())
	}
	return begun, err
}

// nextFile is a number that no upload of this store has.
func (d *Driver) nextFile() uint64 {
	for {
		last := d.lastFile.Load()
		next := max(last+1, uint64(time.Now().UnixNano()))
		if d.lastFile.CompareAndSwap(last, next) {
			return next
		}
	}
}

// rowsWriter keeps rows as notes.
type rowsWriter struct {
	driver *Driver
	number uint64
	chunks int
	chunk  chunkOfRows
}

func (w *rowsWriter) take(m upload.Member) error {
	w.chunk.Namespace = m.Identity.Namespace
	w.chunk.Rows = append(w.chunk.Rows, row{m.Row, m.Identity.ID})
	if len(w.chunk.Rows) < rowsInChunk {
		return nil
	}
	return w.flush()
}

func (w *rowsWriter) flush() error {
	if len(w.chunk.Rows) == 0 {
		return nil
	}
	text, err := json.Marshal(w.chunk)
	if err != nil {
		return err
	}
	w.chunk.Rows = w.chunk.Rows[:0]
	w.chunks++
	return w.driver.keepRows(engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: flow.RowsKey(w.number, w.chunks-1), Value: text}})
}

// discard removes what was kept.
func (w *rowsWriter) discard() error {
	var gone []engine.Record
	for chunk := range w.chunks {
		gone = append(gone, engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: flow.RowsKey(w.number, chunk), Volatile: true}})
	}
	if len(gone) == 0 {
		return nil
	}
	return w.driver.keepRows(gone...)
}

// keepRows commits notes with rows, which no group waits for.
func (d *Driver) keepRows(records ...engine.Record) error {
	err := d.config.Store.Commit(nil, records)
	if err != nil && !errors.Is(err, store.ErrFull) {
		d.fail(err)
	}
	return err
}

// removeRows removes, at the start, those rows that no upload waits for: the
// process ended before it had begun.
func (d *Driver) removeRows(keys []string) error {
	var gone []engine.Record
	for _, key := range keys {
		number, _ := flow.RowsOf(key)
		d.lastFile.Store(max(d.lastFile.Load(), number))
		if !d.runtime.Awaits(number) {
			gone = append(gone, engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: key, Volatile: true}})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return d.config.Store.Commit(nil, gone)
}

// uploading is an upload that is to begin; somebody waits.
type uploading struct {
	upload Upload
	file   flow.File
	begun  flow.Uploaded
	done   chan error
}

// beginUpload begins the term of an upload whose rows are kept. taken is false
// where it surely did not begin.
func (d *Driver) beginUpload(ctx context.Context, u Upload, file flow.File) (begun flow.Uploaded, taken bool, err error) {
	x := &uploading{upload: u, file: file, done: make(chan error, 1)} // nobody waits to tell
	select {
	case <-d.ending:
		return begun, false, ErrDraining
	default:
	}
	select {
	case d.uploads <- x:
	case <-d.ending:
		return begun, false, ErrDraining
	case <-d.dead:
		return begun, false, d.ended()
	case <-ctx.Done():
		return begun, false, ctx.Err()
	}
	var refused *Refused
	if err := d.wait(ctx, x.done); err != nil {
		return begun, !errors.As(err, &refused), err
	}
	return x.begun, true, nil
}

// upload begins a term.
func (l *looping) upload(x *uploading) {
	d, now := l.driver, time.Now()
	e := d.runtime.Upload(now, x.upload.Audience, x.upload.Spec, x.file)
	if e.Refused {
		x.done <- &Refused{"upload", e.Problems}
		return
	}
	for _, u := range d.runtime.Uploads() {
		if u.Audience == x.upload.Audience {
			x.begun = u
		}
	}
	l.group.uploads, l.group.noted = append(l.group.uploads, x), true
	l.happened(now, e)
}

// Uploads are the uploads of the engine as they stand.
func (d *Driver) Uploads(ctx context.Context) (all []flow.Uploaded, err error) {
	err = d.ask(ctx, func(*looping) { all = d.runtime.Uploads() })
	return all, err
}
