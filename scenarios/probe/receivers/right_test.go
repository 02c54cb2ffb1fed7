package receivers

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/mockendpoint"
)

const token = "s3cret"

// caller is a sender of a test: what it sends by, and as whom.
type caller struct {
	t      *testing.T
	client *http.Client
	url    string
	token  string
}

// call sends one request and returns the status with what was answered.
func (c caller) call(method, path, body string) (int, string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	check(c.t, err)
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("X-Tenant", strings.Repeat("acme", 5000)) // longer than the default of Node and of nginx
	answer, err := c.client.Do(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	check(c.t, err)
	return answer.StatusCode, string(content)
}

// send posts a message and wants a status.
func (c caller) send(want int, body string) {
	c.t.Helper()
	if status, text := c.call("POST", "/profiles?source=aep", body); status != want {
		c.t.Errorf("%.200s is answered with %d %s; want %d", body, status, text, want)
	}
}

// stored is what is known of a person, of whom it must be something.
func (c caller) stored(ecid string) map[string]any {
	c.t.Helper()
	status, text := c.call("GET", "/state/"+ecid, "")
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); status != 200 || err != nil {
		c.t.Fatalf("the state of %s is answered with %d %s", ecid, status, text)
	}
	return document
}

// statuses are those of the stored entries, by audience.
func (c caller) statuses(ecid string) map[string]string {
	c.t.Helper()
	out := map[string]string{}
	for _, audiences := range c.stored(ecid)["segmentMembership"].(map[string]any) {
		for audience, fields := range audiences.(map[string]any) {
			out[audience] = fields.(map[string]any)["status"].(string)
		}
	}
	return out
}

// as sends by sockets of its own, with a certificate or none.
func as(t *testing.T, dir, url, token string, own *tls.Certificate) caller {
	t.Helper()
	roots := x509.NewCertPool()
	content, err := os.ReadFile(filepath.Join(dir, "server-ca.pem"))
	check(t, err)
	roots.AppendCertsFromPEM(content)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if own != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return caller{t, &http.Client{Transport: transport, Timeout: patience}, url, token}
}

// Without a probe: the right receivers start, do what a receiver must, and end.
func TestRightReceivers(t *testing.T) {
	dir := t.TempDir()
	writeServers(t, dir)
	owns := map[mockendpoint.Generation]tls.Certificate{}
	var trusted []byte
	for _, g := range []mockendpoint.Generation{mockendpoint.CurrentHierarchy, mockendpoint.NewerHierarchy} {
		h, err := mockendpoint.NewHierarchy(g, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		check(t, err)
		owns[g], err = h.Client("sender.test", "sender.test")
		check(t, err)
		trusted = append(trusted, h.Chain()...)
	}
	write(t, filepath.Join(dir, "client-ca.pem"), trusted)
	env := []string{"LISTEN=127.0.0.1:0", "CERT=server.pem", "KEY=server-key.pem", "CLIENT_CA=client-ca.pem", "TOKEN=" + token, "CLIENT_ID="}
	receiver, err := goBuild(t, ending(t), Source, nil)
	check(t, err)
	for name, begin := range rightOnes {
		if name == FrontPlan || strings.HasSuffix(name, ", wrong") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := begin(t, ending(t), starting{receiver, dir, env, Receiver{}})
			check(t, err)
			current, newer := owns[mockendpoint.CurrentHierarchy], owns[mockendpoint.NewerHierarchy]
			stranger := as(t, dir, p.url, token, nil)
			if answer, err := stranger.client.Get(p.url + "/state/1"); err == nil { // it may be refused in the handshake
				if answer.Body.Close(); answer.StatusCode != http.StatusBadRequest {
					t.Errorf("without a certificate: %s", answer.Status)
				}
			}
			as(t, dir, p.url, "", &newer).send(401, profile("1", "", ""))
			as(t, dir, p.url, token+"s", &newer).send(401, profile("1", "", ""))
			as(t, dir, p.url, token, &newer).send(204, profile("1", "", ""))
			takesMessages(as(t, dir, p.url, token, &current))
			keepsSockets(as(t, dir, p.url, "wrong", &current))
		})
	}
}

// profile is a document of a person by two identities, with an attribute and
// entries; without them as small as may be.
func profile(ecid, name, entries string) string {
	return fmt.Sprintf(`{"person":{"name":%q},"segmentMembership":{"ups":{%s}},"identityMap":{"ecid":[{"id":%q}],"email":[{"id":"%[3]s@acme.test"}]}}`, name, entries, ecid)
}

func entry(audience, at, status string) string {
	return fmt.Sprintf(`%q:{"lastQualificationTime":%q,"status":%q}`, audience, at, status)
}

