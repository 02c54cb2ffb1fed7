package live

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/memory"
)

var vip = profile.AudienceRef{Namespace: upload.Namespace, ID: "vip"}

// uploads is a configuration whose one audience comes from files.
func uploads(s *memory.Store, r *receiver) Config {
	c := cinema(s, r)
	directory := audience.NewDirectory(audience.Audience{Ref: ref, Name: "delorean"}, audience.Audience{Ref: vip, Name: "vip"})
	one := &c.Dataflows[0]
	f := one.Snapshot.Flow
	f.Audiences = []profile.AudienceRef{vip}
	one.Snapshot, _ = dataflow.NewSnapshot(f, directory).Activate(time.Now())
	one.Configuration.Flow, one.Configuration.Audiences, c.Shards = f, directory, 1 // so that order is kept
	c.Uploads = map[string]Upload{"vip": {vip, upload.Spec{Identity: "crm", Namespace: "crm", TTL: 8 * 24 * time.Hour}}}
	return c
}

func uploadRows(t *testing.T, d *Driver, rows ...string) {
	t.Helper()
	if _, err := d.Upload(t.Context(), "vip", strings.NewReader("crm,city\n"+strings.Join(rows, ",x\n")+",x\n")); err != nil {
		t.Fatal(err)
	}
}

// stages are the uploads as text.
func stages(t *testing.T, d *Driver) string {
	t.Helper()
	all, err := d.Uploads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, u := range all {
		out = append(out, fmt.Sprintf("%s %d rows", u.Stage, u.Rows))
	}
	return strings.Join(out, ", ")
}

