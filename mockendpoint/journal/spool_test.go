package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// disk is a file in memory that can be full.
type disk struct {
	mu      sync.Mutex
	content []byte
	full    bool
}

var errFull = errors.New("no space left on device")

func (d *disk) WriteAt(p []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	room := len(p)
	if d.full {
		room /= 2 // a part of it is written all the same
	}
	d.content = append(d.content[:at], p[:room]...)
	if d.full {
		return room, errFull
	}
	return room, nil
}

func (d *disk) ReadAt(p []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.NewReader(d.content).ReadAt(p, at)
}

func (d *disk) Truncate(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.content = d.content[:size]
	return nil
}

func (d *disk) Close() error { return nil }

func drawPeer(t *rapid.T) *Peer {
	if rapid.Bool().Draw(t, "without certificate") {
		return nil
	}
	return &Peer{CommonName: rapid.String().Draw(t, "cn"), SAN: rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "san"),
		Issuer: rapid.String().Draw(t, "issuer"), Expires: drawTime(t)}
}

func drawTime(t *rapid.T) time.Time {
	if rapid.IntRange(0, 9).Draw(t, "zero") == 0 {
		return time.Time{}
	}
	return noon.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "ns")))
}

func drawRequest(t *rapid.T) Request {
	text := rapid.String()
	r := Request{
		Arrived: drawTime(t), Answered: drawTime(t), Socket: rapid.IntRange(0, 3).Draw(t, "socket"), Remote: text.Draw(t, "remote"),
		Number: rapid.Int().Draw(t, "number"), Method: text.Draw(t, "method"), Target: text.Draw(t, "target"), Proto: text.Draw(t, "proto"),
		Body: []byte(text.Draw(t, "body")), TLS: text.Draw(t, "tls"), Cipher: text.Draw(t, "cipher"), ServerName: text.Draw(t, "sni"),
		Peer: drawPeer(t), Profiles: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ü"}), 0, 2).Draw(t, "profiles"),
		Authorization: Authorization(text.Draw(t, "authorization")), Token: rapid.Int().Draw(t, "token"),
		Status: rapid.SampledFrom([]int{0, 200, 204, 500, 503}).Draw(t, "status"), Fault: rapid.SampledFrom([]string{"", "f"}).Draw(t, "fault"),
		Disconnected: rapid.Bool().Draw(t, "left"),
	}
	if rapid.Bool().Draw(t, "token request") {
		r.TokenRequest = &TokenRequest{Grant: text.Draw(t, "grant"), Credentials: text.Draw(t, "credentials")}
	}
	if rapid.Bool().Draw(t, "with head") {
		r.Head = []byte("POST / HTTP/1.1\r\nHost: a\r\nX: " + rapid.StringMatching(`[a-z:]{0,9}`).Draw(t, "x") + "\r\n\r\n")
		r.Headers = HeadersOf(r.Head)
	} else {
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			r.Headers = append(r.Headers, Header{text.Draw(t, "name"), text.Draw(t, "value")})
		}
	}
	return r
}

func drawHandshake(t *rapid.T) Handshake {
	text := rapid.String()
	h := Handshake{Accepted: drawTime(t), Ended: drawTime(t), Socket: rapid.IntRange(0, 3).Draw(t, "socket"), Remote: text.Draw(t, "remote"),
		Reason: text.Draw(t, "reason"), TLS: text.Draw(t, "tls"), ServerName: text.Draw(t, "sni"), Peer: drawPeer(t), Fault: text.Draw(t, "fault")}
	if rapid.Bool().Draw(t, "alert") {
		h.Alert = &Alert{By: text.Draw(t, "by"), Code: rapid.IntRange(0, 255).Draw(t, "code"), Description: text.Draw(t, "description")}
	}
	return h
}

// drawn is an entry that was put in, and whether the query should find it.
type drawn struct {
	Entry
	lost bool
}

func (d drawn) found(q Query) bool {
	if d.lost || d.Sequence <= q.After || q.Before != 0 && d.Sequence >= q.Before {
		return false
	}
	if d.Handshake != nil {
		h := d.Handshake
		return q.Kind != OfRequests && (q.Socket == 0 || h.Socket == q.Socket) && (q.Fault == "" || h.Fault == q.Fault) && q.Profile == "" && q.Statuses == nil &&
			(q.From.IsZero() || !h.Accepted.Before(q.From)) && (q.To.IsZero() || h.Accepted.Before(q.To))
	}
	r := d.Request
	return q.Kind != OfHandshakes && (q.Socket == 0 || r.Socket == q.Socket) && (q.Fault == "" || r.Fault == q.Fault) &&
		(q.Profile == "" || slices.Contains(r.Profiles, q.Profile)) && (q.Statuses == nil || slices.Contains(q.Statuses, r.Status) || slices.Contains(q.Statuses, r.Status/100) && r.Status > 0) &&
		(q.From.IsZero() || !r.Arrived.Before(q.From)) && (q.To.IsZero() || r.Arrived.Before(q.To))
}

