package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const token = "t0ken/with+all=of them&more"

// spellings are the ways in which a secret travels.
var spellings = map[string]func(string) string{
	"as it is":                       func(s string) string { return s },
	"query escaped":                  url.QueryEscape,
	"path escaped":                   url.PathEscape,
	"query escaped, slashes kept":    func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") },
	"query escaped in lower case":    func(s string) string { return strings.ToLower(url.QueryEscape(strings.ToLower(s))) },
	"query escaped twice":            func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"JSON":                           func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"JSON with escaped slashes":      func(s string) string { b, _ := json.Marshal(s); return strings.ReplaceAll(string(b), "/", `\/`) },
	"JSON in units":                  units,
	"HTML":                           html.EscapeString,
	"HTML by number":                 numbered,
	"base64":                         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs":                func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 behind a byte":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) },
	"base64 behind two bytes":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte("us:" + s + "!")) },
	"base64 of the escaped":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte("acme:" + url.QueryEscape(s))) },
	"base64 in a query":              func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("user:" + s))) },
	"the end cut off":                func(s string) string { return s[:10] + "…" },
	"the beginning cut off":          func(s string) string { return "…" + s[len(s)-10:] },
	"the end cut off, query escaped": func(s string) string { return url.QueryEscape(s[:12]) },
}

func units(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

func numbered(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, "&#%d;", c)
	}
	return b.String()
}

// A secret is found in every spelling, and what stands around it is kept.
func TestTextInEverySpelling(t *testing.T) {
	for name, spell := range spellings {
		secret := token
		if strings.Contains(name, "lower case") {
			secret = strings.ToLower(token)
		}
		text := "before " + spell(secret) + " behind"
		got := NewRedactor(secret).Text(text)
		trimmed := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(got, "before "), " behind"), `"…!=`)
		if trimmed != Redacted {
			t.Errorf("%s: %q becomes %q", name, text, got)
		}
	}
}

func TestTextAnyCase(t *testing.T) {
	r := NewRedactor("SecretToken")
	if got := r.Text("secrettoken"); got != "secrettoken" {
		t.Errorf("another case is another text unless it is asked for: %q", got)
	}
	r.Echoed = true
	for _, s := range []string{"SECRETTOKEN", "secrettoken", "SecretToken", "S%45CRETtoken"} {
		if got := r.Text(s); got != Redacted {
			t.Errorf("%s becomes %q", s, got)
		}
	}
}

// Other text stays: short secrets, words that look alike, and the placeholder
// itself.
func TestTextLeavesTheRest(t *testing.T) {
	for _, tt := range []struct{ secret, text, want string }{
		{"abc", "abc abcdef", "abc abcdef"}, // too short to be searched
		{"redacted", "[redacted] and redacted", "[redacted] and [redacted]"},
		{"act", "[redacted]", "[redacted]"},
		{"s3cret", "s3cre t", "s3cre t"},
		{"s3cret", "", ""},
		{"s3cret", "100% \\ & %zz \\q &nothing;", "100% \\ & %zz \\q &nothing;"},
		{"s3cret", "s3crets3cret", "[redacted]"},
		{"s3cret", "a%2", "a%2"},
		{"a&b=%41", `a\u0026b=%41`, "[redacted]"}, // an escape of its own next to one of its spelling
		{"tokentoken", "tokentok", "tokentok"},    // too short for its beginning to give it away
	} {
		if got := NewRedactor(tt.secret).Text(tt.text); got != tt.want {
			t.Errorf("without %q %q becomes %q; want %q", tt.secret, tt.text, got, tt.want)
		}
	}
	if got := (&Redactor{}).Text("anything"); got != "anything" {
		t.Errorf("a redactor that knows nothing changes %q", got)
	}
}

