package token

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// Whatever is sent to the token endpoint, it answers with a token or an error of
// the RFC, issues none to a stranger, and shows no value of a secret field.
func FuzzTokenRequest(f *testing.F) {
	for _, seed := range []string{"grant_type=client_credentials&client_id=acme&client_secret=s3cret", "grant_type=password&username=u&password=p",
		"grant_type=refresh_token&refresh_token=x", "client%5Fsecret=s3cret", "Client_Secret=s3cret;a=b", "%zz", `{"client_secret":"s3cret"}`, ""} {
		f.Add(seed, "Basic YWNtZTpzM2NyZXQ=")
		f.Add(seed, "")
	}
	i := New(Options{ClientID: "acme", ClientSecret: "s3cret", Username: "u", Password: "p4ssword", ExpiresIn: time.Minute, Refresh: true})
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		read := i.Read(r, []byte(body))
		a := i.Answer(read, time.Unix(0, 0))
		switch {
		case a.Status == http.StatusOK && (read.Authorization != journal.Accepted || a.Issued == 0):
			t.Errorf("a token for %s credentials in %s", read.Authorization, read.Credentials)
		case a.Status != http.StatusOK && !strings.HasPrefix(string(a.Body), `{"error":"`):
			t.Errorf("%d with %s", a.Status, a.Body)
		}
	})
}
