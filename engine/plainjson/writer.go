package plainjson

// Writer puts JSON together piece by piece. Commas it adds itself, by what
// stands before. The zero value is an empty one.
type Writer struct{ b []byte }

// NewWriter returns a writer that puts what it writes behind b.
func NewWriter(b []byte) *Writer { return &Writer{b} }

// Bytes is what was written.
func (w *Writer) Bytes() []byte { return w.b }

// Mark is a place to go back to.
func (w *Writer) Mark() int { return len(w.b) }

// Back takes off what was written since a mark.
func (w *Writer) Back(mark int) { w.b = w.b[:mark] }

// Begin begins an object, with '{', or a list, with '['.
func (w *Writer) Begin(c byte) { w.b = append(w.b, c) }

// End ends an object, with '}', or a list, with ']'.
func (w *Writer) End(c byte) { w.b = append(w.b, c) }

// Next comes before every element of a list.
func (w *Writer) Next() {
	if w.b[len(w.b)-1] != '[' {
		w.b = append(w.b, ',')
	}
}

// Key comes before every value of an object. Whoever calls it sorts the keys.
func (w *Writer) Key(key string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(appendText(w.b, key), ':')
}

// Text writes a text.
func (w *Writer) Text(s string) { w.b = appendText(w.b, s) }

// Value writes any value. The error is that of encoding/json for a value that
// JSON cannot carry.
func (w *Writer) Value(v any) error {
	b, err := Append(w.b, v)
	if err == nil {
		w.b = b
	}
	return err
}

// Integer writes a whole number.
func (w *Writer) Integer(n int64) { w.b = appendInteger(w.b, n) }
