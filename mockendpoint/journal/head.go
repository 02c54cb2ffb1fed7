package journal

import (
	"bytes"
	"iter"
)

// HeadLine is one header line of a raw head.
type HeadLine struct {
	Name, Value []byte
	Raw         []byte // as it came, its end included
	End         []byte // "\r\n", or "\n" alone
}

// Lines are the header lines of a raw head, without the request line. Lines may
// end in a line feed alone (RFC 9112 section 2.2); one that begins with a space
// goes on with the value of the line before it (section 5.2).
func Lines(head []byte) iter.Seq[HeadLine] {
	return func(yield func(HeadLine) bool) {
		_, rest := cutLine(head)
		for len(rest) > 0 {
			raw, after := cutLine(rest)
			text := bytes.TrimRight(raw, "\r\n")
			if len(text) == 0 {
				return // the head ends here
			}
			name, value, _ := bytes.Cut(text, []byte(":"))
			line := HeadLine{Name: name, Value: bytes.TrimSpace(value), Raw: raw, End: raw[len(text):]}
			for len(after) > 0 && (after[0] == ' ' || after[0] == '\t') {
				var more []byte
				more, after = cutLine(after)
				line.Raw = line.Raw[:len(line.Raw)+len(more)] // they touch
				line.End = more[len(bytes.TrimRight(more, "\r\n")):]
				line.Value = bytes.TrimSpace(bytes.Join([][]byte{line.Value, bytes.TrimSpace(more)}, []byte(" ")))
			}
			if !yield(line) {
				return
			}
			rest = after
		}
	}
}

// cutLine takes the first line off, its end included.
func cutLine(text []byte) (line, rest []byte) {
	end := bytes.IndexByte(text, '\n')
	if end < 0 {
		return text, nil
	}
	return text[:end+1], text[end+1:]
}

// HeadersOf are the header lines of a raw head.
func HeadersOf(head []byte) []Header {
	headers := make([]Header, 0, max(0, bytes.Count(head, []byte("\n"))-2))
	for line := range Lines(head) {
		headers = append(headers, Header{Name: string(line.Name), Value: string(line.Value)})
	}
	return headers
}
