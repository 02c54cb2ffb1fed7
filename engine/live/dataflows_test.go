package live

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// Actions and lists over HTTP: the status says whose fault a refusal is, and
// the body what to do. Requests come one after the other, each an hour later.
func TestDataflowsOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		c := cinema(memory.New(), r)
		c.Dataflows[0].Configuration.Users.Maps = []string{"View Destinations", "Activate Segment without Mapping", "View Profiles", "View Segments"}
		d, stop := started(t, c)
		h := Handler(d, func(key string) (profile.AudienceRef, bool) {
			ref, known := map[string]profile.AudienceRef{"delorean": ref, "films": films, "gone": {Namespace: "ups", ID: "gone"}}[key]
			return ref, known
		})
		submit(t, d, enter("a", films), enter("b", ref))
		for _, c := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"GET", "/dataflows", "", 200, `"active":true,"enabled":true,"mapped":[{"namespace":"ups","id":"delorean","name":"delorean"`},
			{"POST", "/dataflows/dataflow/map", `{"audiences": ["nobody"]}`, 400, `no audience \"nobody\"`},
			{"POST", "/dataflows/dataflow/map", ``, 400, `map names no audience`},
			{"POST", "/dataflows/dataflow/map", `{"audiences": ["films"]`, 400, `the body is not an action`},
			{"POST", "/dataflows/dataflow/explode", ``, 400, `unknown action \"explode\"`},
			{"POST", "/dataflows/other/map", `{"audiences": ["films"]}`, 404, `no such dataflow`},
			{"POST", "/dataflows/dataflow/rename", `{"audiences": ["films"]}`, 400, `exactly one name for each audience`},
			{"POST", "/dataflows/dataflow/map", `{"audiences": ["gone"]}`, 409, `"problems":[{`},
			{"POST", "/dataflows/dataflow/map", `{"audiences": ["films"]}`, 200, `"warnings":[]`},
			{"GET", "/dataflows", "", 200, `"id":"films"`},
			{"GET", "/dataflows", "", 200, `"received":2,"activated":2,`},
			{"GET", "/dataflows/dataflow/runs", "", 200, `"status":"completed","audiences":1,"received":1,"activated":1,`},
			{"GET", "/dataflows/other/runs", "", 404, `no such dataflow`},
			{"POST", "/dataflows/dataflow/switch", `{"segmentationChanges": false}`, 200, ``},
			{"POST", "/dataflows/dataflow/label", `{"audiences": ["films"]}`, 400, `label names no attribute`},
			{"POST", "/dataflows/dataflow/label", `{"labels": {"person.name": ["C4"]}}`, 200, ``},
			{"POST", "/dataflows/dataflow/disable", ``, 200, ``},
			{"GET", "/dataflows", "", 200, `"enabled":false`},
			{"POST", "/dataflows/dataflow/enable", ``, 200, ``},
			{"POST", "/dataflows/dataflow/rename", `{"audiences": ["films"], "names": ["Cinema"]}`, 200, ``},
			{"POST", "/dataflows/dataflow/delete", ``, 200, ``},
			{"GET", "/dataflows", "", 200, `"active":false,"enabled":true,"mapped":[]`},
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s %s: %d %s; want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
			}
			time.Sleep(time.Hour)
		}
		before := len(r.seen())
		submit(t, d, enter("c", ref))
		if time.Sleep(time.Hour); len(r.seen()) != before {
			t.Error("a deleted dataflow exports")
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A switch that is turned off leaves the others as they are.
func TestSwitchOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		d, stop := started(t, cinema(memory.New(), r))
		h := Handler(d, func(string) (profile.AudienceRef, bool) { return ref, true })
		for _, body := range []string{`{"segmentationChanges": false}`, `{"identityChanges": false}`} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/dataflows/dataflow/switch", strings.NewReader(body)))
			if w.Code != 200 {
				t.Errorf("%s: %d %s", body, w.Code, w.Body)
			}
		}
		submit(t, d, enter("doc", ref))
		settled(d)
		if got := r.seen(); len(got) > 0 {
			t.Errorf("%v was sent, and both switches are off", got)
		}
		submit(t, d, write("doc", 1))
		settled(d)
		if got := r.seen(); len(got) != 1 {
			t.Errorf("%v was sent; want the change of an attribute", got)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