func takesMessages(c caller) {
	c.t.Helper()
	for _, no := range []string{"", "{", "nobody", `{"person":NaN}`} {
		c.send(400, no)
	}
	for _, no := range []string{"1", "null", `[1]`, `{"segmentMembership":[]}`, `{"identityMap":{"ecid":{"id":"1"}}}`, profile("1", "", `"a":{"lastQualificationTime":"yesterday","status":"realized"}`)} {
		c.send(422, no)
	}
	for _, nobody := range []string{"{}", "[]", `{"segmentMembership":{},"identityMap":{}}`} {
		c.send(204, nobody)
	}
	if status, _ := c.call("GET", "/state/7", ""); status != 404 {
		c.t.Errorf("the state of nobody is answered with %d", status)
	}
	// The three forms of a message, and the five of a time.
	two, three := profile("2", "Zoë", entry("a", "2019-04-15T02:41:50.000+0000", "existing")), profile("3", "", entry("no UUID", "2018-04-26T15:52:25+00:00", "realized"))
	c.send(204, "["+two+","+three+"]")
	c.send(204, `{"profiles":[`+profile("4", "", entry("__proto__", "2021-06-17T12:25:12.872039Z", "exited"))+`]}`)
	c.send(204, profile("1", "Marty", entry("a", "2019-04-15T02:41:50+0000", "realized")+","+entry("b", "2022-01-11T21:24:39Z", "paused")))
	for ecid, want := range map[string]map[string]string{"1": {"a": "realized"}, "2": {"a": "realized"}, "3": {"no UUID": "realized"}, "4": {"__proto__": "exited"}} {
		if diff := cmp.Diff(want, c.statuses(ecid)); diff != "" {
			c.t.Errorf("of %s, -want +stored\n%s", ecid, diff)
		}
	}
	keepsOrder(c)
	var many []string
	for i := range 250 {
		many = append(many, entry(fmt.Sprintf("%036d", i), "2022-01-11T21:24:39Z", "realized"))
	}
	c.send(204, "["+strings.Repeat(profile("5", strings.Repeat("x", 90_000), strings.Join(many, ","))+",", 9)+two+"]") // 1 MB
	if n := len(c.statuses("5")); n != 250 {
		c.t.Errorf("%d of 250 audiences are stored", n)
	}
	c.send(413, `{"person":"`+strings.Repeat("x", 5<<20)+`"}`)
}

// keepsOrder: an exit ends the qualification at whose time it is, what is older
// changes nothing, and a person is found by any identity.
func keepsOrder(c caller) {
	c.t.Helper()
	first, second := "2026-01-15T09:00:00.123456Z", "2026-01-15T09:00:00.123457Z"
	c.send(204, profile("6", "Doc", entry("a", first, "exited")))
	c.send(204, profile("6", "Marty", entry("a", first, "realized")+","+entry("b", first, "realized")))
	want := map[string]string{"a": "exited", "b": "realized"}
	if diff := cmp.Diff(want, c.statuses("6")); diff != "" {
		c.t.Errorf("an exit and then the qualification that it ended: -want +stored\n%s", diff)
	}
	if name := c.stored("6")["person"].(map[string]any)["name"]; name != "Doc" {
		c.t.Errorf("an older message brought its attributes back: %v", name)
	}
	before := c.stored("6")
	again := profile("6", "Doc", entry("a", first, "exited"))
	c.send(204, again)
	c.send(204, "["+again+","+again+"]")
	if diff := cmp.Diff(before, c.stored("6")); diff != "" {
		c.t.Errorf("the same message again changes: -before +after\n%s", diff)
	}
	// The same person by the email alone, and then by another ECID as well.
	c.send(204, fmt.Sprintf(`{"segmentMembership":{"ups":{%s}},"identityMap":{"email":[{"id":"6@acme.test"}],"ecid":[{"id":"66"}]}}`, entry("a", second, "realized")))
	if diff := cmp.Diff(map[string]string{"a": "realized", "b": "realized"}, c.statuses("66")); diff != "" {
		c.t.Errorf("by another identity: -want +stored\n%s", diff)
	}
}

// keepsSockets: a refusal before the body is read reaches the sender, and the
// socket serves the next message.
func keepsSockets(c caller) {
	c.t.Helper()
	reused := 0
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if i.Reused {
			reused++
		}
	}}
	for range 3 {
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(c.t.Context(), trace), "POST", c.url+"/profiles", strings.NewReader(strings.Repeat(" ", 100_000)))
		check(c.t, err)
		r.Header.Set("Authorization", "Bearer "+c.token)
		answer, err := c.client.Do(r)
		check(c.t, err)
		_, err = io.Copy(io.Discard, answer.Body)
		check(c.t, err)
		check(c.t, answer.Body.Close())
		if answer.StatusCode != 401 {
			c.t.Errorf("a wrong token is answered with %s", answer.Status)
		}
	}
	if reused != 2 {
		c.t.Errorf("%d of 2 messages came by a socket that was there", reused)
	}
}
