package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// maxLine bounds a line: ten profiles of any plausible size, escaped.
const maxLine = 64 << 20

// told is a line of NDJSON that tells of an exchange. Every key is optional.
type told struct {
	Method            *string         `json:"method"`
	URL               *string         `json:"url"`
	Target            *string         `json:"target"`
	Headers           json.RawMessage `json:"headers"`    // {"Name": "value"} or {"Name": ["a", "b"]}, or [{"name": …, "value": …}]
	Body              json.RawMessage `json:"body"`       // a text, or the JSON itself
	Status            *int            `json:"status"`     // 0: no answer came
	Time              *string         `json:"time"`       // RFC 3339: when the request was sent or came
	DurationMs        *float64        `json:"durationMs"` // until the answer was complete, or the sender gave up
	ClientCertificate *string         `json:"clientCertificate"`
	Journal           json.RawMessage `json:"journal"` // what else the journal of the mock endpoint knows; not looked at
}

// keys are those of told.
var keys = []string{"method", "url", "target", "headers", "body", "status", "time", "durationMs", "clientCertificate", "journal"}

// lines reads one JSON value a line: an exchange, or a body alone. A handshake
// that the mock endpoint refused is counted.
func (r *Reader) lines(in io.Reader) func() (Exchange, error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxLine)
	n := 0
	return func() (Exchange, error) {
		for scanner.Scan() {
			n++
			switch text := bytes.TrimSpace(scanner.Bytes()); {
			case isHandshake(text):
				r.refused++
			case len(text) > 0:
				return r.line(scanner.Bytes(), n)
			}
		}
		if errors.Is(scanner.Err(), bufio.ErrTooLong) {
			return Exchange{}, r.problem(n+1, 1, "put one exchange on a line", "a line of more than %d MB", maxLine>>20)
		}
		if err := scanner.Err(); err != nil {
			return Exchange{}, fmt.Errorf("%s: %w", r.name, err)
		}
		return Exchange{}, io.EOF
	}
}

func (r *Reader) line(text []byte, n int) (Exchange, error) {
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return Exchange{}, r.problem(n, column(err), `put one JSON object on a line; a body that is no JSON goes into "body" as a text`, "not JSON: %s", reason(err))
	}
	if !isExchange(text) {
		return Exchange{Line: n, Told: Told{Body: true}, Request: recording.Request{Body: string(bytes.TrimSpace(text))}}, nil
	}
	var t told
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return Exchange{}, r.problem(n, column(err), hint(err), "%s", reason(err))
	}
	x, err := t.exchange()
	if err != nil {
		return Exchange{}, r.problem(n, 1, "see `httpdest help judge` for the form of a line", "%s", err)
	}
	x.Line = n
	return x, nil
}

// isHandshake tells the journal's line of a refused handshake: an object with
// that key alone.
func isHandshake(text []byte) bool {
	if !bytes.HasPrefix(text, []byte(`{"handshake"`)) {
		return false
	}
	var top map[string]json.RawMessage
	return json.Unmarshal(text, &top) == nil && len(top) == 1
}

// isExchange tells an exchange from a body alone by its keys.
func isExchange(text []byte) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil || top["segmentMembership"] != nil || top["identityMap"] != nil {
		return false
	}
	for _, key := range []string{"body", "method", "url", "target"} {
		if top[key] != nil {
			return true
		}
	}
	return false
}

func (t told) exchange() (x Exchange, err error) {
	q := &x.Request
	if t.Method != nil {
		q.Method, x.Told.Method = *t.Method, true
	}
	switch {
	case t.URL != nil && t.Target != nil:
		return x, errors.New("url and target exclude each other")
	case t.URL != nil:
		if q.Target, err = target(*t.URL); err != nil {
			return x, err
		}
		x.Told.Target, x.Told.Query = true, true
	case t.Target != nil:
		q.Target, x.Told.Target, x.Told.Query = *t.Target, true, true
	}
	if t.Headers != nil {
		if q.Headers, err = headers(t.Headers); err != nil {
			return x, err
		}
		// Every request has a header: an empty list tells of none.
		x.Told.Headers, x.Told.Credentials = len(q.Headers) > 0, len(q.Headers) > 0
	}
	if q.Body, err = bodyText(t.Body); err != nil {
		return x, err
	}
	x.Told.Body = len(t.Body) > 0 && string(t.Body) != "null"
	if t.ClientCertificate != nil {
		q.Peer = &recording.Peer{CommonName: *t.ClientCertificate}
	}
	return x, t.times(&x)
}