// rowNotes are the keys of the notes with rows.
func rowNotes(t *testing.T, s *memory.Store) (keys []string) {
	t.Helper()
	err := s.Notes(func(n engine.Note) error {
		if _, of := flow.RowsOf(n.Key); of {
			keys = append(keys, n.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// The rows of a file are members two hours after the upload, and leave when it
// expires, whichever process lives then. A row that nobody has makes a profile.
func TestUploadsAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		d, stop := started(t, uploads(s, r))
		submit(t, d, enter("doc", ref)) // has the identity crm: doc
		uploadRows(t, d, "doc", "nobody", "doc")
		if _, err := d.Upload(t.Context(), "vip", strings.NewReader("crm\nx\n")); !errors.As(err, new(*Refused)) {
			t.Errorf("a second upload: %v; want that it is refused", err)
		}
		restart := func(after time.Duration, wantStage string) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if got := stages(t, d); got != wantStage {
				t.Errorf("after %s: %s; want %s", after, got, wantStage)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			d, stop = started(t, uploads(s, r))
			synctest.Wait()
		}
		restart(time.Hour, "waiting 3 rows")
		restart(time.Hour+time.Minute, "available 3 rows")
		if keys := rowNotes(t, s); len(keys) > 0 {
			t.Errorf("of the rows that are members there are still %v", keys)
		}
		restart(24*time.Hour, "available 3 rows")
		acted(t, d, flow.Refresh, vip) // within the last seven days: eight days from now on
		restart(7*24*time.Hour, "available 3 rows")
		restart(24*time.Hour, "expired 3 rows")
		uploadRows(t, d, "doc")
		restart(3*time.Hour, "available 1 rows")
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		want := []string{"doc#1 at 120", "vip-row-2#1 at 120", "doc#2 at 13081", "vip-row-2#2 at 13081", "doc#3 at 13201"}
		got := r.told()
		slices.Sort(got) // at one time in any order
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("exports %v; want %v", got, want)
		}
	})
}

// A file that is refused leaves nothing, and rows of an upload that never began
// are removed at the next start.
func TestRefusedUploadsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		d, stop := started(t, uploads(s, r))
		file := "crm,city\n" + strings.Repeat("a,b\n", 2*rowsInChunk) + "only one field\n"
		var refused upload.Refused
		if _, err := d.Upload(t.Context(), "vip", strings.NewReader(file)); !errors.As(err, &refused) || refused.Problems[0].Line != 2*rowsInChunk+2 {
			t.Errorf("a row with too few fields: %v; want its line", err)
		}
		if _, err := d.Upload(t.Context(), "nobody", strings.NewReader(file)); !errors.Is(err, ErrNoUpload) {
			t.Errorf("an audience without an upload: %v", err)
		}
		uploadRows(t, d, "doc")
		upload_again := func() {
			if _, err := d.Upload(t.Context(), "vip", strings.NewReader("crm\nx\n")); err == nil {
				t.Error("uploaded twice")
			}
		}
		upload_again()
		if keys := rowNotes(t, s); len(keys) != 1 {
			t.Errorf("rows that are kept: %v; want those of the one upload", keys)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		orphan := engine.Record{Kind: engine.Noted, Note: &engine.Note{Key: flow.RowsKey(7, 0), Value: []byte("{}")}}
		if err := s.Commit(nil, []engine.Record{orphan}); err != nil {
			t.Fatal(err)
		}
		_, stop = started(t, uploads(s, r))
		if keys := rowNotes(t, s); len(keys) != 1 || keys[0] == orphan.Note.Key {
			t.Errorf("rows that are kept after the start: %v; want those of the one upload", keys)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// Rows become members in as many passes as it takes, in the order of the file. A
// profile with two of the identities enters once.
func TestUploadInSeveralPasses(t *testing.T) {
	defer func(most int) { rowsAtOnce = most }(rowsAtOnce)
	rowsAtOnce = rowsInChunk
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		c := uploads(s, r)

		d, stop := started(t, c)
		submit(t, d, enter("doc", ref), profile.Update{Profile: "doc", Changes: []profile.Change{
			{Op: profile.AddIdentity, Identity: profile.Identity{Namespace: "crm", ID: "emmett"}}}})
		rows := []string{"doc", "emmett"}
		for n := 3; n <= 3*rowsInChunk/2; n++ {
			rows = append(rows, fmt.Sprint("n", n))
		}
		rows = append(rows, "n3", "doc")
		uploadRows(t, d, rows...)
		time.Sleep(3 * time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, x := range r.seen() {
			count[x.id]++
		}
		if len(count) != len(rows)-3 || count["doc#1"] != 1 || count["vip-row-3#1"] != 1 || count["doc#2"] != 0 {
			t.Errorf("%d exports, of doc %d and %d; want %d", len(count), count["doc#1"], count["doc#2"], len(rows)-3)
		}
	})
}

// Rows that wait for room are not members yet: a process that ends then imports
// them again.
func TestAnUploadIsAvailableWithItsLastRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		r.takes = time.Minute
		c := uploads(s, r)
		c.Backlog = 1
		d, stop := started(t, c)
		uploadRows(t, d, "a", "b", "c")
		time.Sleep(2*time.Hour + 90*time.Second)
		synctest.Wait()
		if got := stages(t, d); got != "waiting 3 rows" || d.Stats().Updates == 3 {
			t.Errorf("with %d of 3 rows as members: %s", d.Stats().Updates, got)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		c.Dataflows[0].Snapshot, c.Backlog = uploads(s, r).Dataflows[0].Snapshot, 0
		d, stop = started(t, c)
		time.Sleep(10 * time.Minute)
		if got := stages(t, d); got != "available 3 rows" {
			t.Errorf("after the restart: %s", got)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, x := range r.seen() {
			count[x.id]++
		}
		if len(count) != 3 || count["vip-row-1#1"] == 0 || count["vip-row-2#1"] == 0 || count["vip-row-3#1"] == 0 {
			t.Errorf("exports %v; want one of each row", count)
		}
	})
}

// Uploads over HTTP: the status says whose fault a refusal is.
func TestUploadsOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := started(t, uploads(memory.New(), newReceiver()))
		h := Handler(d, func(string) (profile.AudienceRef, bool) { return profile.AudienceRef{}, false })
		for _, c := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/audiences", "", 200, `[{"key":"vip","namespace":"CustomerAudienceUpload","id":"vip","stage":"","rows":0}]`},
			{"POST", "/audiences/nobody/upload", "crm\na\n", 404, `no upload is configured`},
			{"POST", "/audiences/vip/upload", "email\na\n", 400, `"problems":[{"line":1,"column":1,"message":"the header has no column`},
			{"POST", "/audiences/vip/refresh", "", 409, `"path":"audiences.vip.upload","level":"error","message":"the audience vip was not uploaded"`},
			{"POST", "/audiences/nobody/refresh", "", 404, `no upload is configured`},
			{"POST", "/audiences/vip/upload", "crm\na\n", 202, `"stage":"waiting","rows":1,"at":"2000-01-01T`},
			{"POST", "/audiences/vip/upload", "crm\na\n", 409, `is uploaded already`},
			{"GET", "/audiences", "", 200, `"stage":"available"`},
			{"POST", "/audiences/vip/refresh", "", 409, `too early`},
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s %s: %d %s; want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
			}
			time.Sleep(90 * time.Minute)
		}
		time.Sleep(24 * time.Hour)
		if _, err := d.Act(t.Context(), flow.Action{Kind: flow.Refresh, Audiences: []profile.AudienceRef{vip}}); err != nil {
			t.Errorf("a refresh in time: %v", err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
