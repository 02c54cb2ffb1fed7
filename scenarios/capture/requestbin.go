package capture

import (
	"encoding/json"
	"strings"
	"time"
)

// binned is a request as RequestBin keeps it, or as an HTTP source of Pipedream
// emits it.
type binned struct {
	Method  *string         `json:"method"`
	URL     *string         `json:"url"`
	Path    *string         `json:"path"`
	Query   json.RawMessage `json:"query"`        // of Pipedream
	Queries json.RawMessage `json:"query_string"` // of RequestBin
	Headers json.RawMessage `json:"headers"`
	Raw     *octets         `json:"bodyRaw"` // as it came
	Body    json.RawMessage `json:"body"`    // a text as it came, or what Pipedream parsed
	Form    json.RawMessage `json:"form_data"`
	Length  json.RawMessage `json:"content_length"`
	binTimes
}

// binTimes are the times that the services write, outside or inside an event.
type binTimes struct {
	Time       json.RawMessage `json:"time"` // seconds since 1970
	Timestamp  json.RawMessage `json:"timestamp"`
	Ts         json.RawMessage `json:"ts"`
	Indexed    json.RawMessage `json:"indexed_at_ms"`
	Created    json.RawMessage `json:"created_at"`
	ReceivedAt json.RawMessage `json:"received_at"`
}

// envelope is what stands around an event.
type envelope struct {
	Event   json.RawMessage `json:"event"`
	E       json.RawMessage `json:"e"`
	Trigger *struct {
		Event   json.RawMessage `json:"event"`
		Context binTimes        `json:"context"`
	} `json:"trigger"`
	Context binTimes `json:"context"`
	binTimes
}

// requestBin reads a request of RequestBin or Pipedream.
func (r *Reader) requestBin(text []byte, n int) (f found) {
	var b binned
	event, times := unwrapped(text)
	wrong := json.Unmarshal(event, &b)
	if wrong == nil && b.Method == nil && b.URL == nil && b.Body == nil && b.Raw == nil {
		return r.neither(text, n)
	}
	f = b.found()
	if err := b.at(&f, times); err != nil && f.err == nil {
		f.err = err
	}
	return r.located(f, n, wrong, "export the requests of RequestBin or Pipedream again, as JSON")
}

// unwrapped is the event itself, and the times that stand around it.
func unwrapped(text []byte) (event []byte, times []binTimes) {
	for range 4 { // an event is never deeper
		var e envelope
		if json.Unmarshal(text, &e) != nil {
			break
		}
		times = append(times, e.binTimes, e.Context)
		inner := e.Event
		if inner == nil {
			inner = e.E
		}
		if e.Trigger != nil {
			inner, times = e.Trigger.Event, append(times, e.Trigger.Context)
		}
		if t := strings.TrimSpace(string(inner)); !strings.HasPrefix(t, "{") {
			break
		}
		text = inner
	}
	return text, times
}

func (b binned) found() (f found) {
	t := exchangeLine{Method: b.Method, URL: b.URL, Headers: b.Headers, Body: b.Body}
	if b.Raw != nil {
		t.Body = nil
	}
	if b.URL == nil && b.Path != nil {
		t.Target = b.Path
	}
	f = t.found()
	// The fields of a query tell neither its order nor its spelling.
	f.Told.Query = f.Told.Query && (strings.Contains(f.url, "?") || empty(b.Query) && empty(b.Queries))
	length, known := number(b.Length)
	switch {
	case b.Raw != nil:
		f.Request.Body, f.Told.Body = string(*b.Raw), true
	case f.Told.Body && f.Request.Body == "" && !empty(b.Form):
		f.form, f.Told.Body = true, false
	case f.Told.Body && f.Request.Body == "" && known && length > 0:
		f.Told.Body = false
	case f.Told.Body && known:
		f.Told.Body = strings.HasPrefix(string(b.Body), "{") || !damaged(f.Request.Body, int64(length))
	}
	return f
}

// at reads when the request came: the first time that there is.
func (b binned) at(f *found, around []binTimes) error {
	for _, t := range append([]binTimes{b.binTimes}, around...) {
		for _, raw := range []json.RawMessage{t.Time, t.Timestamp, t.Ts, t.Indexed, t.Created, t.ReceivedAt} {
			if empty(raw) {
				continue
			}
			at, err := moment(raw)
			if err != nil {
				return err
			}
			f.Request.At, f.Request.AnsweredAt, f.Told.Time = at, at, true
			return nil
		}
	}
	return nil
}

// moment is a time as a text of ISO 8601, or as seconds or milliseconds since
// 1970, to the microsecond.
func moment(raw json.RawMessage) (time.Time, error) {
	if n, ok := number(raw); ok {
		const mostSeconds = 1e11 // the year 5138; more are milliseconds
		if n > mostSeconds {
			n /= 1000
		}
		if n < 0 || n > mostSeconds {
			return time.Time{}, notInstant(string(raw))
		}
		whole := int64(n)
		return time.Unix(whole, int64((n-float64(whole))*1e9)).Round(time.Microsecond).UTC(), nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, notInstant(string(raw))
	}
	return instant(text)
}
