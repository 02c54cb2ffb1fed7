package probe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
)

// said is the quote of a response with a body.
func said(body string, secrets ...string) string {
	r := newRedactor(Config{})
	r.add(secrets...)
	l := &configuredSender{redact: r}
	return answer{sender: l, Result: delivery.Result{Outcome: retry.Outcome{Kind: retry.Answered, Status: 400}, Body: []byte(body)}}.quote()
}

// A page is reduced to what a reader would see, and nothing in a quote can steer
// what shows it.
func TestQuote(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{"", ""},
		{"no such audience", "no such audience"},
		{`{"message":"Missing Authentication Token"}`, `{"message":"Missing Authentication Token"}`},
		{"<html>\n<head><title>403 Forbidden</title><style>p{}</style></head><body><h1>403 Forbidden</h1><hr><center>nginx</center></body></html>", "403 Forbidden nginx"},
		{"<!DOCTYPE html><title>Sign in</title><script>alert('<p>x</p>')</script><p>Use&nbsp;your &lt;account&gt;", "Sign in Use your <account>"},
		{"<html><title>Error</title><body>What <!-- hidden -->is <b>wrong</b>", "Error What is wrong"},
		{"<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "AccessDenied no"},
		{"<p unfinished", "<p unfinished"},
		{"a\x1b[31mred\x00\u202egnp\r\n::error::x", "a [31mred gnp ::error::x"},
		{"\xff\xfe", "�"},
		{strings.Repeat("long ", 100), strings.Repeat("long ", 60)[:299] + "…"},
	} {
		if got := said(tt.body); got != tt.want {
			t.Errorf("%q is quoted as %q; want %q", tt.body, got, tt.want)
		}
	}
}

// A secret is in no quote and in no body, also where markup or a line break
// stands in it.
func TestQuoteHidesSecrets(t *testing.T) {
	const token = "Zx9secretToken+with/signs"
	var narrow string // lines that are too short for the beginning or the end of a secret to be known
	for i := 0; i < len(token); i += 5 {
		narrow += token[i:min(i+5, len(token))] + "\n"
	}
	wrapped := token[:10] + "\r\n" + token[10:18] + "\n " + token[18:]
	for _, body := range []string{token, "the token " + token + " is unknown", wrapped, "<p>" + wrapped + "</p>", "<b>" + token[:12] + "</b><i>" + token[12:] + "</i>", narrow, "<pre>" + narrow + "</pre>", token[:9] + "<wbr>" + token[9:17] + "<wbr>" + token[17:], "quoted-printable " + token[:9] + "=\n" + token[9:]} {
		r := newRedactor(Config{Destination: dataflow.Destination{Auth: dataflow.Auth{Token: token}}})
		a := answer{sender: &configuredSender{redact: r}, Result: delivery.Result{Outcome: retry.Outcome{Kind: retry.Answered, Status: 400}, Body: []byte(body)}}
		for _, shown := range []string{a.quote(), r.responseBody(a)} {
			joined := strings.NewReplacer(" ", "", "\n", "", "\r", "", "=", "", "<b>", "", "</b>", "", "<i>", "", "</i>", "", "<pre>", "", "</pre>", "", "<wbr>", "").Replace(shown)
			if strings.Contains(joined, token) || strings.Contains(joined, token[:16]) {
				t.Errorf("%q is shown as %q", body, shown)
			}
		}
	}
}

// A redirect hides a secret whose separators it does not escape.
func TestAddressHidesSecrets(t *testing.T) {
	r := newRedactor(Config{Destination: dataflow.Destination{Auth: dataflow.Auth{Token: "Zx9secret&of?the#token"}, QueryParameters: "sig=q1w2e3r4"}})
	for raw, want := range map[string]string{
		"/a?t=Zx9secret&of?the#token":          "/a?t=[redacted]",
		"/a?t=Zx9secret&of?th...&sig=x":        "/a?t=[redacted]...&sig=[redacted]",
		"/a?sig=Zx9secret&of?the#tok...":       "/a?sig=[redacted]",
		"/Zx9secret&of?the#token/b":            "/[redacted]/b",
		"/a?sig=unknown#q1w2e3r4":              "/a?sig=[redacted]",
		"/a\n b?t=Zx9sec\r\n ret&of?the#token": "/a\n b?t=[redacted]",
	} {
		if got := r.address(raw); got != want {
			t.Errorf("%q is shown as %q; want %q", raw, got, want)
		}
	}
}

// Of a long body that secrets fill, no secret is shown where the search ended.
func TestLongBodyHidesSecrets(t *testing.T) {
	const token = "Zx9secretToken+with/signs"
	r := newRedactor(Config{Destination: dataflow.Destination{Auth: dataflow.Auth{Token: token}}})
	var escaped strings.Builder
	for _, c := range []byte(token) {
		fmt.Fprintf(&escaped, "%%25%02X", c)
	}
	for n := range 40 { // some end within a secret
		body := strings.Repeat("x", n) + strings.Repeat(escaped.String(), looked/escaped.Len()+2)
		if shown := r.body([]byte(body)); strings.Contains(shown, "%25") {
			t.Errorf("%d: %q", n, shown)
		}
	}
}