func drawQuery(t *rapid.T, next uint64) Query {
	q := Query{Newest: rapid.Bool().Draw(t, "newest"), Limit: rapid.IntRange(0, 7).Draw(t, "limit")}
	for _, set := range []func(){
		func() { q.After = rapid.Uint64Range(0, next).Draw(t, "after") },
		func() { q.Before = rapid.Uint64Range(0, next+1).Draw(t, "before") },
		func() { q.Kind = rapid.SampledFrom([]Kind{OfRequests, OfHandshakes}).Draw(t, "kind") },
		func() { q.Socket = rapid.IntRange(1, 3).Draw(t, "of socket") },
		func() { q.Fault = "f" },
		func() { q.Profile = rapid.SampledFrom([]string{"a", "ü"}).Draw(t, "of profile") },
		func() {
			q.Statuses = rapid.SliceOfN(rapid.SampledFrom([]int{0, 2, 5, 204, 503}), 1, 2).Draw(t, "statuses")
		},
		func() { q.From = noon.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "from"))) },
		func() { q.To = noon.Add(time.Duration(rapid.IntRange(0, 1e9).Draw(t, "to"))) },
	} {
		if rapid.IntRange(0, 4).Draw(t, "set") == 0 {
			set()
		}
	}
	return q
}

// Whatever comes, however small the memory, however often the disk is full and
// the journal cleared: every query finds exactly what matches and is still
// there, and what is not there is counted.
func TestSpoolAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &disk{}
		s := newSpool(d, limits{memory: 1 + int64(rapid.IntRange(0, 2000).Draw(t, "memory")), chunk: rapid.IntRange(1, 800).Draw(t, "chunk"), marks: rapid.IntRange(2, 9).Draw(t, "marks")})
		var all []drawn
		wasFull, lost := false, uint64(0)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 19).Draw(t, "step") {
			case 0:
				if err := s.Clear(); err != nil {
					t.Fatal(err)
				}
				all = nil
			case 1:
				d.full = !d.full
				wasFull = true
			case 2, 3, 4:
				h := drawHandshake(t)
				s.Handshake(h)
				all = append(all, drawn{Entry: Entry{Sequence: s.next - 1, Handshake: &h}})
			default:
				r := drawRequest(t)
				s.Request(r)
				all = append(all, drawn{Entry: Entry{Sequence: s.next - 1, Request: &r, BodySize: len(r.Body)}})
			}
			for i, e := range all { // what the full disk cost is told by the entry itself
				if _, err := s.Entry(e.Sequence); errors.Is(err, ErrNotKept) && !e.lost {
					all[i].lost = true
					lost++
				} else if err != nil && !e.lost {
					t.Fatal(err)
				}
			}
			if st := s.Stats(); st.Lost != lost || lost > 0 && !wasFull {
				t.Fatalf("%d are counted as lost; %d are, disk full: %t", st.Lost, lost, wasFull)
			}
		}
		compare(t, s, all, drawQuery(t, s.next))
	})
}

// compare holds the pages of a query, and All, against the list.
func compare(t *rapid.T, s *Spool, all []drawn, q Query) {
	var want []Entry
	for _, e := range all {
		if e.found(q) {
			want = append(want, e.Entry)
		}
	}
	if q.Newest {
		slices.Reverse(want)
	}
	same := []cmp.Option{cmpopts.EquateEmpty()}
	var got []Entry
	for e, err := range s.All(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if d := cmp.Diff(want, got, same...); d != "" {
		t.Fatalf("All(%+v), want -, got +:\n%s", q, d)
	}
	got = nil
	for more := true; more; {
		p, err := s.Query(t.Context(), q)
		if err != nil || len(p.Entries) > q.limit() {
			t.Fatalf("%d entries, limit %d, %v", len(p.Entries), q.limit(), err)
		}
		got = append(got, p.Entries...)
		if more = p.More; q.Newest {
			q.Before = p.Cursor
		} else {
			q.After = p.Cursor
		}
	}
	same = append(same, cmpopts.IgnoreFields(Request{}, "Body"))
	if d := cmp.Diff(want, got, same...); d != "" {
		t.Fatalf("pages of %+v, want -, got +:\n%s", q, d)
	}
}

// Many write, one reads along by waiting: it sees every number once, in order.
func TestSpoolReadAlong(t *testing.T) {
	s := newSpool(&disk{}, limits{memory: 4000, chunk: 900, marks: 8})
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range each {
				s.Request(Request{Arrived: noon, Method: "POST", Socket: w, Body: bytes.Repeat([]byte("x"), 100)})
			}
		})
	}
	var last uint64
	for last < writers*each {
		if err := s.Wait(t.Context(), last, 0); err != nil {
			t.Fatal(err)
		}
		p, err := s.Query(t.Context(), Query{After: last})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			if e.Sequence != last+1 {
				t.Fatalf("entry %d follows %d", e.Sequence, last)
			}
			last = e.Sequence
		}
	}
	wg.Wait()
	if st := s.Stats(); st.MemoryBytes > 4000+900 || st.Lost != 0 || st.Requests != writers*each {
		t.Errorf("stats %+v", st)
	}
}

