// Package capture reads what somebody else's sender sent, from whatever kept
// it: a recording of the mock endpoint, a HAR 1.2 file, NDJSON, or a body alone.
// PURE: it reads from an io.Reader, an exchange at a time, so that a file may be
// larger than memory.
//
// Parts that a file does not contain stay unknown: an Exchange lists its known
// parts, and no check may guess. A mistake in a file is a scenarios.Problem
// with its line. Credentials are redacted as they are read.
package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/secret"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Exchange is one request with its answer, or as much as the capture tells.
type Exchange struct {
	Line    int // in the file, from 1
	Request recording.Request
	Told    Told
}

// Told lists which parts of an exchange the capture tells. A part that is not
// told is unknown: its field in Request holds the zero value and no check may
// read it.
type Told struct {
	Method bool
	Target bool // the path
	Query  bool // the query, or that it is absent
	// Headers: the capture lists every header. Without it the headers that
	// Request has are known, and no header is known to be missing: see Header.
	Headers bool
	// Credentials: the capture holds credentials as they were sent, or as
	// httpdest redacted them. Without it a tool may have removed them.
	Credentials bool
	Body        bool
	Time        bool // when the request was sent, or came in: Request.At
	Duration    bool // how long the exchange took: Request.AnsweredAt
	Status      bool // Request.Status, and with 0 that no response came
}

// whole is an exchange that the capture tells completely.
var whole = Told{Method: true, Target: true, Query: true, Headers: true, Credentials: true, Body: true, Time: true, Duration: true, Status: true}

// Header reports whether the capture tells the values of a header, or that the
// request does not have it. Where credentials were removed, the values that stand
// for one are not told, nor is it known that a header for one is missing.
func (x Exchange) Header(name string) bool {
	present := values(x.Request.Headers, name)
	if !x.Told.Credentials && (len(present) == 0 && credentialName.MatchString(name) || slices.ContainsFunc(present, isRemoved)) {
		return false
	}
	return x.Told.Headers || len(present) > 0
}

// Message reports whether the request carries a message. The requests of an
// mTLS decision, of a browser, and those for a token do not.
func (x Exchange) Message() bool { return x.kind() == "" }

// kind names a request that carries no message; "" for one that does.
func (x Exchange) kind() string {
	r := x.Request
	if r.Body == "" && (r.Method == "GET" || r.Method == "HEAD" || r.Method == "OPTIONS") {
		return r.Method
	}
	if formType(r.Headers) && grant(r.Body) {
		return tokenRequest
	}
	return ""
}

// Options say how to read.
type Options struct {
	Format Format // "" means Auto
	// Bearer is the token that is accepted; "" checks none.
	Bearer string
	// Secrets are redacted wherever they stand, and so is Bearer; the longest
	// first, since one may be a part of another.
	Secrets []string
	// CredentialsRemoved: a tool removed credentials from the file, or put words
	// such as [REDACTED] in their place.
	CredentialsRemoved bool
	// Part is the dataflow that the capture is judged for, where there are several: of a
	// recording, what other endpoints saw is left out. The zero value leaves nothing out.
	Part recording.Part
	// URLs are patterns of which one must match: * stands for any text and ? for
	// one character. None selects every exchange.
	URLs []string
}

// Reader reads a capture from its beginning to its end.
type Reader struct {
	name     string
	format   Format
	bearer   string
	part     recording.Part
	redactor *secret.Redactor
	given    []string // secrets of the options
	learned  []string // credentials of the capture itself
	urls     []*regexp.Regexp
	bare     bool // credentials were removed
	marked   int  // requests with a word such as [REDACTED] for a credential
	next     func() (found, error)
	left     map[string]int // what was left out, by kind
	run      *recording.Run
	end      *recording.End
	cut      bool
	// refused counts the connections of a recording that became no request.
	refused int
}

// NewReader finds out the format. name is what problems call the file.
func NewReader(name string, in io.Reader, o Options) (*Reader, error) {
	buffered := bufio.NewReaderSize(in, detectionWindow)
	start, err := buffered.Peek(detectionWindow)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) && o.Format != Body {
		_, _ = buffered.Discard(3) // a byte-order mark; it was peeked at
		start = start[3:]
	}
	r := &Reader{name: name, format: o.Format, bearer: o.Bearer, given: append(slices.Clone(o.Secrets), o.Bearer), bare: o.CredentialsRemoved, part: o.Part, left: map[string]int{}}
	r.redactor = secret.NewRedactor(r.given...)
	for _, pattern := range o.URLs {
		r.urls = append(r.urls, globbed(pattern))
	}
	if r.format == "" || r.format == Auto {
		r.format = detect(name, start)
	}
	switch r.format {
	case Recording:
		r.next = r.recording(buffered)
	case HAR:
		r.next = r.har(buffered)
	case NDJSON:
		r.next = r.lines(buffered, r.line)
	case Body:
		r.next = r.body(buffered, o.Format == Body)
	case Vegeta:
		r.next = r.lines(buffered, r.vegetaTarget)
	case VegetaResults:
		r.next = r.lines(buffered, r.vegetaResult)
	case WebhookSite:
		if csv := !bytes.ContainsAny(bytes.TrimSpace(start)[:min(1, len(bytes.TrimSpace(start)))], "{["); csv {
			r.next = r.webhookTable(buffered)
		} else {
			r.next = r.documents(buffered, r.webhook)
		}
	case RequestBin:
		r.next = r.documents(buffered, r.requestBin)
	case Nginx:
		r.next = r.lines(buffered, r.nginx)
	case Caddy:
		r.next = r.lines(buffered, r.caddy)
	default:
		return nil, fmt.Errorf("unknown format %q", r.format)
	}
	return r, nil
}

