package capture

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/httpdest/httpdest/internal/secret"
)

// credentialName matches names of headers and parameters that hold credentials.
var credentialName = regexp.MustCompile(`(?i)authori[sz]ation|cookie|token|secret|passw|api[-_]?key|access[-_]?key|auth[-_]?key|credential|signature|^x-auth|^key$|^sig$|^code$`)

// removed matches the words that tools put in the place of a credential, after
// its scheme where they leave that.
var removed = regexp.MustCompile(`(?i)^(?:(?:bearer|basic|token|digest)\s+)?[\[<({"'*_#-]*(?:` +
	`redacted|removed|filtered|masked|hidden|sanitized|sanitised|scrubbed|omitted|secret|confidential|sensitive|stripped|` +
	`[*x\x{2022}#.]{3,})[\]>)}"'*_#-]*$|^(?:bearer|basic)?\s*$`)

// isRemoved reports whether a value stands for one that a tool removed.
func isRemoved(value string) bool {
	value = strings.TrimSpace(value)
	if text, err := url.QueryUnescape(value); err == nil && strings.Contains(value, "%") {
		value = text
	}
	return removed.MatchString(value)
}

// marked reports whether a credential was removed by another tool than httpdest.
func (x Exchange) marked() bool {
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		for _, value := range values(x.Request.Headers, name) {
			if isRemoved(value) && !strings.HasSuffix(value, secret.Redacted) {
				return true
			}
		}
	}
	return false
}

// HoldsCredential reports whether a query has a parameter whose name is that of a
// credential.
func HoldsCredential(query string) bool {
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); credentialName.MatchString(name) {
			return true
		}
	}
	return false
}

// withoutCredentials marks what a tool removed as untold.
func (x *Exchange) withoutCredentials() {
	x.Told.Credentials = false
	_, query, _ := strings.Cut(x.Request.Target, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if _, value, ok := strings.Cut(pair, "="); ok && value != "" && isRemoved(value) {
			x.Told.Query = false
		}
	}
}
