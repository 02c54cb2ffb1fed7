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

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// maxLine bounds a line: ten profiles of any plausible size, escaped.
const maxLine = 64 << 20

// exchangeLine is a line of NDJSON with an exchange. Every key is optional.
type exchangeLine struct {
	Method            *string         `json:"method"`
	URL               *string         `json:"url"`
	Target            *string         `json:"target"`
	Headers           json.RawMessage `json:"headers"`    // {"Name": "value"} or {"Name": ["a", "b"]}, or [{"name": …, "value": …}]
	Body              json.RawMessage `json:"body"`       // a text, or the JSON itself
	BodyBase64        *string         `json:"bodyBase64"` // instead of body, for bytes that are not UTF-8
	Status            *int            `json:"status"`     // 0 or less: no response came
	Time              *string         `json:"time"`       // ISO 8601 with a zone: when the request was sent or came
	DurationMs        *float64        `json:"durationMs"` // until the answer was complete, or the sender gave up
	ClientCertificate *string         `json:"clientCertificate"`
	Journal           json.RawMessage `json:"journal"` // what else the journal of the mock endpoint knows; not looked at
	lineOfLog
}

// lineOfLog are keys that loggers add. They do not belong to an exchange.
type lineOfLog struct {
	Level    json.RawMessage `json:"level"`
	Msg      json.RawMessage `json:"msg"`
	Message  json.RawMessage `json:"message"`
	Severity json.RawMessage `json:"severity"`
	Logger   json.RawMessage `json:"logger"`
	Caller   json.RawMessage `json:"caller"`
}

// keys are those of told.
var keys = []string{"method", "url", "target", "headers", "body", "bodyBase64", "status", "time", "durationMs", "clientCertificate", "journal"}

// logKeys tell a line of a log where no key of an exchange stands.
var logKeys = []string{"level", "lvl", "levelname", "log", "log.level", "msg", "message", "severity", "logger", "logger_name", "caller", "source",
	"service", "component", "thread", "hostname", "pid", "ts", "time", "timestamp", "@timestamp", "@t", "@mt", "@version", "event", "error", "err"}

// lines reads one JSON value a line.
func (r *Reader) lines(in io.Reader, read func(text []byte, n int) found) func() (found, error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, maxLine)
	n := 0
	return func() (found, error) {
		for scanner.Scan() {
			n++
			switch text := bytes.TrimSpace(scanner.Bytes()); {
			case isHandshake(text):
				r.refused++
			case len(text) > 0:
				if err := json.Unmarshal(scanner.Bytes(), new(json.RawMessage)); err != nil {
					return found{}, r.problem(n, column(err), `put one JSON object on a line; a body that is not JSON goes into "body" as a text`, "not JSON: %s", reason(err))
				}
				f := read(scanner.Bytes(), n)
				f.Line = n
				return f, nil
			}
		}
		if errors.Is(scanner.Err(), bufio.ErrTooLong) {
			return found{}, r.problem(n+1, 1, "put one exchange on a line", "a line of more than %d MB", maxLine>>20)
		}
		if err := scanner.Err(); err != nil {
			return found{}, fmt.Errorf("%s: %w", r.name, err)
		}
		return found{}, io.EOF
	}
}

// line reads an exchange, or a body alone.
func (r *Reader) line(text []byte, n int) (f found) {
	switch sort(text) {
	case sortBody:
		return alone(n, string(bytes.TrimSpace(text)))
	case sortLog:
		return found{kind: logLine}
	case sortOther:
		f.err = r.unknown(n, text)
		return f
	}
	var t exchangeLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	wrong := d.Decode(&t)
	f = t.found()
	switch {
	case wrong != nil:
		f.err = r.problem(n, column(wrong), hint(wrong), "%s", reason(wrong))
	case f.err != nil:
		f.err = r.problem(n, 1, "see `httpdest help judge` for the form of a line", "%s", f.err)
	}
	return f
}

// unknown is the problem of a value that is neither an exchange nor a body.
func (r *Reader) unknown(n int, text []byte) error {
	what := "JSON without method, url or body"
	if t := bytes.TrimSpace(text); t[0] != '{' && t[0] != '[' {
		what = "JSON, but neither an object nor a list"
	}
	return r.problem(n, 1, "convert it with jq: see `httpdest help judge`", "line %d is %s; known formats: %s", n, what, strings.Join(Formats[1:], ", "))
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

// The kinds of lines of NDJSON.
type sortOfLine int

const (
	sortOther sortOfLine = iota
	sortExchange
	sortBody
	sortLog
)

// sort tells exchanges, bodies and lines of a log apart by their keys.
func sort(text []byte) sortOfLine {
	var top map[string]json.RawMessage
	if json.Unmarshal(text, &top) != nil {
		if t := bytes.TrimSpace(text); t[0] == '[' {
			return sortBody
		}
		return sortOther
	}
	has := func(keys ...string) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return top[key] != nil })
	}
	switch logged := has(logKeys...); {
	case has("segmentMembership", "identityMap"):
		return sortBody
	case has("body", "bodyBase64", "method", "headers"), !logged && has("url", "target"):
		return sortExchange
	case profileWithin(text):
		return sortBody
	case logged:
		return sortLog
	}
	return sortOther
}

