package delivery

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Net/http reads every plain answer in the same way: the same status, the same
// end, and no unsolicited bytes.
func FuzzBrief(f *testing.F) {
	for _, seed := range []string{
		ok, "HTTP/1.1 503 Service Unavailable\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200\r\ncontent-length: 2 \r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", "HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 09\r\n\r\n123456789", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
		"HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nok",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		status, size, ok := plainAnswer(b)
		if !ok {
			return
		}
		reader := bufio.NewReaderSize(bytes.NewReader(b), max(16, len(b)))
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("%q is read, and net/http says %v", b, err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatalf("the body of %q is read, and net/http says %v", b, err)
		}
		if response.StatusCode != status || response.Close || response.Header.Get("Retry-After") != "" || len(response.TransferEncoding)+len(response.Trailer) > 0 {
			t.Fatalf("%q: status %d, and net/http has %+v", b, status, response)
		}
		if left := reader.Buffered(); left != len(b)-size {
			t.Fatalf("%q: ends at %d, and net/http leaves %d of %d", b, size, left, len(b))
		}
	})
}

func BenchmarkBrief(b *testing.B) {
	text := []byte("HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n")
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, _, ok := plainAnswer(text); !ok {
				b.Fatal("not plain")
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		r := bytes.NewReader(text)
		reader := bufio.NewReader(r)
		for b.Loop() {
			r.Reset(text)
			reader.Reset(r)
			if _, err := http.ReadResponse(reader, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
