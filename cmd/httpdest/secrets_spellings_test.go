package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// spellings is the one table of the ways in which a secret travels. A receiver or
// a sender writes them, and the outputs of every command are searched for them.
var spellings = []struct {
	name  string
	spell func(string) string
}{
	{"as it is", func(s string) string { return s }},
	{"behind a scheme", func(s string) string { return "Bearer " + s }},
	{"query-escaped", url.QueryEscape},
	{"query-escaped with %20", func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }},
	{"path-escaped", url.PathEscape},
	{"escaped with slashes kept", func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }},
	{"escaped in lower-case hex", lowerHex},
	{"escaped twice", func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{"every byte escaped", func(s string) string { return eachByte(s, "%%%02X") }},
	{"JSON", jsonText},
	{`JSON with \/`, func(s string) string { return strings.ReplaceAll(jsonText(s), "/", `\/`) }},
	{`JSON in \u`, func(s string) string { return eachByte(s, `\u%04x`) }},
	{"HTML", html.EscapeString},
	{"HTML by number", func(s string) string { return eachByte(s, "&#%d;") }},
	{"base64", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 behind a byte", func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s)) }},
	{"base64 behind two bytes", func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s + "!")) }},
	{"base64 for URLs", func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("acme:" + s)) }},
	{"base64 of the escaped", func(s string) string { return base64.StdEncoding.EncodeToString([]byte("acme:" + url.QueryEscape(s))) }},
	{"base64, escaped", func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("Bearer " + s)))
	}},
	{"its end cut off", func(s string) string { return s[:len(s)*2/3] + "..." }},
	{"its beginning cut off", func(s string) string { return "..." + s[len(s)/3:] }},
	{"in lines of a terminal", func(s string) string { return broken(s, 9, "\n") }},
	{"in indented lines", func(s string) string { return broken(s, 7, "\r\n\t   ") }},
	{"in short pieces", func(s string) string { return broken(s, 4, " ") }},
	{"broken where a page may", func(s string) string { return broken(s, 8, "<wbr>") }},
	{"broken by elements", func(s string) string { return broken(s, 6, `</b><b class="a > b">`) }},
	{"broken by what is not seen", func(s string) string { return broken(s, 5, "\u200b") }},
	{"quoted-printable", func(s string) string { return broken(s, 10, "=\r\n") }},
	{"query-escaped in lines", func(s string) string { return broken(url.QueryEscape(s), 11, "\n") }},
	{"HTML by number, in lines", func(s string) string { return broken(eachByte(s, "&#%d;"), 13, "<br>\n") }},
	{"base64 in lines", func(s string) string {
		return broken(base64.StdEncoding.EncodeToString([]byte("acme:"+s)), 16, "\r\n")
	}},
	{"base64 behind a byte, broken where a page may", func(s string) string {
		return broken(base64.StdEncoding.EncodeToString([]byte(":"+s)), 12, "<wbr>")
	}},
}

// broken is a text with a break after each so many bytes.
func broken(s string, width int, wrap string) string {
	var b strings.Builder
	for ; len(s) > width; s = s[width:] {
		b.WriteString(s[:width] + wrap)
	}
	return b.String() + s
}

// inHeader is a text as a header may have it: each line break is one space.
func inHeader(s string) string { return lineBreaks.ReplaceAllString(s, " ") }

// folded is a text as a receiver may send it in a header: in lines that go on, as
// older versions of HTTP allow.
func folded(s string) string { return lineBreaks.ReplaceAllString(s, "\r\n ") }

var (
	lineBreaks = regexp.MustCompile(`\s*\n\s*`)
	breaks     = regexp.MustCompile(`=\r?\n|<(?:"[^"]*"|[^<>"])*>|[\s\p{Cf}]`)
)

// joined is a text as one reads it who takes out what wraps it.
func joined(s string) string { return breaks.ReplaceAllString(s, "") }

func jsonText(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text always has a JSON form
	}
	return strings.Trim(string(b), `"`)
}

func eachByte(s, format string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// lowerHex is a query-escaped text whose escapes have small letters.
func lowerHex(s string) string {
	escaped := []byte(url.QueryEscape(s))
	for i := 0; i+2 < len(escaped); i++ {
		if escaped[i] == '%' {
			copy(escaped[i+1:], strings.ToLower(string(escaped[i+1:i+3])))
		}
	}
	return string(escaped)
}

// readings are a text as it is, and as readers of JSON, of HTML and of both see it.
func readings(text string) []string {
	plain := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\"`, `"`, `\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(text)
	return []string{text, plain, html.UnescapeString(text), html.UnescapeString(plain)}
}

// spelled are the secrets that a text shows, each with the name of its spelling,
// wrapped or not. The middle of a spelling gives it away: both ends may be the
// neighbours'.
func spelled(text string, secrets []string) []string {
	var shown []string
	for _, reading := range readings(text) {
		unbroken := joined(reading)
		for _, secret := range secrets {
			for _, s := range spellings {
				all := strings.Trim(s.spell(secret), ".")
				if strings.Contains(reading, middle(all)) || strings.Contains(unbroken, middle(joined(all))) {
					shown = append(shown, fmt.Sprintf("%s, %s: %s", secret, s.name, all))
				}
			}
		}
	}
	return shown
}

func middle(s string) string {
	half := max(6, len(s)/4)
	return s[max(0, len(s)/2-half):min(len(s), len(s)/2+half)]
}
