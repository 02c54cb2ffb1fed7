package live

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/internal/limits"
)

// filling is a store that has room for a number of updates.
type filling struct {
	store.Store
	left int
}

// Room is asked by one goroutine: the requests of these tests come one by one.
func (f *filling) Room() error {
	if f.left--; f.left < 0 {
		return &store.Trouble{Dir: "data", Err: store.ErrFull, Hint: "make room on the disk; nothing that was accepted is lost"}
	}
	return nil
}

const qualifyDoc = `{"profile": "doc", "qualify": "delorean"}` + "\n"

// Every answer but the lists: its status says whose fault it is, and its body
// how many lines are accepted all the same, which line was not, and what to do.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		room                int
		ended               bool
		method, path, lines string
		status              int
		want                []string
	}{
		"all accepted":             {room: 9, method: "POST", path: "/updates", lines: qualifyDoc + "\n" + qualifyDoc, status: 200, want: []string{`"accepted":2`}},
		"a line that is wrong":     {room: 9, method: "POST", path: "/updates", lines: qualifyDoc + `{"profile": "doc", "qualify": "nobody"}` + "\n" + qualifyDoc, status: 400, want: []string{`"accepted":1`, `"line":2`, "no audience"}},
		"a line that is too long":  {room: 9, method: "POST", path: "/updates", lines: qualifyDoc + strings.Repeat(" ", limits.UpdateBytes.Most+2), status: 413, want: []string{`"accepted":1`, `"line":2`, `"limit":"update-bytes"`}},
		"a disk that fills up":     {room: 2, method: "POST", path: "/updates", lines: strings.Repeat(qualifyDoc, 4), status: 507, want: []string{`"accepted":2`, `"line":3`, "make room on the disk"}},
		"an engine that ends":      {room: 9, ended: true, method: "POST", path: "/updates", lines: qualifyDoc, status: 503, want: []string{`"line":1`, "send it again when the engine is back"}},
		"no such dead letter":      {room: 9, method: "POST", path: "/dead/resend?id=nobody", status: 404, want: []string{"nobody"}},
		"a method that is not one": {room: 9, method: "GET", path: "/updates", status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			s := &filling{memory.New(), c.room}
			d, stop := started(t, config(s, newReceiver()))
			var once error
			stopped := false
			end := func() {
				if !stopped {
					stopped, once = true, stop()
				}
			}
			if c.ended {
				end()
			}
			audiences := func(key string) (profile.AudienceRef, bool) { return ref, key == "delorean" }
			w := httptest.NewRecorder()
			Handler(d, audiences).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.lines)))
			if w.Code != c.status {
				t.Errorf("status %d; want %d: %s", w.Code, c.status, w.Body)
			}
			for _, want := range c.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("answer %s; want %s", w.Body, want)
				}
			}
			if c.status == http.StatusInsufficientStorage {
				settled(d)
				if got := d.Stats(); got.Updates != 2 || got.Delivered != 1 {
					t.Errorf("Stats = %+v; want both accepted updates decided, and their export delivered", got)
				}
			}
			if end(); once != nil {
				t.Errorf("Run = %v", once)
			}
		})
	}
}
