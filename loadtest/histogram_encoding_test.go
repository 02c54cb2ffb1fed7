package loadtest

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// A histogram in a report is byte for byte what the library of the format writes, and
// what was encoded before leaves no trace in it.
func TestHistogramIsEncodedAsTheLibraryDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistogram(rapid.SampledFrom([]int{coarse, precise}).Draw(t, "figures"))
		for _, micros := range rapid.SliceOf(rapid.Int64Range(1, longest.Microseconds())).Draw(t, "times") {
			for range rapid.IntRange(1, 3).Draw(t, "repetitions") {
				h.Record(time.Duration(micros) * time.Microsecond)
			}
		}
		if n := rapid.Int64Range(0, 1<<53).Draw(t, "count"); n > 0 {
			if err := h.h.RecordValues(1+rapid.Int64Range(0, 3000).Draw(t, "often"), n); err != nil {
				t.Fatal(err)
			}
		}
		want, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			t.Fatal(err)
		}
		text := h.encode()
		if text != string(want) {
			t.Fatalf("%d times are encoded as\n%s\nand by the library as\n%s", h.Count(), text, want)
		}
		again, err := DecodeHistogram(text)
		if err != nil || !again.h.Equals(h.h) {
			t.Errorf("it cannot be read again: %v", err)
		}
		if again.encode() != text {
			t.Error("what was read is encoded in another way")
		}
	})
}
