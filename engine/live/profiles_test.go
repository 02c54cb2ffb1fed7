package live

import (
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
)

func set(id string, value any) profile.Update {
	return profile.Update{Profile: profile.ID(id), Changes: []profile.Change{{Op: profile.Set, Path: "n", Value: value}}}
}

// A profile becomes part of another one, which is exported once for what it
// gains. Exports of the first that wait are delivered, and it has no others. A
// restart keeps all of that.
func TestMergeAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		d, stop := started(t, config(s, r))
		submit(t, d, enter("doc", films), enter("doc-2", ref), set("doc-2", int64(1)))
		time.Sleep(time.Minute)
		for _, c := range []struct {
			from, into profile.ID
			want       error
		}{{"doc", "doc", ErrItself}, {"nobody", "doc", ErrNoProfile}, {"doc-2", "nobody", ErrNoProfile}, {"doc-2", "doc", nil}, {"doc-2", "doc", nil}} {
			if err := d.Merge(t.Context(), c.from, c.into); !errors.Is(err, c.want) {
				t.Errorf("%s into %s: %v; want %v", c.from, c.into, err, c.want)
			}
		}
		var gone *MergedAway
		if err := d.Merge(t.Context(), "doc-2", "marty"); !errors.As(err, &gone) || gone.Into != "doc" {
			t.Errorf("merged a second time: %v; want that it was merged into doc", err)
		}
		if err := d.Merge(t.Context(), "doc", "doc-2"); !errors.As(err, &gone) {
			t.Errorf("into one that was merged: %v", err)
		}
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		d, stop = started(t, config(s, r))
		if err := d.Submit(t.Context(), set("doc-2", int64(2))); !errors.As(err, &gone) {
			t.Errorf("an update of what was merged: %v", err)
		}
		submit(t, d, set("doc", int64(3)))
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := ids(r), []string{"doc-2#1", "doc-2#2", "doc#1", "doc#2"}; !slices.Equal(got, want) {
			t.Errorf("exports %v; want %v", got, want)
		}
		state, _, err := s.Load("doc")
		if err != nil || !state.Profile.HasIdentity(profile.Identity{Namespace: "crm", ID: "doc-2"}) || !state.Profile.In(ref) || !state.Profile.In(films) {
			t.Errorf("doc is %+v, %v; want what both had", state, err)
		}
		if other, _, err := s.Load("doc-2"); err != nil || other.MergedInto != "doc" || known(engine.State{Profile: other.Profile}) || other.Exports != 2 {
			t.Errorf("doc-2 is %+v, %v; want nothing but where it went", other, err)
		}
	})
}

// ids are the exports that came, in order.
func ids(r *receiver) (all []string) {
	for _, x := range r.seen() {
		all = append(all, x.id)
	}
	return all
}

// Nothing is kept of a profile that is forgotten but how many exports it had, not
// even a dead letter. Exports that were decided before are sent.
func TestForgetAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		var down atomic.Bool
		r.answer = func(op engine.Operation) retry.Outcome {
			switch {
			case down.Load():
				return status(503)
			case strings.HasSuffix(op.Message.ID, "#1"):
				return status(500)
			}
			return status(200)
		}
		d, stop := started(t, config(s, r))
		submit(t, d, enter("doc", ref), enter("marty", ref))
		time.Sleep(2 * time.Minute) // each is a dead letter
		down.Store(true)
		submit(t, d, set("doc", int64(1)))
		if err := d.Forget(t.Context(), "doc"); err != nil {
			t.Fatal(err)
		}
		if err := d.Forget(t.Context(), "nobody"); !errors.Is(err, ErrNoProfile) {
			t.Errorf("forgetting nobody: %v", err)
		}
		if n := d.Stats().Dead; n != 1 {
			t.Errorf("%d dead letters; want that of marty", n)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		r.answer = func(engine.Operation) retry.Outcome { return status(200) }
		d, stop = started(t, config(s, r))
		time.Sleep(time.Minute)
		state, _, err := s.Load("doc")
		if err != nil || known(engine.State{Profile: state.Profile}) || state.Exports != 2 {
			t.Errorf("doc is %+v, %v; want that two exports are all that is known", state, err)
		}
		submit(t, d, set("doc", int64(2)), enter("doc", ref))
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, id := range ids(r) {
			count[id]++
		}
		if count["doc#2"] != 2 || count["doc#3"] != 1 {
			t.Errorf("attempts %v; want that doc#2 is sent again, and doc#3 when the profile comes back", count)
		}
	})
}

// Profiles over HTTP: the status says whose fault a refusal is.
func TestProfilesOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := started(t, config(memory.New(), newReceiver()))
		h := Handler(d, func(string) (profile.AudienceRef, bool) { return ref, true })
		submit(t, d, enter("doc", ref), enter("doc/2", ref), enter("marty", ref))
		for _, c := range []struct {
			method, path, body string
			status             int
			want               string
		}{
			{"POST", "/profiles/doc/merge", `{"from": "doc/2"}`, 200, `"accepted":1`},
			{"POST", "/profiles/doc/merge", `{"from": ""}`, 400, `names no profile to merge`},
			{"POST", "/profiles/doc/merge", `{"into": "x"}`, 400, `names no profile to merge`},
			{"POST", "/profiles/doc/merge", `{"from": "doc"}`, 400, `part of itself`},
			{"POST", "/profiles/doc/merge", `{"from": "nobody"}`, 404, `no such profile`},
			{"POST", "/profiles/marty/merge", `{"from": "doc/2"}`, 409, `was merged into`},
			{"POST", "/updates", `{"profile": "doc/2", "qualify": "a"}`, 409, `"hint":"name \"doc\", which it became part of"`},
			{"POST", "/profiles/doc%2F2/forget", ``, 409, `was merged into`},
			{"POST", "/profiles/nobody/forget", ``, 404, `no such profile`},
			{"POST", "/profiles/marty/forget", ``, 200, `"accepted":1`},
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body)))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s %s %s: %d %s; want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
			}
			time.Sleep(time.Minute)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
