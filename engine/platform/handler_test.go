package platform

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// certificateServer serves the certificates of two subjects at a moment.
func certificateServer(t *testing.T, after time.Duration) *httptest.Server {
	t.Helper()
	other := Subject{CommonName: "another", SAN: []string{"another.test"}, Issued: start, Expires: start.Add(400 * day)}
	c, err := NewCertificates(selfSigned, subject, other)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(CertificateHandler(c, func() time.Time { return start.Add(after) }))
	t.Cleanup(s.Close)
	return s
}

var fourHeaders = map[string]string{"Authorization": "Bearer token", "Content-Type": "application/json", "x-gw-ims-org-id": "org@AdobeOrg", "x-api-key": "key"}

// get asks with the four headers, changed by pairs of name and value; the value
// "" leaves one out.
func get(t *testing.T, method, url string, changes ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fourHeaders {
		r.Header.Set(name, value)
	}
	for i := 0; i < len(changes); i += 2 {
		r.Header.Del(changes[i])
		if changes[i+1] != "" {
			r.Header.Set(changes[i], changes[i+1])
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestEveryHeaderIsNeeded(t *testing.T) {
	s := certificateServer(t, 0)
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Authorization", "", 401}, {"Authorization", "Basic dG9rZW4=", 401}, {"Authorization", "Bearer ", 401}, {"Authorization", "token", 401},
		{"x-api-key", "", 403}, {"x-gw-ims-org-id", "", 403},
		{"Content-Type", "", 400}, {"Content-Type", "text/plain", 400},
		{"Content-Type", "application/json; charset=utf-8", 200}, {"Authorization", "bearer token", 200}, {"X-API-KEY", "other", 200},
	} {
		response, body := get(t, "GET", s.URL+CertificatePath, c.header, c.value)
		if response.StatusCode != c.status {
			t.Errorf("%s: %q: status %d; want %d", c.header, c.value, response.StatusCode, c.status)
		}
		if c.status == 200 {
			continue
		}
		var f failure
		if err := json.Unmarshal([]byte(body), &f); err != nil || f.Status != c.status || !strings.Contains(f.Detail, c.header) || f.Title == "" {
			t.Errorf("%s: %q: %s, %v", c.header, c.value, body, err)
		}
		if strings.Contains(body, "dG9rZW4=") {
			t.Errorf("the answer repeats a credential: %s", body)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	s := certificateServer(t, 0)
	response, body := get(t, "POST", s.URL+CertificatePath)
	if response.StatusCode != 405 || response.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q, %s", response.StatusCode, response.Header.Get("Allow"), body)
	}
	if response, body := get(t, "GET", s.URL+"/data/core/mtls"); response.StatusCode != 404 || !strings.Contains(body, `"status":404`) {
		t.Errorf("another path: %d, %s", response.StatusCode, body)
	}
}

// Three certificates: two of the sender, one of another.
func TestPages(t *testing.T) {
	s := certificateServer(t, 305*day)
	for _, c := range []struct {
		query            string
		expiries         []string
		next, prev, page string
	}{
		{"", []string{"2027-01-15", "2027-02-19", "2027-11-16"}, "", "", ""},
		{"?limit=3", []string{"2027-01-15", "2027-02-19", "2027-11-16"}, "", "", ""},
		{"?limit=100000", []string{"2027-01-15", "2027-02-19", "2027-11-16"}, "", "", ""},
		{"?page=0&limit=2", []string{"2027-01-15", "2027-02-19"}, "?page=1&limit=2", "", "?page={page}&limit=2"},
		{"?page=1&limit=2", []string{"2027-11-16"}, "", "?page=0&limit=2", "?page={page}&limit=2"},
		{"?page=1&limit=1", []string{"2027-02-19"}, "?page=2&limit=1", "?page=0&limit=1", "?page={page}&limit=1"},
		{"?page=3&limit=1", nil, "", "?page=2&limit=1", "?page={page}&limit=1"},
		{"?page=7&limit=1", nil, "", "?page=2&limit=1", "?page={page}&limit=1"},
		{"?page=7", nil, "", "?page=0&limit=20", ""},
	} {
		response, body := get(t, "GET", s.URL+CertificatePath+c.query)
		var got certificatePage
		if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != 200 {
			t.Errorf("%s: %d, %v", c.query, response.StatusCode, err)
			continue
		}
		var expiries []string
		for _, r := range got.Results {
			expiries = append(expiries, r.Expiry[:10])
		}
		if !slices.Equal(expiries, c.expiries) || got.Total != 3 || got.Count != len(c.expiries) {
			t.Errorf("%s: %v, total %d, count %d; want %v", c.query, expiries, got.Total, got.Count, c.expiries)
		}
		var l links
		if got.Links != nil {
			l = *got.Links
		}
		for name, pair := range map[string]struct {
			got  *link
			want string
		}{"next": {l.Next, c.next}, "prev": {l.Prev, c.prev}, "page": {l.Page, c.page}} {
			href := ""
			if pair.got != nil {
				href = strings.TrimPrefix(pair.got.Href, CertificatePath)
				if pair.got.Templated != (name == "page") {
					t.Errorf("%s: templated %t of %s", c.query, pair.got.Templated, name)
				}
			}
			if href != pair.want {
				t.Errorf("%s: %s is %q; want %q", c.query, name, href, pair.want)
			}
		}
		if (got.Links == nil) != (c.next+c.prev+c.page == "") || strings.Contains(body, "null") || !strings.Contains(body, `"results":[`) {
			t.Errorf("%s: %s", c.query, body)
		}
	}
	for _, query := range []string{"?page=-1", "?page=x", "?page=", "?limit=0", "?limit=-1", "?limit=1.5", "?page=99999999999999999999"} {
		if response, body := get(t, "GET", s.URL+CertificatePath+query); response.StatusCode != 400 || !strings.Contains(body, "must be a whole number") {
			t.Errorf("%s: %d, %s", query, response.StatusCode, body)
		}
	}
}

// The fields are the three documented ones; the SAN is in the PEM alone, and
// the common name in both.
func TestFieldsOfAResult(t *testing.T) {
	_, body := get(t, "GET", certificateServer(t, 0).URL+CertificatePath+"?limit=1")
	var document struct {
		Results []map[string]string `json:"results"`
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil || len(document.Results) != 1 {
		t.Fatalf("%v in %s", err, body)
	}
	r := document.Results[0]
	if r["certCommonName"] != "the sender" || r["expiryDate"] != "2027-01-15T09:00:00.000Z" || len(r) != 3 {
		t.Errorf("a result is %v", r)
	}
	block, rest := pem.Decode([]byte(r["publicCertificate"]))
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Fatalf("publicCertificate is %q", r["publicCertificate"])
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || leaf.Subject.CommonName != "the sender" || !slices.Equal(leaf.DNSNames, subject.SAN) {
		t.Errorf("the PEM is of %v, %v, %v", leaf.Subject, leaf.DNSNames, err)
	}
	if without := strings.ReplaceAll(body, r["publicCertificate"], ""); strings.Contains(without, "client.test") {
		t.Errorf("the SAN is outside of the PEM: %s", without)
	}
}

// curl and openssl, which we did not write, understand it too.
func TestWitnesses(t *testing.T) {
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing, and CI must have it", program)
			}
			t.Skipf("install %s to run this", program)
		}
	}
	s := certificateServer(t, 305*day)
	args := []string{"--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "5"}
	for name, value := range fourHeaders {
		args = append(args, "--header", name+": "+value)
	}
	body, err := exec.Command("curl", append(args, s.URL+CertificatePath+"?page=2&limit=1")...).Output()
	if err != nil {
		t.Fatalf("curl: %v", err)
	}
	var page certificatePage
	if err := json.Unmarshal(body, &page); err != nil || len(page.Results) != 1 {
		t.Fatalf("%s, %v", body, err)
	}
	file := filepath.Join(t.TempDir(), "client.pem")
	if err := os.WriteFile(file, []byte(page.Results[0].PEM), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("openssl", "x509", "-in", file, "-noout", "-subject", "-enddate", "-ext", "subjectAltName").CombinedOutput()
	if err != nil {
		t.Fatalf("openssl: %v: %s", err, text)
	}
	for _, want := range []string{"CN = the sender", "notAfter=Nov 16 09:00:00 2027 GMT", "DNS:client.test, DNS:client2.test"} {
		if !strings.Contains(strings.ReplaceAll(string(text), "CN=", "CN = "), want) {
			t.Errorf("openssl does not say %q but\n%s", want, text)
		}
	}
	if err := exec.Command("curl", "--silent", "--fail", "--noproxy", "*", "--max-time", "5", "--output", os.DevNull, s.URL+CertificatePath).Run(); err == nil {
		t.Error("curl without the headers succeeds")
	}
}

func TestShippedEgress(t *testing.T) {
	e, err := ShippedEgress()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := e.Names(), []string{"AUS5", "CAN2", "GBR9", "IND2", "NLD2", "VA6", "VA7"}; !slices.Equal(got, want) {
		t.Errorf("regions %v; want %v", got, want)
	}
	for _, c := range []struct {
		region, address string
		want            bool
	}{
		{"VA7", "66.117.18.133", true}, {"NLD2", "66.117.18.133", true}, // global
		{"VA7", "66.117.18.136", false},
		{"VA7", "40.70.154.136", true}, {"VA7", "40.70.154.143", true}, {"VA7", "40.70.154.144", false}, {"VA7", "40.70.154.135", false}, // a /29
		{"NLD2", "40.70.154.136", false},    // of another region
		{"IND2", "::ffff:4.188.4.11", true}, // IPv4 written as IPv6
		{"VA6", "3.209.222.108", true},      // the same as global
		{"MOON1", "3.209.222.108", false},   // no such region
		{"VA7", "2001:db8::1", false},       // no IPv6 address is listed
		{"GBR9", "20.254.4.111", true},      // the end of the last block
		{"GBR9", "20.254.4.112", false},     // and after it
		{"AUS5", "20.43.104.15", true},      // the end of a block
		{"CAN2", "20.104.46.128", true},     // the start of one
		{"CAN2", "20.104.46.96", false},     // between two
		{"AUS5", "20.227.35.177", true},     // a single address
		{"AUS5", "20.227.35.178", false},    // and next to it
	} {
		if got := e.Contains(c.region, netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%s in %s: %t; want %t", c.address, c.region, got, c.want)
		}
	}
	if allowed, _ := e.Allowed("VA6"); len(allowed) != 6 {
		t.Errorf("VA6 allows %v; want the six global addresses once", allowed)
	}
}

func TestEgressFilesAreChecked(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"not JSON", "x", "a list of egress addresses: not JSON, line 1, column 1"},
		{"a key twice", `{"date":"2026-10-01","date":"2026-10-02","global":["192.0.2.1"]}`, `duplicate key "date"`},
		{"an unknown key", `{"dat":""}`, `unknown field "dat"`},
		{"no date", `{"global":["192.0.2.1"]}`, `date: "" is not a date such as 2026-10-01`},
		{"nothing global", `{"date":"2026-10-01"}`, "global: no address"},
		{"no address", `{"date":"2026-10-01","global":["192.0.2.1"],"regions":{"A":{"addresses":["192.0.2"]}}}`, `regions.A: "192.0.2" is not an IP address`},
		{"no block", `{"date":"2026-10-01","global":["192.0.2.0/33"]}`, `global: "192.0.2.0/33" is not a CIDR block`},
		{"within a block", `{"date":"2026-10-01","global":["192.0.2.9/28"]}`, `global: "192.0.2.9/28" is not the first address of its block, which is 192.0.2.0/28`},
		{"two mistakes", `{"date":"soon","global":["x"]}`, "date: \"soon\" is not a date such as 2026-10-01\nglobal: \"x\" is not an IP address"},
	} {
		if _, err := ParseEgress([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
	own, err := ParseEgress([]byte(`{"date":"2026-11-01","source":"mine","global":["192.0.2.1"],"regions":{"A":{"addresses":["192.0.2.16/28"]}}}`))
	if err != nil || !own.Contains("A", netip.MustParseAddr("192.0.2.31")) || own.Contains("A", netip.MustParseAddr("192.0.2.32")) {
		t.Errorf("an own list: %v, %v", own, err)
	}
}

func TestEgressHandler(t *testing.T) {
	e, err := ShippedEgress()
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(EgressHandler(e))
	t.Cleanup(s.Close)
	for _, c := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/egress", 200, `"date":"` + e.Date + `"`},
		{"GET", "/egress?region=VA6", 200, `"region":"VA6","addresses":["3.209.222.108/32",`},
		{"GET", "/egress?region=NLD2&address=40.74.3.191", 200, `"address":"40.74.3.191","allowed":true`},
		{"GET", "/egress?region=NLD2&address=40.74.3.192", 200, `"allowed":false`},
		{"GET", "/egress?region=MOON1", 404, "the regions are AUS5, CAN2"},
		{"GET", "/egress?address=40.74.3.192", 404, "unknown region"},
		{"GET", "/egress?region=NLD2&address=x", 400, "address must be an IP address"},
		{"DELETE", "/egress", 405, "use GET"},
		{"GET", "/", 404, "there is only /egress"},
	} {
		response, body := get(t, c.method, s.URL+c.target)
		if response.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %s; want %d and %s", c.method, c.target, response.StatusCode, body, c.status, c.want)
		}
	}
	_, body := get(t, "GET", s.URL+"/egress")
	again, err := ParseEgress([]byte(body))
	if err != nil {
		t.Fatalf("what is served cannot be read: %v", err)
	}
	if diff := cmp.Diff(fmt.Sprint(e.Regions, e.Global), fmt.Sprint(again.Regions, again.Global)); diff != "" {
		t.Error(diff)
	}
}
