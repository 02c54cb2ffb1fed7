package mockendpoint

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// sentRequest draws one request of a connection: its head, and its bytes.
func sentRequest(t *rapid.T) (head, all string) {
	end := rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "end")
	lines := []string{rapid.SampledFrom([]string{"POST / HTTP/1.1", "GET /?a=1 HTTP/1.1", "POST / HTTP/1.0"}).Draw(t, "line"), "Host: h"}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		lines = append(lines, rapid.StringMatching(`[A-Za-z-]{1,8}`).Draw(t, "name")+"x:"+rapid.StringMatching(`[ !-~]{0,9}`).Draw(t, "value"))
	}
	if rapid.Bool().Draw(t, "folded") {
		lines = append(lines, "X-Folded: a", " \tb")
	}
	body := rapid.StringMatching(`(\r\n\r\n|GET / HTTP/1\.1\r\n|[a-z]){0,20}`).Draw(t, "body")
	switch kind := rapid.IntRange(0, 2).Draw(t, "framing"); {
	case kind == 0 && !strings.HasSuffix(lines[0], "1.0"):
		lines = append(lines, "transfer-encoding: chunked")
		var chunked strings.Builder
		for len(body) > 0 {
			n := rapid.IntRange(1, len(body)).Draw(t, "chunk")
			fmt.Fprintf(&chunked, "%X%s\r\n%s\r\n", n, rapid.SampledFrom([]string{"", ";a=b"}).Draw(t, "extension"), body[:n])
			body = body[n:]
		}
		body = chunked.String() + "0\r\n" + rapid.SampledFrom([]string{"", "Trailer: 1\r\n"}).Draw(t, "trailer") + "\r\n"
	case kind == 1:
		lines = append(lines, fmt.Sprintf("content-LENGTH:  %d ", len(body)))
	default:
		body = ""
	}
	head = strings.Join(lines, end) + end + end
	return head, head + body
}

// However the bytes of a connection are cut into reads, every request has its
// own head, with the headers that net/http finds in it.
func TestHeadsOfPipelinedRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []string
		var sent strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			head, all := sentRequest(t)
			want = append(want, head)
			sent.WriteString(all)
		}
		var h heads
		var got []string
		for rest := []byte(sent.String()); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "read")
			h.write(rest[:n])
			rest = rest[n:]
			if rapid.Bool().Draw(t, "take") {
				if head := h.take(); head != nil {
					got = append(got, string(head))
					h.giveBack(head)
				}
			}
		}
		for head := h.take(); head != nil; head = h.take() {
			got = append(got, string(head))
		}
		if len(got) != len(want) {
			t.Fatalf("%d heads of %q; want %d", len(got), sent.String(), len(want))
		}
		in := bufio.NewReader(strings.NewReader(sent.String()))
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("head %d is %q; want %q", i+1, got[i], want[i])
			}
			sameHeaders(t, in, got[i])
		}
	})
}

// sameHeaders reads the next request as net/http does and compares its headers.
func sameHeaders(t *rapid.T, in *bufio.Reader, head string) {
	r, err := http.ReadRequest(in)
	if err != nil {
		t.Fatalf("net/http refuses %q: %v", head, err)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatalf("the body after %q: %v", head, err)
	}
	got := http.Header{}
	for _, h := range journal.HeadersOf([]byte(head)) {
		got.Add(h.Name, h.Value)
	}
	for _, name := range []string{"Host", "Transfer-Encoding", "Content-Length"} { // which net/http takes out
		got.Del(name)
		r.Header.Del(name)
	}
	if fmt.Sprint(got) != fmt.Sprint(r.Header) {
		t.Fatalf("headers %v of %q; net/http has %v", got, head, r.Header)
	}
}

// Bytes that cannot be framed are given up, and memory stays bounded.
func TestHeadsAreBounded(t *testing.T) {
	for name, sent := range map[string]string{
		"a head without end":     "POST / HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead),
		"a chunk without a size": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a size without end":     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", maxChunkLine+1),
		"a negative size":        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
	} {
		var h heads
		for _, b := range bytes.SplitAfter([]byte(sent), []byte("x")) {
			h.write(b)
		}
		if h.write([]byte("\r\n\r\nGET / HTTP/1.1\r\n\r\n")); h.step != stepLost || len(h.head)+len(h.ready) > 1 {
			t.Errorf("%s: step %d, %d heads", name, h.step, len(h.ready))
		}
	}
}

// Whatever a client sends, it is framed without a panic.
func FuzzHeads(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\n\n"), 3)
	f.Add([]byte("\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n a\r\n\r\n2;x\r\n{}\r\n0\r\nA: b\r\n\r\n"), 7)
	f.Fuzz(func(t *testing.T, sent []byte, n int) {
		var h heads
		for rest := sent; len(rest) > 0; {
			k := min(max(1, n), len(rest))
			h.write(rest[:k])
			rest = rest[k:]
		}
		for head := h.take(); head != nil; head = h.take() {
			if !bytes.Contains(sent, head) {
				t.Errorf("the head %q was not sent", head)
			}
			journal.HeadersOf(head)
		}
	})
}
