package capture

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// octets is a text of JSON whose bytes are kept where they are not UTF-8: the
// decoder of encoding/json replaces them.
type octets string

// UnmarshalJSON implements json.Unmarshaler. null leaves the text as it is.
func (o *octets) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	if utf8.Valid(raw) || len(raw) < 2 || raw[0] != '"' {
		return json.Unmarshal(raw, (*string)(o))
	}
	var text bytes.Buffer
	for rest := raw[1 : len(raw)-1]; len(rest) > 0; {
		n := bytes.IndexByte(rest, '\\')
		if n < 0 {
			n = len(rest)
		}
		text.Write(rest[:n])
		rest = rest[n:]
		n = escaped(rest)
		var part string
		if err := json.Unmarshal([]byte(`"`+string(rest[:n])+`"`), &part); err != nil {
			return err
		}
		text.WriteString(part)
		rest = rest[n:]
	}
	*o = octets(text.String())
	return nil
}

// escaped is the length of the escapes that a text begins with: all that touch,
// for two may be one character.
func escaped(text []byte) int {
	n := 0
	for n+1 < len(text) && text[n] == '\\' {
		if n += 2; text[n-1] == 'u' {
			n += 4
		}
	}
	return min(n, len(text))
}

// decoded is the body that a text in base64 stands for. Both alphabets, padded
// or not.
func decoded(text string) (string, error) {
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(text), "=")
	body, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("the body is not base64")
	}
	return string(body), nil
}

// instants are the forms of ISO 8601 that tools write: with a zone, with or
// without its colon or its minutes. A comma may stand for the point.
var instants = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z0700",
	"20060102T150405.999999999Z0700", "2006-01-02T15:04Z07:00"}

// instant reads a time with its zone.
func instant(text string) (time.Time, error) {
	for _, form := range instants {
		if at, err := time.Parse(form, strings.ToUpper(strings.TrimSpace(text))); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, notInstant(text)
}

func notInstant(text string) error {
	return fmt.Errorf("the time %.40q is not ISO 8601 with a zone", text)
}

// maxMillis is a day: no exchange takes longer.
const maxMillis = 24 * 60 * 60 * 1000

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// cutOff reports whether a text is JSON that ends too soon.
func cutOff(text string) bool {
	err := json.Unmarshal([]byte(text), new(json.RawMessage))
	return err != nil && strings.Contains(err.Error(), "unexpected end of JSON input")
}

// target is the path and query of a URL, as its text has them.
func target(text string) (string, error) {
	text, _, _ = strings.Cut(text, "#")
	if strings.HasPrefix(text, "/") || text == "*" {
		return text, nil
	}
	_, rest, absolute := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	switch {
	case !absolute || end == 0:
		// The text may hold a credential.
		return "", errors.New("url is neither an absolute URL nor a path")
	case end == len(rest):
		return "/", nil
	case rest[end] == '?':
		return "/" + rest[end:], nil
	}
	return rest[end:], nil
}
