package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// follower reads a live stream.
type follower struct {
	t     *testing.T
	lines *bufio.Scanner
	end   func()
}

// follow opens a stream and returns when it is there.
func follow(t *testing.T, url, query, last string) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/api/v1/journal/live"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v, %v", res, err)
	}
	f := &follower{t, bufio.NewScanner(res.Body), func() { cancel(); _ = res.Body.Close() }}
	t.Cleanup(f.end)
	if first := f.event(); !strings.HasPrefix(first, "retry: 1000 ") {
		t.Fatalf("the stream begins with %q", first)
	}
	return f
}

// event is the next one, its lines put together; "" at the end.
func (f *follower) event() string {
	var lines []string
	for f.lines.Scan() && f.lines.Text() != "" {
		lines = append(lines, f.lines.Text())
	}
	return strings.Join(lines, " ")
}

func (f *follower) wants(parts ...string) {
	f.t.Helper()
	got := f.event()
	for _, part := range parts {
		if !strings.Contains(got, part) {
			f.t.Fatalf("event %q; want %q in it", got, part)
		}
	}
}

func TestLive(t *testing.T) {
	a := newAdmin(t, "secret")
	server := httptest.NewServer(a)
	defer server.Close()
	a.fill(1)
	f := follow(t, server.URL, "", "")
	a.fill(1)
	f.wants("event: entry", "id: 3", `"kind":"request"`)
	f.wants("event: entry", "id: 4", `"reason":"unknown-ca"`)

	// Who comes back gets what came meanwhile.
	f.end()
	a.fill(1)
	f = follow(t, server.URL, "", "4")
	f.wants("id: 5")
	f.wants("id: 6")

	// A filter, from the beginning.
	f = follow(t, server.URL, "?kind=handshake&after=0", "")
	f.wants("id: 2")
	f.wants("id: 4")
	f.wants("id: 6")

	if err := a.spool.Clear(); err != nil {
		t.Fatal(err)
	}
	f.wants("event: cleared", `{"first":7}`)

	// Its owner's end is the end.
	a.Close()
	if last := f.event(); last != "" {
		t.Errorf("after the end: %q", last)
	}
}

// Who is too far behind is told what it missed, gets the newest, and the
// endpoint never waits for it.
func TestLiveSendsTheMissedRange(t *testing.T) {
	g := NewWithT(t)
	a := newAdmin(t, "secret")
	server := httptest.NewServer(a)
	defer server.Close()
	defer a.Close()
	for range 2000 {
		a.sink.Request(journal.Request{Method: "POST", Body: []byte("{}")})
	}
	f := follow(t, server.URL, "?after=100", "")
	f.wants("event: missed", "id: 1500", `{"count":1400,"from":101,"to":1500}`)
	for n := 1501; n <= 2000; n++ {
		f.wants("event: entry", fmt.Sprintf("id: %d", n))
	}
	d, err := newDocumented(a.Admin)
	g.Expect(err).NotTo(HaveOccurred())
	status, answer, err := d.ask("GET /api/v1/journal?after=100&before=1501&order=oldest&limit=1", "secret", "", true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(status).To(Equal(200))
	g.Expect(answer).To(ContainSubstring(`"sequence":101,`))
}
