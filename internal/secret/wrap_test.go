package secret

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// wraps are what stands where a secret is broken: of terminals, mails, pages and
// what escapes them.
var wraps = map[string]string{
	"a line break":                        "\n",
	"a line break and an indentation":     "\r\n\t  ",
	"a line separator":                    "\u2028",
	"a space":                             " ",
	"no-break space":                      "\u00a0",
	"a soft hyphen":                       "\u00ad",
	"a space without width":               "\u200b",
	"a control character":                 "\x01",
	"a colour of a terminal":              "\x1b[0;31m",
	"the end of a colour, and a line":     "\x1b[m\n",
	"a place to break":                    "<wbr>",
	"a break":                             "<br />\n",
	"the end of an element":               "</b><i class=\"x > y\">",
	"a comment":                           "<!-- page 2 -->",
	"quoted-printable":                    "=\r\n",
	"quoted-printable in a header":        "= ",
	"a shell's continuation":              "\\\n",
	"an escaped tag":                      "&lt;wbr&gt;",
	"a soft hyphen of HTML":               "&shy;",
	"a space without width, by number":    "&#8203;",
	"a line break of JSON":                `\n`,
	"a tag of JSON":                       `\u003cbr\u003e`,
	"a line break of JSON, escaped twice": `\\n`,
	"a line break of a URL":               "%0D%0A",
	"an indented line of a form":          "%0A+++",
}

// broken is a text with something in it after each so many bytes.
func broken(text string, width int, wrap string) string {
	var lines []string
	for ; len(text) > width; text = text[width:] {
		lines = append(lines, text[:width])
	}
	return strings.Join(append(lines, text), wrap)
}

// A secret is found in every spelling also where it is wrapped, and what stands
// around it is kept.
func TestTextWrapped(t *testing.T) {
	for how, wrap := range wraps {
		for name, spell := range spellings {
			spelled := spell(token)
			if strings.Contains(name, "lower case") || strings.ContainsAny(wrap, `&\%`) && strings.ContainsAny(spelled, `&\%`) {
				continue // an escape within an escape is not an escape
			}
			for _, width := range []int{3, 7, 10} {
				text := "before: " + broken(spelled, width, wrap) + ". behind"
				got := NewRedactor(token).Text(text)
				left := strings.Trim(strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(got, "before: "), ". behind"), wrap, ""), `"…!=+ `)
				left, more, found := strings.Cut(left, Redacted)
				// In base64, what stands next to the secret may have lines of its own.
				neighbours := 0
				if strings.HasPrefix(name, "base64") {
					neighbours = 8
				}
				if !found || len(left) > neighbours || len(more) > neighbours {
					t.Errorf("%s, broken by %s after %d: %q becomes %q", name, how, width, text, got)
				}
			}
		}
	}
}

// Words that stand next to each other hide nothing by chance, and neither do tags
// that hold nothing between them.
func TestTextJoinsNoWords(t *testing.T) {
	for _, tt := range []struct{ secret, text, want string }{
		{"s3cret", "s3cre t", "s3cre t"},
		{"s3cret", "s3cre\nt", "[redacted]"},
		{"s3cret-s3cret", "s3cret -s3cret", "[redacted]"},
		{"s3cret", "a < s3 and cret > b", "a < s3 and cret > b"},
		{"s3cret", "s3<a long way to cret", "s3<a long way to cret"},
		{"s3cret", "s3" + "<b " + strings.Repeat("x", longestTag) + ">cret", "s3" + "<b " + strings.Repeat("x", longestTag) + ">cret"},
		{"of <the> day, 2026", "of <the> day, 2026", "[redacted]"},
		{"of <the> day, 2026", "of <th\ne>\nday, 2026", "[redacted]"},
		{"<s3cret>", "<s3cret>", "[redacted]"},
		{"s3cret", "\x1b[", "\x1b["},
		{"w1re=%41", "w1re=\n%41", "[redacted]"},
	} {
		if got := NewRedactor(tt.secret).Text(tt.text); got != tt.want {
			t.Errorf("without %q %q becomes %q; want %q", tt.secret, tt.text, got, tt.want)
		}
	}
	r := NewRedactor("s3cret")
	if r.Echoed = true; r.Text("is S3cre t") != "is [redacted]" {
		t.Errorf("what a server gives back becomes %q", r.Text("is S3cre t"))
	}
}

// No secret survives in what a reader joins, however often it is broken.
func TestWrappedProperty(t *testing.T) {
	var all []string
	for _, wrap := range wraps {
		if !strings.ContainsAny(wrap, `&\%=`) {
			all = append(all, wrap)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9+/_.~-]{8,60}`).Draw(t, "secret")
		var b strings.Builder
		for _, c := range secret {
			b.WriteRune(c)
			if rapid.Bool().Draw(t, "break") {
				b.WriteString(rapid.SampledFrom(all).Draw(t, "wrap"))
			}
		}
		text := rapid.String().Draw(t, "before") + b.String() + rapid.String().Draw(t, "behind")
		shown := NewRedactor(secret).Text(text)
		for _, how := range wrappings {
			if left := bare(strings.ReplaceAll(shown, Redacted, "|"), how); strings.Contains(left, secret) {
				t.Errorf("%q is left in %q", secret, left)
			}
		}
	})
}

// White space and escapes in a text cost another look at it, and no place for each
// byte: a sender may indent its bodies.
func BenchmarkTextWithSpaces(b *testing.B) {
	body := strings.Repeat(`{"person": {"name": {"firstName": "Marty \"Mc\" Fly"}}, "identityMap": {"ecid": [{"id": "14575006536349286404619648085736425115"}]}}`+"\n", 8)
	r := NewRedactor(token, "another-s3cret")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r.Text(body)
	}
}

// Of a text that is taken for inert no other view would follow.
func TestInertTexts(t *testing.T) {
	for first := range 256 {
		for second := range 256 {
			text := string([]byte{'a', byte(first), byte(second), 'b'})
			v := plainView(text, true, false)
			_, changed := v.decoded()
			for _, how := range wrappings {
				_, joined := v.joined(how)
				changed = changed || joined
			}
			if changed && inert(text) {
				t.Errorf("%q is inert, and another view of it exists", text)
			}
		}
	}
	if !inert("Bearer=s3cret/abc-DEF_~.") || inert("two words") {
		t.Error("every text is inert, or none")
	}
}
