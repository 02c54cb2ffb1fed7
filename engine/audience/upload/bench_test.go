package upload

import (
	"runtime"
	"testing"
)

// BenchmarkReadGigabyte reads the largest file there may be, which is nowhere
// but in the loop that makes it, and fails above 200 MB of heap.
func BenchmarkReadGigabyte(b *testing.B) {
	const head, row = "email,tier,points,note\n", "somebody.or.other@example.com,gold,12345,\"a note, quoted\"\n"
	const most = 200 << 20
	rowsThatFit := int64(MaxSize-1-len(head)) / int64(len(row))
	size := int64(len(head)) + rowsThatFit*int64(len(row))
	b.SetBytes(size)
	peak := uint64(0)
	for b.Loop() {
		rows := 0
		_, err := Read(&repeated{head: head, row: row, size: size}, byEmail, func(Member) error {
			if rows++; rows%1_000_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse+m.StackInuse)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/1e6, "peak-MB")
	if peak == 0 || peak > most {
		b.Fatalf("peak %d bytes; want no more than %d", peak, most)
	}
}
