package live

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/internal/limits"
)

func knownAudience(key string) (profile.AudienceRef, bool) { return ref, key == "delorean" }

// post sends lines to the handler of a driver.
func post(t *testing.T, d *Driver, body io.Reader) (*httptest.ResponseRecorder, answer) {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(d, knownAudience).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/updates", body))
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("the answer %q is not JSON: %v", w.Body, err)
	}
	return w, a
}

// addIdentities is a line that adds n identities of about size bytes each.
func addIdentities(id string, from, n, size int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%0*d", size, from+i)
	}
	line, _ := json.Marshal(map[string]any{"profile": id, "addIdentity": map[string]any{"crm": ids}})
	return string(line) + "\n"
}

// An update beyond a limit is refused with the limit and the line, changes
// nothing, and leaves the engine running.
func TestIntakeRefusesWhatExceedsALimit(t *testing.T) {
	deep := `{"profile": "doc", "set": {"n.` + strings.Repeat("a.", 20_000) + `a": 1}}` + "\n"
	for name, c := range map[string]struct {
		lines string
		want  answer
		code  int
	}{
		"a deep path":   {qualifyDoc + deep + qualifyDoc, answer{Accepted: 1, Line: 2, Limit: "path-bytes"}, 400},
		"a deep value":  {`{"profile": "doc", "set": {"n": ` + strings.Repeat("[", 99) + "1" + strings.Repeat("]", 99) + `}}`, answer{Line: 1, Limit: "value-levels"}, 400},
		"a long line":   {qualifyDoc + strings.Repeat("x", 2<<20), answer{Accepted: 1, Line: 2, Limit: "update-bytes"}, 413},
		"a long id":     {`{"profile": "` + strings.Repeat("x", 2000) + `", "qualify": "delorean"}`, answer{Line: 1, Limit: "id-bytes"}, 400},
		"many changes":  {`{"profile": "doc", "remove": [` + strings.Repeat(`"a",`, 100_000) + `"a"]}`, answer{Line: 1, Limit: "update-changes"}, 413},
		"large profile": {qualifyDoc + addIdentities("doc", 0, 900, 1000) + addIdentities("doc", 900, 900, 1000) + qualifyDoc, answer{Accepted: 2, Line: 3, Limit: "profile-bytes"}, 413},
		"a crowd":       {addIdentities("doc", 0, 60_000, 6) + addIdentities("doc", 60_000, 40_001, 6) + qualifyDoc, answer{Accepted: 1, Line: 2, Later: []int{3}, Limit: "profile-identities"}, 413},
	} {
		t.Run(name, func(t *testing.T) {
			d, stop := started(t, config(memory.New(), newReceiver()))
			w, got := post(t, d, strings.NewReader(c.lines))
			if got.Error == "" || got.Hint == "" {
				t.Errorf("the answer %s lacks an error or a hint", w.Body)
			}
			got.Error, got.Hint = "", ""
			if w.Code != c.code || !reflect.DeepEqual(got, c.want) {
				t.Errorf("answer %d %+v; want %d %+v", w.Code, got, c.code, c.want)
			}
			if w, _ := post(t, d, strings.NewReader(`{"profile": "doc", "set": {"n": 2}}`)); w.Code != http.StatusOK {
				t.Errorf("the next update of the profile: %d %s", w.Code, w.Body)
			}
			if err := stop(); err != nil {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

// Whoever sends a request again after a refusal knows from the answer which lines
// are accepted: no other line is, be it refused as well or not read.
func TestLinesAcceptedAfterARefusal(t *testing.T) {
	lines := addIdentities("doc", 0, 60_000, 6) + qualifyDoc + addIdentities("doc", 60_000, 40_001, 6)
	for n := range 3 {
		lines += fmt.Sprintf(`{"profile": "p%d", "qualify": "delorean"}`+"\n", n)
	}
	lines += "\n" + addIdentities("doc", 60_000, 40_001, 6) + qualifyDoc
	d, stop := started(t, config(memory.New(), newReceiver()))
	w, got := post(t, d, strings.NewReader(lines))
	if want := []int{4, 5, 6}; got.Accepted != 2 || got.Line != 3 || !slices.Equal(got.Later, want) {
		t.Errorf("answer %s; want two accepted, line 3 refused, and %v accepted after it", w.Body, want)
	}
	if st := d.Stats(); st.Updates != 5 {
		t.Errorf("%d updates are accepted; the answer says 5", st.Updates)
	}
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

// A body that breaks off or is malformed is the sender's fault, and what came of
// its last line is not accepted.
func TestBrokenBodies(t *testing.T) {
	d, stop := started(t, config(memory.New(), newReceiver()))
	server := httptest.NewServer(Handler(d, knownAudience))
	defer server.Close()
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"a chunk without a size":  {qualifyDoc + "\r\nno size\r\n", `"accepted":1`},
		"a size that is too long": {qualifyDoc + "\r\nfffffffffffffffff\r\n", `"accepted":1`},
		"a chunk without its end": {qualifyDoc + "xx5\r\n", `"line":2`},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = fmt.Fprintf(conn, "POST /updates HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(qualifyDoc), c.body)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), c.want) || !strings.Contains(string(body), "well-formed") {
				t.Errorf("answer %d %s %v; want 400 with %s and a hint", response.StatusCode, body, err, c.want)
			}
		})
	}
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

// A full memory refuses with 503 and Retry-After after some patience, whatever
// was accepted before is delivered, and then there is room again.
func TestFullMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.answer = func(op engine.Operation) retry.Outcome {
			if time.Since(r.began) < time.Minute {
				return status(503)
			}
			return status(200)
		}
		c := config(memory.New(), r)
		c.Memory = 512 << 10 // of which exports hold a half
		d, stop := started(t, c)
		var lines strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&lines, `{"profile": "p%d", "qualify": "delorean"}`+"\n", i)
		}
		w, got := post(t, d, strings.NewReader(lines.String()))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || got.Line != got.Accepted+1 || got.Accepted == 0 || got.Hint == "" {
			t.Errorf("answer %d %+v, Retry-After %q; want 503 with the first line that was not accepted", w.Code, got, w.Header().Get("Retry-After"))
		}
		if held := d.held.held; held > 300<<10 {
			t.Errorf("%d bytes are held; want about 256 KiB", held)
		}
		settled(d)
		if d.held.held != 0 || d.lines.held != 0 {
			t.Errorf("%d and %d bytes are held when everything is settled", d.held.held, d.lines.held)
		}
		<-time.After(time.Minute)
		if w, _ := post(t, d, strings.NewReader(qualifyDoc)); w.Code != http.StatusOK {
			t.Errorf("an update when there is room again: %d %s", w.Code, w.Body)
		}
		settled(d)
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// Where bodies overflow to the disk, intake refuses by the number of exports alone.
func TestFullBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.answer = func(engine.Operation) retry.Outcome { return status(503) }
		c := config(memory.New(), r)
		c.Overflow, c.Memory, c.Backlog = true, 512<<10, 400 // bodies have room for 64 KiB
		d, stop := started(t, c)
		var lines strings.Builder
		for i := range 500 {
			fmt.Fprintf(&lines, `{"profile": "p%d", "qualify": "delorean", "set": {"n": %q}}`+"\n", i, strings.Repeat("x", 1000))
		}
		w, got := post(t, d, strings.NewReader(lines.String()))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || got.Accepted != 400 || got.Line != 401 {
			t.Errorf("answer %d %+v, Retry-After %q; want 503 after 400 lines", w.Code, got, w.Header().Get("Retry-After"))
		}
		if st := d.Stats(); st.InMemory > 128<<10 {
			t.Errorf("%d bytes of bodies are in memory; want at most 128 KiB", st.InMemory)
		}
		settled(d)
		if err := stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// Lines come whole, however the body is cut into pieces, and a line takes no
// buffer that is much larger than itself.
func TestLines(t *testing.T) {
	text := "a\r\n\n" + strings.Repeat("b", 100_000) + "\nlast"
	want := []string{"a", "", strings.Repeat("b", 100_000), "last"}
	for name, body := range map[string]io.Reader{
		"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "with the end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		reserved := int64(0)
		l := &lines{body: body, reserve: func(n int64) error { reserved += n; return nil }}
		for i, w := range want {
			line, err := l.next()
			if err != nil || string(line) != w {
				t.Fatalf("%s: line %d = %.20q, %v; want %.20q", name, i+1, line, err, w)
			}
		}
		if line, err := l.next(); err != io.EOF {
			t.Errorf("%s: after the last line: %q, %v", name, line, err)
		}
		if reserved > 300_000 || reserved != int64(len(l.buffer)) {
			t.Errorf("%s: %d bytes were reserved for a buffer of %d", name, reserved, len(l.buffer))
		}
	}
	l := &lines{body: strings.NewReader(strings.Repeat("x", 3<<20)), reserve: func(int64) error { return nil }}
	if _, err := l.next(); err == nil || len(l.buffer) > 2*limits.UpdateBytes.Most {
		t.Errorf("a line of 3 MiB: %v, with a buffer of %d", err, len(l.buffer))
	}
}
