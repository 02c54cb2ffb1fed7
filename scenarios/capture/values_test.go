package capture

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Every text of JSON is read as encoding/json reads it where it is UTF-8, and
// byte for byte where it is not.
func TestOctets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var raw, want strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "parts") {
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0: // as it stands
				text := strings.Map(func(c rune) rune {
					if c < ' ' || c == '"' || c == '\\' {
						return -1
					}
					return c
				}, rapid.String().Draw(t, "text"))
				raw.WriteString(text)
				want.WriteString(text)
			case 1: // escaped
				text := rapid.String().Draw(t, "escaped")
				quoted, _ := json.Marshal(text)
				raw.Write(quoted[1 : len(quoted)-1])
				want.WriteString(text)
			case 2: // not UTF-8
				b := rapid.ByteRange(0x80, 0xff).Draw(t, "byte")
				raw.WriteByte(b)
				want.WriteByte(b)
			}
		}
		quoted := `"` + raw.String() + `"`
		var got octets
		if err := json.Unmarshal([]byte(quoted), &got); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if string(got) != want.String() {
			t.Fatalf("%q is %q; want %q", quoted, got, want.String())
		}
		var plain string
		if utf8.ValidString(quoted) && (json.Unmarshal([]byte(quoted), &plain) != nil || plain != string(got)) {
			t.Fatalf("%q is %q; encoding/json has %q", quoted, got, plain)
		}
	})
}

func TestDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := string(rapid.SliceOf(rapid.Byte()).Draw(t, "body"))
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if got, err := decoded(e.EncodeToString([]byte(body))); err != nil || got != body {
				t.Fatalf("%q, %v; want %q", got, err, body)
			}
		}
	})
	if _, err := decoded("e30*"); err == nil {
		t.Error("a character of no alphabet was read")
	}
}

func TestInstant(t *testing.T) {
	want := time.Date(2026, 1, 15, 10, 0, 1, 497e6, time.UTC)
	for _, text := range []string{"2026-01-15T11:00:01.497+0100", "2026-01-15T11:00:01.497+01:00", "2026-01-15T11:00:01,497+01", "2026-01-15t10:00:01.497z",
		"2026-01-15 11:00:01.497 +0100", "2026-01-15 10:00:01.497Z", "20260115T100001.497Z", "2026-01-15T02:30:01.497-0730"} {
		if got, err := instant(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "noon", "2026-01-15T10:00:01", "2026-13-15T10:00:01Z", "1768471201"} {
		if got, err := instant(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func TestTarget(t *testing.T) {
	for text, want := range map[string]string{"https://h.test": "/", "https://h.test?a=1": "/?a=1", "http://u:p@h.test:80/p/%2F?a=b#c": "/p/%2F?a=b", "/p?x": "/p?x",
		"https://h.test/%%x?%%": "/%%x?%%", "HTTPS://h.test/ü ": "/ü ", "*": "*", "https://[::1]:8443/p": "/p"} {
		if got, err := target(text); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%%", "h.test/p", "https:///p", "p"} {
		if got, err := target(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}
