package token

import (
	"net/http"
	"strings"
)

// Defects are answers with status 200 that bring no token, by the name faults
// give them.
var defects = map[string]struct{ contentType, body string }{
	"no-access-token":    {"application/json", `{"token_type":"Bearer","expires_in":3600}`},
	"empty-access-token": {"application/json", `{"access_token":"","token_type":"Bearer","expires_in":3600}`},
	"wrong-type":         {"application/json", `{"access_token":"proof-of-possession","token_type":"pop","expires_in":3600}`},
	"not-json":           {"application/json", `{"access_token":"cut-off-in-the-mid`},
	"html":               {"text/html", "<!DOCTYPE html><title>Sign in</title>"},
	"empty":              {"application/json", ""},
	"too-large":          {"application/json", `{"padding":"` + strings.Repeat("x", 128<<10) + `","access_token":"out-of-reach"}`},
}

// Defective is the answer of a fault that spoils the token response; ok is
// false for an unknown name.
func Defective(name string) (a Answer, contentType string, ok bool) {
	d, ok := defects[name]
	return Answer{Status: http.StatusOK, Body: []byte(d.body)}, d.contentType, ok
}