// Format is that of the file.
func (r *Reader) Format() Format { return r.format }

// Run is the first line of a recording, once something was read; nil for any
// other format.
func (r *Reader) Run() *recording.Run { return r.run }

// End is the last line of a recording that was read to its end; nil otherwise.
func (r *Reader) End() *recording.End { return r.end }

// CutOff says, at the end, that a recording has no last line.
func (r *Reader) CutOff() bool { return r.cut }

// Refused is how many connections of a recording ended before they carried a
// request, so far.
func (r *Reader) Refused() int { return r.refused }

// Marked is how many requests so far have a word such as [REDACTED] in the place
// of a credential, though nobody said that credentials were removed.
func (r *Reader) Marked() int { return r.marked }

// Next returns the next exchange that carries a message; io.EOF after the last,
// and otherwise an error that names the place, after which nothing can be read.
// Entries that carry no message are counted, whatever is wrong with them.
func (r *Reader) Next() (Exchange, error) {
	for {
		f, err := r.next()
		if err != nil {
			return Exchange{}, err
		}
		if kind := r.leaves(f); kind != "" {
			r.left[kind]++
			continue
		}
		if f.err != nil {
			return Exchange{}, f.err
		}
		if r.bare {
			f.Exchange.withoutCredentials()
		} else if f.Told.Credentials && f.Exchange.marked() {
			r.marked++
		}
		f.Request = r.redacted(f.Exchange)
		return f.Exchange, nil
	}
}

// problem is an error at a place of the file.
func (r *Reader) problem(line, column int, hint, format string, args ...any) error {
	return scenarios.Problems{{Pos: scenarios.Position{File: r.name, Line: line, Column: max(1, column)},
		Message: fmt.Sprintf(format, args...), Hint: hint}}
}

// recording reads the requests of a recording and leaves its other lines out.
func (r *Reader) recording(in io.Reader) func() (found, error) {
	lines := recording.NewReader(in)
	return func() (found, error) {
		for {
			l, err := lines.Next()
			switch {
			case errors.Is(err, recording.ErrCutOff):
				r.cut = true
				return found{}, io.EOF
			case errors.Is(err, io.EOF):
				return found{}, err
			case err != nil:
				_, what, _ := strings.Cut(err.Error(), ": ")
				return found{}, r.problem(max(1, lines.Line()), 1, "give a recording that this version wrote, or another --format", "%s", what)
			case l.Run != nil:
				r.run = l.Run
			case r.part.Dataflow != "" && !r.part.Has(l):
				r.left[otherFlow]++
			case l.End != nil:
				r.end = l.End
				if r.part.Dataflow != "" {
					end := *l.End
					end.Faults = r.part.Faults(end.Faults)
					r.end = &end
				}
			case l.Handshake != nil:
				r.refused++
			case l.Request != nil:
				return found{Exchange: Exchange{Line: lines.Line(), Request: *l.Request, Told: whole}}, nil
			}
		}
	}
}

// maxBody bounds a file that is one body.
const maxBody = 64 << 20

// body takes the whole file for one body. Where nobody said that it is one, JSON
// that is an exchange, or a list of them, is read as such.
func (r *Reader) body(in io.Reader, said bool) func() (found, error) {
	var next func() (found, error)
	return func() (found, error) {
		if next != nil {
			return next()
		}
		next = func() (found, error) { return found{}, io.EOF }
		text, err := io.ReadAll(io.LimitReader(in, maxBody+1))
		switch {
		case err != nil:
			return found{}, fmt.Errorf("%s: %w", r.name, err)
		case len(text) > maxBody:
			return found{}, r.problem(1, 1, "give a HAR file or one object a line", "a body of more than %d MB", maxBody>>20)
		case len(bytes.TrimSpace(text)) == 0:
			return found{}, io.EOF
		case said || !r.exchanges(text):
			return alone(1, string(text)), nil
		}
		next = r.documents(bytes.NewReader(text), r.line)
		return next()
	}
}

// exchanges reports whether a file holds JSON that cannot be a body.
func (r *Reader) exchanges(text []byte) bool {
	if !json.Valid(text) {
		return false
	}
	parts := pieces(piece{text, 1})
	return len(parts) > 0 && sort(parts[0].text) != sortBody
}
