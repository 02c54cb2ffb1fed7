package secret

import (
	"slices"
	"testing"
)

// A token endpoint's answer shows the members that are not tokens, and no token
// whatever its name.
func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		body, want string
		learned    []string
	}{
		{`{"accessToken":"abcdefgh1","expires_in":60}`, `{"accessToken":"[redacted]","expires_in":60}`, []string{"abcdefgh1"}},
		{`{"data":{"token":"abcdefgh2","n":7}}`, `{"data":"[redacted]"}`, []string{"abcdefgh2"}},
		{`{"error":"invalid_client","error_description":"s3cret is wrong"}`, `{"error":"invalid_client","error_description":"[redacted] is wrong"}`, nil},
		{`{"scope":["abcdefgh3"]}`, `{"scope":"[redacted]"}`, nil},
		{`["abcdefgh4"]`, Redacted, []string{"abcdefgh4"}},
		{"abcdefgh5\n", Redacted, []string{"abcdefgh5"}},
		{"access_token=abcdefgh6 and more", Redacted, nil},
		{"<html></html>", Redacted, nil},
		{"", "", nil},
	} {
		if got := NewRedactor("s3cret").Answer(tt.body); got != tt.want {
			t.Errorf("%s becomes %s; want %s", tt.body, got, tt.want)
		}
		if got := Credentials(tt.body); !slices.Equal(got, tt.learned) {
			t.Errorf("the credentials in %s are %q; want %q", tt.body, got, tt.learned)
		}
	}
}