func TestHeader(t *testing.T) {
	r := NewRedactor("s3cret")
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Bearer x", "Bearer [redacted]"},
		{"AUTHORIZATION", "x", "[redacted]"},
		{"Proxy-Authorization", "Basic eDp5", "Basic [redacted]"},
		{"Cookie", "a=b", "[redacted]"},
		{"Set-Cookie", "a=b", "[redacted]"},
		{"X-Key", "is s3cret", "is [redacted]"},
		{"X-Key", "x", "x"},
	} {
		if got := r.Header(tt.name, tt.value); got != tt.want {
			t.Errorf("%s: %s becomes %q; want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

// A client secret that is a word of the protocol hides no name of a field.
func TestForm(t *testing.T) {
	for _, tt := range []struct{ secret, body, want string }{
		{"secret", "grant_type=client_credentials&client_id=a&client_secret=secret", "grant_type=client_credentials&client_id=a&client_secret=[redacted]"},
		{"pass", "grant_type=password&username=bypass&password=pass", "grant_type=password&username=by[redacted]&password=[redacted]"},
		{"s3cret", "client_id=s3cret", "client_id=[redacted]"},
		{"s3cret", "s3cret=1&x=s3cret", "[redacted]=1&x=[redacted]"},
		{"other", "Client%5Fsecret=unknown", "Client%5Fsecret=[redacted]"},
		{"other", `{"client_secret":"x"}`, "[redacted]"},
		{"other", "a=%zz", "[redacted]"},
		{"other", "", ""},
		{"other", "flag&a=b", "flag&a=b"},
	} {
		if got := NewRedactor(tt.secret).Form(tt.body); got != tt.want {
			t.Errorf("without %q %q becomes %q; want %q", tt.secret, tt.body, got, tt.want)
		}
	}
}

// JSON stays JSON, with its keys and its numbers.
func TestJSON(t *testing.T) {
	for _, tt := range []struct{ secret, body, want string }{
		{"test", `{"a": "test@example.com", "n":[1]}`, `{"a": "[redacted]@example.com", "n":[1]}`},
		{"secret", `{"secret": "x", "b":"my secret"}`, `{"secret": "x", "b":"my [redacted]"}`},
		{"12345", `{"n":123456,"s":"12345"}`, `{"n":123456,"s":"[redacted]"}`},
		{"a/b+c", `{"s":"a\/b\u002bc"}`, `{"s":"[redacted]"}`},
		{"s3cret", `not JSON: s3cret`, `not JSON: [redacted]`},
		{"s3cret", `{"open: s3cret`, `{"open: [redacted]`},
		{"s3cret", `{"a":"b"}`, `{"a":"b"}`},
	} {
		got := NewRedactor(tt.secret).JSON(tt.body)
		if got != tt.want || json.Valid([]byte(tt.body)) && !json.Valid([]byte(got)) {
			t.Errorf("without %q %s becomes %s; want %s", tt.secret, tt.body, got, tt.want)
		}
	}
}

// No spelling of any secret survives, however text is put around it.
func TestTextProperty(t *testing.T) {
	var names []string
	for name := range spellings {
		if !strings.Contains(name, "cut off") && !strings.Contains(name, "lower case") {
			names = append(names, name)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9+/=_.~ -]{6,40}`).Draw(t, "secret")
		spell := spellings[rapid.SampledFrom(names).Draw(t, "spelling")]
		before, behind := rapid.String().Draw(t, "before"), rapid.String().Draw(t, "behind")
		r := NewRedactor(secret)
		got := r.Text(before + "\n" + spell(secret) + "\n" + behind)
		if !strings.Contains(got, Redacted) || r.Has(got) && !strings.Contains(Redacted, secret) {
			t.Fatalf("%q is left of %q", got, spell(secret))
		}
	})
}

func FuzzText(f *testing.F) {
	for _, spell := range spellings {
		f.Add(token, spell(token))
	}
	f.Add("s3cret", `%5c%75\u005`)
	f.Add("0000", `"+ \u0000"`)
	f.Add(`0000"`, `"x0000"`)
	f.Add(`a\\b`, `"a\\b\""`)
	f.Fuzz(func(t *testing.T, secret, text string) {
		r := NewRedactor(secret)
		got := r.Text(text)
		for _, part := range strings.Split(got, Redacted) {
			if len(secret) >= shortest && strings.Contains(part, secret) {
				t.Errorf("%q is left in %q", secret, got)
			}
		}
		if r.JSON(text); json.Valid([]byte(text)) && !json.Valid([]byte(r.JSON(text))) {
			t.Errorf("%q is not JSON any more", text)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add("grant_type=client_credentials&client_id=a&client_secret=b")
	f.Add("Client%5Fsecret=x&password")
	f.Fuzz(func(t *testing.T, body string) {
		shown := NewRedactor("s3cret").Form(body)
		values, err := url.ParseQuery(shown)
		if err != nil {
			return // hidden as a whole, or not a form
		}
		for _, name := range Fields {
			if v := values.Get(name); v != "" && v != Redacted {
				t.Errorf("%q shows %s = %q", shown, name, v)
			}
		}
	})
}

// A redactor costs little on the data of a profile, which has no secret and no
// escapes: it stands in the path of every request to the mock endpoint.
func BenchmarkText(b *testing.B) {
	body := strings.Repeat(`{"person":{"name":{"firstName":"Marty"}},"identityMap":{"ecid":[{"id":"14575006536349286404619648085736425115"}]}}`, 8)
	r := NewRedactor(token, "another-s3cret")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r.Text(body)
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := Secret("s3cret")
	for _, format := range []string{"%s", "%v", "%q", "%#v", "%+v", "%d", "%x"} {
		if got := fmt.Sprintf(format, s); strings.Contains(got, "s3cret") || strings.Contains(got, fmt.Sprintf("%x", "s3cret")) {
			t.Errorf("%s prints %q", format, got)
		}
	}
	out, err := json.Marshal(map[string]Secret{"a": s})
	if err != nil || string(out) != `{"a":"[redacted]"}` {
		t.Errorf("%s, %v", out, err)
	}
	if s.Reveal() != "s3cret" {
		t.Error("Reveal is the credential")
	}
}
