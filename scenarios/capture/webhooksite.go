package capture

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// webhook is a request as webhook.site keeps it, in its API and its exports.
type webhook struct {
	Type    string          `json:"type"` // web, email or dns
	Method  *string         `json:"method"`
	URL     *string         `json:"url"`
	Headers json.RawMessage `json:"headers"`
	Content *octets         `json:"content"`
	Form    json.RawMessage `json:"request"` // fields of a form
	Query   json.RawMessage `json:"query"`
	Size    json.RawMessage `json:"size"` // of the body, in bytes
	Created *string         `json:"created_at"`
}

// webhook reads a request of the JSON of webhook.site.
func (r *Reader) webhook(text []byte, n int) found {
	var w webhook
	wrong := json.Unmarshal(text, &w)
	if wrong == nil && w.Method == nil && w.URL == nil && w.Content == nil && w.Type == "" {
		return r.neither(text, n)
	}
	return r.located(w.found(), n, wrong, "export the requests of webhook.site again, as JSON or CSV")
}

func (w webhook) found() (f found) {
	if w.Type != "" && w.Type != "web" {
		f.kind = w.Type
		return f
	}
	f = exchangeLine{Method: w.Method, URL: w.URL, Headers: w.Headers}.found()
	// Whether a URL without a query had one is told by the fields alone.
	f.Told.Query = f.Told.Query && (strings.Contains(f.url, "?") || empty(w.Query))
	if w.Created != nil {
		at, err := time.Parse(time.DateTime, *w.Created) // UTC, by the documentation
		if err != nil {
			at, err = instant(*w.Created)
		}
		if err != nil {
			f.err = errors.Join(f.err, err)
		}
		f.Request.At, f.Request.AnsweredAt, f.Told.Time = at, at, err == nil
	}
	w.body(&f)
	return f
}

// body takes in the content; an empty one is that of a form, or of nothing.
func (w webhook) body(f *found) {
	size, known := number(w.Size)
	switch {
	case w.Content != nil && *w.Content != "":
		f.Request.Body = string(*w.Content)
		f.Told.Body = !known || !damaged(f.Request.Body, int64(size))
	case !empty(w.Form):
		f.form = true
		f.Request.Body, f.Told.Body = fields(w.Form)
	default:
		f.Told.Body = known && size == 0
	}
}

// fields is the body of a form of texts; false for a form of anything else.
func fields(raw json.RawMessage) (string, bool) {
	var form map[string]string
	if json.Unmarshal(raw, &form) != nil {
		return "", false
	}
	values := url.Values{}
	for name, value := range form {
		values.Set(name, value)
	}
	return values.Encode(), true
}

// empty reports whether a value is missing, null, or holds nothing.
func empty(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "[]", "{}", `""`:
		return true
	}
	return false
}

// number is a value that is a number, or a text with one.
func number(raw json.RawMessage) (float64, bool) {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `" `), 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// webhookTable reads the CSV of webhook.site: the first record names the
// columns, which are the keys of the JSON.
func (r *Reader) webhookTable(in io.Reader) func() (found, error) {
	table := csv.NewReader(in)
	var names []string
	return func() (found, error) {
		for {
			record, err := table.Read()
			var wrong *csv.ParseError
			switch {
			case errors.As(err, &wrong):
				return found{}, r.problem(wrong.Line, wrong.Column, "export the CSV file again", "not CSV: %s", wrong.Err)
			case errors.Is(err, io.EOF):
				return found{}, err
			case err != nil:
				return found{}, r.problem(1, 1, "export the CSV file again", "not CSV: %s", err)
			case names == nil:
				names = record
				continue
			}
			line, _ := table.FieldPos(0)
			f := r.located(webhookRow(names, record).found(), line, nil, "export the requests of webhook.site again, as JSON or CSV")
			f.Line = line
			return f, nil
		}
	}
}

// webhookRow is a record as the JSON has it. A cell that is empty is untold.
func webhookRow(names, record []string) (w webhook) {
	for i, name := range names {
		cell := &record[i]
		if *cell == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "type":
			w.Type = *cell
		case "method":
			w.Method = cell
		case "url":
			w.URL = cell
		case "content":
			w.Content = new(octets(*cell))
		case "created_at":
			w.Created = cell
		case "headers", "request", "query", "size":
			if raw := json.RawMessage(*cell); json.Valid(raw) {
				*map[string]*json.RawMessage{"headers": &w.Headers, "request": &w.Form, "query": &w.Query, "size": &w.Size}[strings.ToLower(strings.TrimSpace(name))] = raw
			}
		}
	}
	return w
}