func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpool(&disk{}, limits{chunk: 100, marks: 8})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- s.Wait(ctx, 0, 0) }()
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatal("an empty journal is not waited for")
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Wait = %v; want that it was cancelled", err)
		}
		go func() { ended <- s.Wait(t.Context(), 0, 0) }()
		synctest.Wait()
		if err := errors.Join(s.Clear(), <-ended); err != nil {
			t.Errorf("Wait at Clear = %v", err)
		}
	})
}

// A file that is kept is continued, also where the last entry was cut off; one
// that was changed is refused.
func TestSpoolContinues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	open := func() *Spool {
		s, err := NewSpool(SpoolOptions{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	for range 3 {
		s.Request(Request{Arrived: noon, Method: "POST", Body: []byte("body")})
	}
	s.Handshake(Handshake{Accepted: noon, Reason: "unknown-ca"})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v; others must not read it", info.Mode(), err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
	s = open()
	s.Request(Request{Arrived: noon, Method: "PUT"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	var got []string
	for e, err := range s.All(t.Context(), Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %s", e.Sequence, e.Request.Method, e.Request.Body))
	}
	if want := []string{"1 POST body", "2 POST body", "3 POST body", "4 PUT "}; !slices.Equal(got, want) {
		t.Errorf("entries %q; want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	foreign := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(foreign, []byte("something else, and longer than a signature"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSpool(SpoolOptions{Path: foreign}); !errors.Is(err, ErrNoJournal) {
		t.Errorf("NewSpool of a file of somebody else = %v", err)
	}
	if kept, err := os.ReadFile(foreign); err != nil || len(kept) != 43 {
		t.Errorf("the file of somebody else has %d bytes now, %v", len(kept), err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewSpool(SpoolOptions{Path: path}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("NewSpool of a changed file = %v", err)
	}
}

// A temporary journal leaves nothing behind.
func TestTemporarySpool(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := NewSpool(SpoolOptions{Memory: 1})
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 100<<10)
	for range 9 {
		s.Request(Request{Arrived: noon, Body: body})
	}
	if st := s.Stats(); st.FileBytes < 600<<10 {
		t.Errorf("%+v; the file should hold most of 900 KiB", st)
	}
	if e, err := s.Entry(1); err != nil || !bytes.Equal(e.Request.Body, body) {
		t.Errorf("the first entry, from disk: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	s.Request(Request{})
	if st := s.Stats(); st.Lost != 1 {
		t.Errorf("after Close %+v; a request more is lost", st)
	}
}

// A disk that is full at the end is told.
func TestCloseOnAFullDisk(t *testing.T) {
	d := &disk{full: true}
	s := newSpool(d, limits{chunk: 10, marks: 8})
	s.Request(Request{Method: "POST"})
	s.Request(Request{Method: "POST"})
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), errFull.Error()) {
		t.Errorf("Close = %v", err)
	}
}

// A bit that flipped on disk is told, not shown as an entry.
func TestDamageIsTold(t *testing.T) {
	d := &disk{}
	s := newSpool(d, limits{memory: 1, chunk: 10, marks: 8})
	for range 3 {
		s.Request(Request{Method: "POST", Target: "/a"})
	}
	d.content[frameHead+20] ^= 4
	if _, err := s.Entry(1); !errors.Is(err, ErrDamaged) {
		t.Errorf("Entry = %v", err)
	}
	if _, err := s.Query(t.Context(), Query{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("Query = %v", err)
	}
}

func TestTextIsFound(t *testing.T) {
	s := newSpool(&disk{}, limits{chunk: 1000, marks: 8})
	s.Request(Request{Body: []byte(`{"id":"4711"}`)})
	s.Request(Request{Head: []byte("GET / HTTP/1.1\r\nX-Trace: abc\r\n\r\n")})
	for text, want := range map[string]int{"4711": 1, "abc": 1, "nowhere": 0, "": 2} {
		if p, err := s.Query(t.Context(), Query{Text: text}); err != nil || len(p.Entries) != want {
			t.Errorf("%q is in %d entries, %v; want %d", text, len(p.Entries), err, want)
		}
	}
}
