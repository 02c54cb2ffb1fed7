package flow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// uploaded is an audience that was uploaded, and its term.
type uploaded struct {
	ref    profile.AudienceRef
	at     time.Time
	spec   upload.Spec
	term   upload.Term
	file   File
	expiry AlarmID

	imported, leaving, over bool
	changed, read           bool // the note is to be kept anew; the rows are to be removed
}

// stage is how far it is.
func (u *uploaded) stage() UploadStage {
	switch {
	case u.over:
		return UploadIsOver
	case u.leaving:
		return UploadExpires
	case u.imported:
		return UploadStands
	}
	return UploadWaits
}

// File is where a driver with a store keeps the rows of an upload until they are
// members: as notes that RowsKey names. The zero File keeps none.
type File struct {
	Number uint64 // no two uploads have the same
	Chunks int
	Rows   int64
}

// UploadStage is how far an upload is.
type UploadStage string

// The stages of an upload.
const (
	UploadWaits   UploadStage = "waiting"   // its members are not there yet
	UploadStands  UploadStage = "available" // they are
	UploadExpires UploadStage = "expiring"  // its term is over, and its members leave
	UploadIsOver  UploadStage = "expired"   // all have left
)

// Uploaded is an upload as it stands.
type Uploaded struct {
	Audience  profile.AudienceRef
	At        time.Time
	Available time.Time
	Expires   time.Time
	Rows      int64
	Stage     UploadStage
}

// Upload begins the term of an audience whose file was checked: its members
// come and go by Effects.Import and Effects.Expire. An audience that is uploaded
// and has not expired is refused.
func (r *Runtime) Upload(at time.Time, ref profile.AudienceRef, s upload.Spec, file File) Effects {
	if u := r.uploads[ref]; u != nil && !u.over {
		return refused(ref, "the audience "+ref.ID+" is uploaded already", "refresh it within the last 7 days before it expires, or wait until it has expired")
	}
	u := &uploaded{ref: ref, at: at, spec: s, term: upload.NewTerm(at, s), file: file, changed: true}
	r.uploads[ref] = u
	e := Effects{Uploaded: []profile.AudienceRef{ref}}
	r.await(u, &e)
	return e
}

// await sets the alarms of an upload.
func (r *Runtime) await(u *uploaded, e *Effects) {
	if !u.imported {
		r.set(Available, u.term.Available(), ringing{upload: u}, e)
	}
	if !u.over {
		u.expiry = r.set(Expiry, u.term.Expires(), ringing{upload: u}, e)
	}
}

func (u *uploaded) available() Effects { return Effects{Import: []profile.AudienceRef{u.ref}} }

func (u *uploaded) expired() Effects {
	u.expiry, u.leaving = 0, true
	return Effects{Expire: []profile.AudienceRef{u.ref}}
}

// Imported tells that every row of an upload is a member, and durable.
func (r *Runtime) Imported(ref profile.AudienceRef) {
	if u := r.uploads[ref]; !u.imported {
		u.imported, u.changed, u.read = true, true, true
	}
}

// Expired tells that no profile is a member of an upload any more that has
// expired.
func (r *Runtime) Expired(ref profile.AudienceRef) {
	if u := r.uploads[ref]; u.leaving {
		u.over, u.changed = true, true
	}
}

// Uploads are all uploads, by their audiences.
func (r *Runtime) Uploads() []Uploaded {
	var all []Uploaded
	for _, u := range r.inOrder() {
		all = append(all, Uploaded{u.ref, u.at, u.term.Available(), u.term.Expires(), u.file.Rows, u.stage()})
	}
	return all
}

// inOrder are all uploads in a fixed order.
func (r *Runtime) inOrder() []*uploaded {
	return slices.SortedFunc(maps.Values(r.uploads), func(a, b *uploaded) int {
		return cmp.Or(cmp.Compare(a.ref.Namespace, b.ref.Namespace), cmp.Compare(a.ref.ID, b.ref.ID))
	})
}

