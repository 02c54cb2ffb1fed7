package access

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Who may use a listener with the token "right" that is also reached as
// engine.test.
func TestGuard(t *testing.T) {
	g := Guard{Token: "right", Hosts: []string{"engine.test"}, Realm: "httpdest serve"}
	for name, c := range map[string]struct {
		host    string
		headers map[string][]string
		want    int
	}{
		"an address":             {"127.0.0.1:8080", nil, 200},
		"an IPv6 address":        {"[::1]:8080", nil, 200},
		"localhost":              {"LocalHost:8080", nil, 200},
		"a known name":           {"Engine.test:8080", nil, 200},
		"a name without a port":  {"localhost", nil, 200},
		"another name":           {"evil.example:8080", nil, 421},
		"a name that ends so":    {"localhost.evil.example", nil, 421},
		"no host":                {"", nil, 421},
		"its own origin":         {"127.0.0.1:8080", map[string][]string{"Origin": {"http://127.0.0.1:8080"}}, 200},
		"another origin":         {"127.0.0.1:8080", map[string][]string{"Origin": {"https://evil.example"}}, 403},
		"another port":           {"127.0.0.1:8080", map[string][]string{"Origin": {"http://127.0.0.1:9090"}}, 403},
		"a page without origin":  {"127.0.0.1:8080", map[string][]string{"Origin": {"null"}}, 403},
		"two origins":            {"127.0.0.1:8080", map[string][]string{"Origin": {"http://127.0.0.1:8080", "https://evil.example"}}, 403},
		"no token":               {"127.0.0.1:8080", map[string][]string{"Authorization": nil}, 401},
		"a wrong token":          {"127.0.0.1:8080", map[string][]string{"Authorization": {"Bearer wrong"}}, 401},
		"two tokens":             {"127.0.0.1:8080", map[string][]string{"Authorization": {"Bearer right", "Bearer wrong"}}, 401},
		"another scheme":         {"127.0.0.1:8080", map[string][]string{"Authorization": {"Basic right"}}, 401},
		"another name, no token": {"evil.example", map[string][]string{"Authorization": nil}, 421},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/updates", nil)
			r.Host = c.host
			r.Header.Set("Authorization", "Bearer right")
			for key, values := range c.headers {
				r.Header[key] = values
			}
			w := httptest.NewRecorder()
			handled := false
			next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled = true })
			g.Protect(next, func(w http.ResponseWriter, r Refusal) { w.WriteHeader(r.Status) }).ServeHTTP(w, r)
			if w.Code != c.want || handled != (c.want == 200) {
				t.Errorf("status %d, handled %v; want %d", w.Code, handled, c.want)
			}
			if asked := w.Header().Get("WWW-Authenticate") != ""; asked != (c.want == 401) {
				t.Errorf("WWW-Authenticate %q with status %d", w.Header().Get("WWW-Authenticate"), w.Code)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "localhost": true,
		"": false, "0.0.0.0": false, "::": false, "192.0.2.1": false, "engine.test": false} {
		if Loopback(host) != want {
			t.Errorf("Loopback(%q) = %v", host, !want)
		}
	}
}

func TestTokensDiffer(t *testing.T) {
	if a, b := NewToken(), NewToken(); a == b || len(a) != 32 {
		t.Errorf("tokens %q and %q", a, b)
	}
}
