package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// entry is what is read of an entry of a HAR 1.2 file. Fields of others,
// comments and what tools add are left alone.
type entry struct {
	Started *string  `json:"startedDateTime"`
	Time    *float64 `json:"time"` // ms in all; -1 where the tool does not know
	Request *struct {
		Method   *string            `json:"method"`
		URL      *string            `json:"url"`
		Version  string             `json:"httpVersion"`
		Headers  []recording.Header `json:"headers"`
		BodySize *int64             `json:"bodySize"` // -1 where the tool does not know
		Post     *struct {
			Text     *string `json:"text"`
			Encoding string  `json:"encoding"` // base64, as some tools write it
		} `json:"postData"`
	} `json:"request"`
	Response *struct {
		Status *int `json:"status"` // 0 or less: no response came
	} `json:"response"`
}

// har reads log.entries one by one.
func (r *Reader) har(in io.Reader) func() (Exchange, error) {
	lines := &lineCounter{in: in}
	h := &harReader{Reader: r, lines: lines, decoder: json.NewDecoder(lines)}
	return h.next
}

// harReader is where in a HAR file reading has come to.
type harReader struct {
	*Reader
	lines   *lineCounter
	decoder *json.Decoder
	within  bool // log.entries
	over    bool
}

func (h *harReader) next() (Exchange, error) {
	if h.over {
		return Exchange{}, io.EOF
	}
	if !h.within {
		if err := h.find(); err != nil {
			return Exchange{}, err
		}
		h.within = true
	}
	if !h.decoder.More() {
		h.over = true
		return Exchange{}, h.rest()
	}
	var raw json.RawMessage
	if err := h.decoder.Decode(&raw); err != nil {
		return Exchange{}, h.broken(err)
	}
	line, column := h.lines.at(h.decoder.InputOffset() - int64(len(raw)))
	var e entry
	if err := json.Unmarshal(raw, &e); err != nil {
		below, at := within(raw, err)
		if below == 0 {
			at += column - 1
		}
		return Exchange{}, h.problem(line+below, at, "this is not the form of HAR 1.2", "%s", reason(err))
	}
	x, err := e.exchange()
	if err != nil {
		return Exchange{}, h.problem(line, column, "this is not the form of HAR 1.2", "%s", err)
	}
	x.Line = line
	return x, nil
}

// within is the line of an error below the first of a value, and its column.
func within(raw []byte, err error) (below, at int) {
	before := raw[:min(len(raw), max(0, column(err)))]
	return bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n') - 1
}

// find goes to the first entry.
func (h *harReader) find() error {
	for _, name := range []string{"log", "entries"} {
		if err := h.open('{', "an object"); err != nil {
			return err
		}
		if err := h.key(name); err != nil {
			return err
		}
	}
	return h.open('[', "a list")
}

func (h *harReader) open(want json.Delim, what string) error {
	t, err := h.decoder.Token()
	if err != nil {
		return h.broken(err)
	}
	if t != want {
		line, column := h.lines.at(h.decoder.InputOffset())
		return h.problem(line, column, `a HAR file is {"log": {"entries": […]}}`, "%s is missing", what)
	}
	return nil
}

// key skips to a key of the object.
func (h *harReader) key(name string) error {
	for h.decoder.More() {
		t, err := h.decoder.Token()
		if err != nil {
			return h.broken(err)
		}
		if t == name {
			return nil
		}
		var skipped json.RawMessage
		if err := h.decoder.Decode(&skipped); err != nil {
			return h.broken(err)
		}
	}
	line, column := h.lines.at(h.decoder.InputOffset())
	return h.problem(line, column, `a HAR file is {"log": {"entries": […]}}`, "no key %q", name)
}

// rest reads what follows the entries, so that a file that was cut off there
// is noticed: the end of the text alone is no error to the decoder.
func (h *harReader) rest() error {
	for depth := 3; ; {
		t, err := h.decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && depth == 0:
			return io.EOF
		case err != nil:
			return h.broken(err)
		case t == json.Delim('{') || t == json.Delim('['):
			depth++
		case t == json.Delim('}') || t == json.Delim(']'):
			depth--
		}
	}
}

