package capture

import "testing"

// Words that tools put in the place of a credential, and credentials.
func TestIsRemoved(t *testing.T) {
	for _, value := range []string{"[REDACTED]", "Bearer [REDACTED]", "redacted", "<redacted>", "{{removed}}", "***", "Bearer ******", "xxxxxxxx", "[Filtered]",
		"•••••", "**masked**", "Basic <hidden>", "", "Bearer", "Bearer ", "%5BREDACTED%5D", "__REDACTED__"} {
		if !isRemoved(value) {
			t.Errorf("%q is taken for a credential", value)
		}
	}
	for _, value := range []string{"Bearer abc", "abc", "Bearer redacted-1", "x", "**", "dXNlcjpwYXNz", "Basic dXNlcjpwYXNz", "application/json", "100%"} {
		if isRemoved(value) {
			t.Errorf("%q is taken for a removed credential", value)
		}
	}
}

// With credentials removed, what stands for one and what may have been one are
// untold, and everything else is told as before.
func TestCredentialsRemoved(t *testing.T) {
	const line = `{"method":"POST","target":"/p?a=1&token=%5BREDACTED%5D","headers":{"Authorization":"[REDACTED]","X-Tenant":"acme","X-Stage":"***"},"body":{}}`
	got, r, err := all("f.ndjson", line, Options{CredentialsRemoved: true})
	if err != nil || len(got) != 1 || got[0].Told.Query || got[0].Told.Credentials || r.Marked() != 0 {
		t.Fatalf("%+v, %v, %d marked", got, err, r.Marked())
	}
	for name, told := range map[string]bool{"Authorization": false, "X-Tenant": true, "x-stage": false, "X-Api-Key": false, "X-Auth-Token": false, "Cookie": false, "X-Other": true} {
		if got[0].Header(name) != told {
			t.Errorf("%s is told: %v", name, !told)
		}
	}
	got, r, err = all("f.ndjson", line, Options{})
	if err != nil || !got[0].Told.Query || !got[0].Header("Authorization") || !got[0].Header("X-Api-Key") || r.Marked() != 1 {
		t.Errorf("without the option: %+v, %v, %d marked", got, err, r.Marked())
	}
	if _, r, _ = all("f.ndjson", `{"method":"POST","headers":{"Authorization":"Bearer s3cret"},"body":{}}`, Options{Bearer: "s3cret"}); r.Marked() != 0 {
		t.Error("a token is taken for a removed one")
	}
}