// profileWithin reports whether a value has the keys of a profile somewhere.
func profileWithin(text []byte) bool {
	return bytes.Contains(text, []byte(`"segmentMembership"`)) || bytes.Contains(text, []byte(`"identityMap"`))
}

// found takes the line apart. Missing parts, and null, are unknown.
func (t exchangeLine) found() found {
	var f found
	if t.Method != nil {
		f.Request.Method, f.Told.Method = *t.Method, true
	}
	if t.ClientCertificate != nil {
		f.Request.Peer = &recording.Peer{CommonName: *t.ClientCertificate}
	}
	for _, read := range []func(*found) error{t.address, t.headers, t.body, t.times} {
		if err := read(&f); err != nil && f.err == nil {
			f.err = err
		}
	}
	return f
}

// address reads the URL, or the path and query alone.
func (t exchangeLine) address(f *found) (err error) {
	switch {
	case t.URL != nil && t.Target != nil:
		return errors.New("url and target exclude each other")
	case t.URL != nil:
		f.url = *t.URL
		if f.Request.Target, err = target(f.url); err != nil {
			return err
		}
	case t.Target != nil:
		f.Request.Target = *t.Target
	default:
		return nil
	}
	f.Told.Target, f.Told.Query = true, true
	return nil
}

func (t exchangeLine) headers(f *found) (err error) {
	if len(t.Headers) == 0 || string(t.Headers) == "null" {
		return nil
	}
	f.Request.Headers, err = headers(t.Headers)
	// Every request has a header: an empty list means that they are unknown.
	f.Told.Headers, f.Told.Credentials = len(f.Request.Headers) > 0, len(f.Request.Headers) > 0
	return err
}

// body reads a body in any of its three forms.
func (t exchangeLine) body(f *found) (err error) {
	text, encoded := bytes.TrimSpace(t.Body), t.BodyBase64
	if encoded == nil { // as older exports of the mock endpoint have it
		var journal struct {
			BodyBase64 *string `json:"bodyBase64"`
		}
		if json.Unmarshal(t.Journal, &journal) == nil && journal.BodyBase64 != nil {
			encoded, text = journal.BodyBase64, nil
		}
	}
	untold := len(text) == 0 || string(text) == "null"
	switch {
	case encoded != nil && !untold:
		return errors.New("body and bodyBase64 exclude each other")
	case encoded != nil:
		f.Request.Body, err = decoded(*encoded)
		f.Told.Body = true
	case !untold:
		f.Request.Body, err = bodyText(text)
		f.Told.Body = true
	}
	return err
}

// times reads the times of a line and its answer.
func (t exchangeLine) times(f *found) error {
	if t.Time != nil {
		at, err := instant(*t.Time)
		if err != nil {
			return err
		}
		f.Request.At, f.Request.AnsweredAt, f.Told.Time = at, at, true
	}
	if t.DurationMs != nil {
		if *t.DurationMs < 0 || *t.DurationMs > maxMillis {
			return fmt.Errorf("durationMs %v is not a duration of at most a day", *t.DurationMs)
		}
		f.Request.AnsweredAt, f.Told.Duration = f.Request.At.Add(millis(*t.DurationMs)), true
	}
	if t.Status == nil {
		return nil
	}
	if *t.Status > 0 && (*t.Status < 100 || *t.Status > 999) {
		return fmt.Errorf("%d is not an HTTP status", *t.Status)
	}
	f.answered(*t.Status)
	return nil
}

// answered takes in the status that a tool wrote: 0, or less, where no response
// came.
func (x *Exchange) answered(status int) {
	x.Request.Status, x.Told.Status = max(0, status), true
	x.Request.Disconnected = status <= 0
}

// bodyText is a text as it stands, or the JSON itself as it is written.
func bodyText(text []byte) (string, error) {
	switch text[0] {
	case '"':
		var body octets
		err := json.Unmarshal(text, &body)
		return string(body), err
	case '{', '[':
		return string(text), nil
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