// broken is the problem of text that is no JSON, or that ends too soon.
func (h *harReader) broken(err error) error {
	offset := h.decoder.InputOffset()
	var syntax *json.SyntaxError
	what := reason(err)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		what, offset = "the file ends too soon", h.lines.read
	case h.lines.err != nil && !errors.Is(h.lines.err, io.EOF):
		return fmt.Errorf("%s: %w", h.name, h.lines.err)
	}
	line, column := h.lines.at(offset)
	return h.problem(line, column, "export the HAR file again", "not JSON: %s", what)
}

func (e entry) exchange() (x Exchange, err error) {
	for _, missing := range []struct {
		is   bool
		name string
	}{{e.Started == nil, "startedDateTime"}, {e.Request == nil, "request"}, {e.Response == nil, "response"},
		{e.Request != nil && e.Request.Method == nil, "request.method"}, {e.Request != nil && e.Request.URL == nil, "request.url"}} {
		if missing.is {
			return x, fmt.Errorf("an entry without %s", missing.name)
		}
	}
	q := &x.Request
	at, err := time.Parse(time.RFC3339Nano, *e.Started)
	if err != nil {
		return x, errors.New("startedDateTime is not of ISO 8601")
	}
	q.At, q.AnsweredAt = at.UTC(), at.UTC()
	if e.Time != nil && *e.Time >= 0 && *e.Time <= maxMillis {
		q.AnsweredAt, x.Told.Duration = q.At.Add(millis(*e.Time)), true
	}
	if q.Target, err = target(*e.Request.URL); err != nil {
		return x, err
	}
	q.Method, q.Proto = *e.Request.Method, e.Request.Version
	x.Told.Method, x.Told.Target, x.Told.Query, x.Told.Time = true, true, true, true
	if e.Response.Status != nil {
		x.answered(*e.Response.Status)
	}
	// Every request has a header: an empty list tells of none.
	x.Told.Headers, x.Told.Credentials = len(e.Request.Headers) > 0, len(e.Request.Headers) > 0
	for _, h := range e.Request.Headers {
		if !strings.HasPrefix(h.Name, ":") { // a pseudo-header of HTTP/2
			q.Headers = append(q.Headers, h)
		}
	}
	return x, e.body(&x)
}

// body takes in the body, where the tool kept it. An empty text is a body that
// was not kept, unless a size says that it was empty.
func (e entry) body(x *Exchange) error {
	q, post := &x.Request, e.Request.Post
	empty := e.Request.BodySize != nil && *e.Request.BodySize == 0
	switch {
	case post == nil || post.Text == nil || *post.Text == "":
		x.Told.Body = empty
	case post.Encoding == "base64":
		text, err := base64.StdEncoding.DecodeString(*post.Text)
		if err != nil {
			return errors.New("postData is not in base64")
		}
		q.Body, x.Told.Body = string(text), true
	default:
		q.Body, x.Told.Body = *post.Text, true
	}
	return nil
}

// lineCounter tells at which line an offset is, for offsets that only grow. It
// remembers the breaks that lie ahead and no others.
type lineCounter struct {
	in    io.Reader
	err   error
	read  int64
	ahead []int64 // offsets of line breaks
	line  int     // breaks behind
	last  int64   // offset after the last break behind
}

// Read implements io.Reader.
func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.ahead = append(c.ahead, c.read+int64(i))
		}
	}
	c.read += int64(n)
	c.err = err
	return n, err
}

// at is the line and column of an offset, both from 1.
func (c *lineCounter) at(offset int64) (line, column int) {
	passed := 0
	for passed < len(c.ahead) && c.ahead[passed] < offset {
		c.last = c.ahead[passed] + 1
		passed++
	}
	c.ahead = c.ahead[passed:]
	c.line += passed
	return c.line + 1, int(max(0, offset-c.last)) + 1
}
