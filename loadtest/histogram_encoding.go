package loadtest

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"math"
	"sync"
)

// The marks of HdrHistogram's V2 format: of the counts, and of their compressed form.
const (
	countsCookie     = 0x1c849303 | 0x10
	compressedCookie = 0x1c849304 | 0x10
)

// compressors are used again: each has a megabyte, and a report encodes a histogram for
// every step of a run.
var compressors = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, zlib.BestCompression)
	if err != nil {
		panic("loadtest: " + err.Error()) // the level is a constant
	}
	return w
}}

// encode is the compressed form, base64: byte for byte what hdrhistogram.Encode makes,
// which begins a new compressor for each histogram.
func (h *Histogram) encode() string {
	var b bytes.Buffer
	b.Write(make([]byte, 8)) // cookie and length
	w := compressors.Get().(*zlib.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	_, err := w.Write(h.counts())
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("loadtest: a histogram that cannot be encoded: " + err.Error()) // it is written to memory
	}
	out := b.Bytes()
	binary.BigEndian.PutUint32(out, compressedCookie)
	binary.BigEndian.PutUint32(out[4:], uint32(len(out)-8))
	return base64.StdEncoding.EncodeToString(out)
}

// counts is the form that is compressed: a header of 40 bytes, and the counts up to the
// last that is not zero. A negative count stands for so many zeros.
func (h *Histogram) counts() []byte {
	s := h.h.Export()
	n := len(s.Counts)
	for n > 1 && s.Counts[n-1] == 0 {
		n--
	}
	out := make([]byte, 40, 40+2*n)
	for i := 0; i < n; i++ {
		zeros := int64(0)
		for i < n && s.Counts[i] == 0 {
			zeros++
			i++
		}
		switch {
		case zeros > 1:
			out = binary.AppendVarint(out, -zeros)
		case zeros == 1:
			out = append(out, 0)
		}
		if i < n {
			out = binary.AppendVarint(out, s.Counts[i]) // as the format has it, for counts below 2^55
		}
	}
	big := binary.BigEndian
	big.PutUint32(out, countsCookie)
	big.PutUint32(out[4:], uint32(len(out)-40))
	big.PutUint32(out[12:], uint32(s.SignificantFigures))
	big.PutUint64(out[16:], uint64(s.LowestTrackableValue))
	big.PutUint64(out[24:], uint64(s.HighestTrackableValue))
	big.PutUint64(out[32:], math.Float64bits(cmp.Or(s.IntegerToDoubleConversionRatio, 1)))
	return out
}