// times reads what a line tells of when and of the answer.
func (t told) times(x *Exchange) error {
	if t.Time != nil {
		at, err := time.Parse(time.RFC3339Nano, *t.Time)
		if err != nil {
			return fmt.Errorf("time %q is not of RFC 3339", *t.Time)
		}
		x.Request.At, x.Request.AnsweredAt, x.Told.Time = at.UTC(), at.UTC(), true
	}
	if t.DurationMs != nil {
		if *t.DurationMs < 0 || *t.DurationMs > maxMillis {
			return fmt.Errorf("durationMs %v is no duration", *t.DurationMs)
		}
		x.Request.AnsweredAt, x.Told.Duration = x.Request.At.Add(millis(*t.DurationMs)), true
	}
	if t.Status == nil {
		return nil
	}
	if *t.Status > 0 && (*t.Status < 100 || *t.Status > 999) {
		return fmt.Errorf("%d is not an HTTP status", *t.Status)
	}
	x.answered(*t.Status)
	return nil
}

// answered takes in the status that a tool wrote: 0, or less, where no response
// came.
func (x *Exchange) answered(status int) {
	x.Request.Status, x.Told.Status = max(0, status), true
	x.Request.Disconnected = status <= 0
}

// maxMillis is a day: no exchange takes longer.
const maxMillis = 24 * 60 * 60 * 1000

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// target is the path and query of a URL as they travel.
func target(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", errors.New("url is no URL") // its text may hold a credential
	}
	return u.RequestURI(), nil
}

// bodyText is a text as it stands, or the JSON itself as it is written.
func bodyText(raw json.RawMessage) (string, error) {
	switch trimmed := bytes.TrimSpace(raw); {
	case len(trimmed) == 0 || string(trimmed) == "null":
		return "", nil
	case trimmed[0] == '"':
		var text string
		err := json.Unmarshal(trimmed, &text)
		return text, err
	case trimmed[0] == '{' || trimmed[0] == '[':
		return string(trimmed), nil
	}
	return "", errors.New("body must be a text, an object or a list")
}

// headers reads an object, in the order of the file, or a list of names and
// values.
func headers(raw json.RawMessage) ([]recording.Header, error) {
	out := []recording.Header{}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		if err := json.Unmarshal(raw, &out); err != nil {
			return nil, errors.New(`headers must be {"Name": "value"} or [{"name": …, "value": …}]`)
		}
		return out, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New(`headers must be {"Name": "value"} or [{"name": …, "value": …}]`)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		var one string
		var several []string
		if json.Unmarshal(value, &one) == nil {
			several = []string{one}
		} else if json.Unmarshal(value, &several) != nil {
			return nil, fmt.Errorf("the header %.40q must be a text or a list of texts", key)
		}
		for _, v := range several {
			out = append(out, recording.Header{Name: fmt.Sprint(key), Value: v})
		}
	}
	return out, nil
}

// column is where in its line an error is, where it tells.
func column(err error) int {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return int(syntax.Offset)
	case errors.As(err, &kind):
		return int(kind.Offset)
	}
	return 1
}

// reason is an error of encoding/json without its own name and without the
// value, which may be a credential.
func reason(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%s must be %s", kind.Field, words(kind.Type.String()))
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// words names a Go type for people who write JSON.
func words(kind string) string {
	switch kind {
	case "string":
		return "a text"
	case "int", "float64":
		return "a number"
	}
	return "another kind of value"
}

var unknownField = regexp.MustCompile(`unknown field "(.*)"`)

// hint names the key that was probably meant.
func hint(err error) string {
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		if near := scenarios.Nearest(m[1], keys); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
		return "the keys are " + strings.Join(keys, ", ")
	}
	return "see `httpdest help judge` for the form of a line"
}