// FileOf is the file of rows of an upload; the zero File for an audience without one.
func (r *Runtime) FileOf(ref profile.AudienceRef) File {
	if u := r.uploads[ref]; u != nil {
		return u.file
	}
	return File{}
}

// refresh starts the term of an upload anew. One that cannot be refreshed now
// is a problem, and stays as it is.
func (r *Runtime) refresh(now time.Time, ref profile.AudienceRef) Effects {
	u := r.uploads[ref]
	if u == nil {
		return refused(ref, "the audience "+ref.ID+" was not uploaded", "refresh an uploaded audience")
	}
	term, err := u.term.Refresh(now)
	if err != nil {
		return refused(ref, err.Error(), "refresh it within the last 7 days before it expires")
	}
	var e Effects
	r.clear(u.expiry, &e)
	u.term, u.changed = term, true
	u.expiry = r.set(Expiry, term.Expires(), ringing{upload: u}, &e)
	return e
}

func refused(ref profile.AudienceRef, message, hint string) Effects {
	p := dataflow.Problem{Path: ref.ID, Message: message, Hint: hint, Level: dataflow.Error}
	return Effects{Refused: true, Problems: []dataflow.Problem{p}}
}

// The notes of uploads; see notes.go.
const (
	uploadNote = "upload/" // NAMESPACE/ID: the term of an audience and how far it is
	rowsNote   = "rows/"   // NUMBER/CHUNK: rows that are not members yet
)

// keptUpload is the note of an upload.
type keptUpload struct {
	Audience profile.AudienceRef `json:"audience"`
	At       time.Time           `json:"at"`
	Spec     upload.Spec         `json:"spec"`
	Expires  time.Time           `json:"expires"`
	File     File                `json:"file"`
	Imported bool                `json:"imported,omitempty"`
	Over     bool                `json:"over,omitempty"`
}

// RowsKey is the key of a note with rows of an upload, ascending with the chunks.
// Its value is the driver's.
func RowsKey(number uint64, chunk int) string {
	return fmt.Sprintf("%s%d/%08d", rowsNote, number, chunk)
}

// RowsOf is the upload that a note with rows is of; of is false for any other
// note.
func RowsOf(key string) (number uint64, of bool) {
	rest, is := strings.CutPrefix(key, rowsNote)
	text, _, _ := strings.Cut(rest, "/")
	number, err := strconv.ParseUint(text, 10, 64)
	return number, is && err == nil
}

// Awaits reports whether the rows of an upload are still needed.
func (r *Runtime) Awaits(number uint64) bool {
	for _, u := range r.uploads {
		if u.file.Number == number && !u.imported {
			return true
		}
	}
	return false
}

// uploadNotes are those of uploads that changed.
func (r *Runtime) uploadNotes(records []engine.Record) []engine.Record {
	for _, u := range r.inOrder() {
		if u.read {
			for chunk := range u.file.Chunks {
				records = append(records, removed(RowsKey(u.file.Number, chunk)))
			}
			u.read = false
		}
		if u.changed {
			records = append(records, noted(uploadNote+u.ref.Namespace+"/"+u.ref.ID,
				keptUpload{u.ref, u.at, u.spec, u.term.Expires(), u.file, u.imported, u.over}))
			u.changed = false
		}
	}
	return records
}

// restoreUploads takes up the notes of uploads.
func (r *Runtime) restoreUploads(notes []engine.Note) error {
	for _, n := range notes {
		if !strings.HasPrefix(n.Key, uploadNote) {
			continue
		}
		var k keptUpload
		if err := json.Unmarshal(n.Value, &k); err != nil {
			return fmt.Errorf("the note %s cannot be read: %w", n.Key, err)
		}
		r.uploads[k.Audience] = &uploaded{ref: k.Audience, at: k.At, spec: k.Spec, term: upload.RestoreTerm(k.At, k.Spec, k.Expires), file: k.File,
			imported: k.Imported, over: k.Over}
	}
	return nil
}
