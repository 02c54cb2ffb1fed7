package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint/admin"
)

// documented holds every exchange with an Admin to its OpenAPI document: a
// request or answer that the document does not describe is an error.
type documented struct {
	admin     *admin.Admin
	validator validator.Validator
	seen      map[string]bool // "GET /path 200"
	content   []byte
}

func newDocumented(a *admin.Admin) (*documented, error) {
	d := &documented{admin: a, seen: map[string]bool{}}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://127.0.0.1/api/v1/openapi.json", nil)
	a.ServeHTTP(w, r)
	d.content = w.Body.Bytes()
	document, err := libopenapi.NewDocument(d.content)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		return nil, fmt.Errorf("%v", errs)
	}
	if ok, errs := v.ValidateDocument(); !ok {
		return nil, fmt.Errorf("the document: %v", errs[0])
	}
	d.validator = v
	return d, nil
}

// ask performs an operation. valid reports whether the request is one that the
// document allows.
func (d *documented) ask(operation string, token, body string, valid bool) (status int, answer string, err error) {
	method, path, _ := strings.Cut(operation, " ")
	build := func() *http.Request {
		r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		return r
	}
	r, w := build(), httptest.NewRecorder()
	d.admin.ServeHTTP(w, r)
	res := w.Result()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, "", err
	}
	res.Body = io.NopCloser(bytes.NewReader(content))
	if allowed, errs := d.validator.ValidateHttpRequestSync(build()); allowed != valid && token != "" {
		return 0, "", fmt.Errorf("%s: the document allows the request: %t; want %t: %v", operation, allowed, valid, errs)
	}
	// An answer is held to the document whatever became of the request.
	if ok, errs := d.validator.ValidateHttpResponse(build(), res); !ok {
		return 0, "", fmt.Errorf("%s answered %d %s: %v %+v", operation, res.StatusCode, content, errs[0], errs[0].SchemaValidationErrors)
	}
	d.seen[d.template(method, path)+fmt.Sprint(" ", res.StatusCode)] = true
	return res.StatusCode, string(content), nil
}

// operations are those of the document, each with its statuses.
func (d *documented) operations() map[string][]string {
	var document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(d.content, &document); err != nil {
		panic(err)
	}
	out := map[string][]string{}
	for path, item := range document.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var operation struct {
				Responses map[string]json.RawMessage `json:"responses"`
			}
			if err := json.Unmarshal(raw, &operation); err != nil {
				panic(err)
			}
			name := strings.ToUpper(method) + " " + path
			for status := range operation.Responses {
				out[name] = append(out[name], status)
			}
		}
	}
	return out
}

// template is the operation that a request is for.
func (d *documented) template(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	operations := d.operations()
	if _, exact := operations[method+" "+path]; exact {
		return method + " " + path
	}
	for name := range operations {
		prefix, _, variable := strings.Cut(name, "{")
		if variable && strings.HasPrefix(method+" "+path, prefix) {
			return name
		}
	}
	return method + " " + path
}

// The document names exactly the routes that are there.
func TestEveryRouteIsDocumented(t *testing.T) {
	g := NewWithT(t)
	a := newAdmin(t, "secret")
	d, err := newDocumented(a.Admin)
	g.Expect(err).NotTo(HaveOccurred())
	var documentedRoutes []string
	for name := range d.operations() {
		documentedRoutes = append(documentedRoutes, name)
	}
	g.Expect(admin.Routes(a.Admin)).To(ConsistOf(documentedRoutes))
}

// Every operation, with every answer in the document.
func TestHandlersKeepToTheDocument(t *testing.T) {
	g := NewWithT(t)
	a := newAdmin(t, "secret")
	a.fill(3)
	d, err := newDocumented(a.Admin)
	g.Expect(err).NotTo(HaveOccurred())
	long := `{"id": "` + strings.Repeat("x", 70<<10) + `", "status": 500}`
	for _, step := range []struct {
		operation, body string
		want            int
		valid           bool
		says            string
	}{
		{"GET /api/v1/journal", "", 200, true, `"sequence":4`},
		{"GET /api/v1/journal?limit=1&order=oldest&kind=request&profile=p-1&status=200,5xx,none&socket=1&after=0&before=9&from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z&text=id&fault=", "", 200, true, `"entries":[{"sequence":1`},
		{"GET /api/v1/journal?status=high", "", 400, false, "but is"},
		{"GET /api/v1/journal?kind=cat", "", 400, false, "request or handshake"},
		{"GET /api/v1/journal?order=up", "", 400, false, "newest or oldest"},
		{"GET /api/v1/journal?limit=0", "", 400, false, "a number from 1"},
		{"GET /api/v1/journal?after=-1", "", 400, false, "a sequence number"},
		{"GET /api/v1/journal?from=now", "", 400, true, "a time such as"},
		{"GET /api/v1/journal/1", "", 200, true, `"body":"{\"id\":1}"`},
		{"GET /api/v1/journal/1", "", 200, true, `"receiver":[{"time":"2026-01-15T12:00:00Z","durationMs":1.5,"status":201},{"time":"2026-01-15T12:00:00Z","durationMs":0,"status":0,"failure":"refused"}]`},
		{"GET /api/v1/journal/4", "", 200, true, `"alert":{"by":"endpoint","code":48,"description":"unknown_ca"}`},
		{"GET /api/v1/journal/99", "", 404, true, "no such entry"},
		{"GET /api/v1/journal/first", "", 400, false, "not a sequence number"},
		{"GET /api/v1/journal/live?kind=cat", "", 400, false, "request or handshake"},
		{"GET /api/v1/journal/export", "", 200, true, `{"handshake":{`},
		{"GET /api/v1/journal/export?format=har&kind=request", "", 200, true, `"version":"1.2"`},
		{"GET /api/v1/journal/export?format=xml", "", 400, false, "ndjson or har"},
		{"POST /api/v1/faults", `{"status": 503, "requests": "1-2", "profile": "p-1"}`, 201, true, `"id":"added-1"`},
		{"POST /api/v1/faults", `{"id": "slow", "latency": {"distribution": "uniform", "min": "1s", "max": "2s"}}`, 201, true, `"planned":0`},
		{"POST /api/v1/faults", `{"id": "slow", "status": 500}`, 409, true, "slow"},
		{"POST /api/v1/faults", `{"id": "x", "statusCode": 500}`, 422, false, "statusCode"},
		{"POST /api/v1/faults", `{"id": "x"}`, 422, true, "does nothing"},
		{"POST /api/v1/faults", `{"id": "x", "forward": "twice"}`, 422, true, "forward needs a receiver: start httpdest proxy"},
		{"POST /api/v1/faults", long, 413, true, "at most"},
		{"GET /api/v1/faults", "", 200, true, `"enabled":true`},
		{"PATCH /api/v1/faults/slow", `{"enabled": false}`, 200, true, `"enabled":false`},
		{"POST /api/v1/faults", `{"id": "slow", "status": 500}`, 409, true, "not added"},
		{"PATCH /api/v1/faults/slow", `{"enabled": true}`, 200, true, `"enabled":true`},
		{"PATCH /api/v1/faults/slow", `{"on": true}`, 422, false, "send"},
		{"PATCH /api/v1/faults/gone", `{"enabled": true}`, 404, true, "no fault"},
		{"DELETE /api/v1/faults/slow", "", 204, true, ""},
		{"DELETE /api/v1/faults/slow", "", 404, true, "no fault"},
		{"DELETE /api/v1/faults", "", 204, true, ""},
		{"GET /api/v1/health", "", 200, true, `"requests":3`},
		{"GET /api/v1/openapi.json", "", 200, true, "3.1.0"},
		{"GET /metrics", "", 200, true, `httpdest_mock_requests_total{status="200"} 3`},
		{"POST /api/v1/reset", `{}`, 422, true, "send"},
		{"POST /api/v1/reset", `{"journal": true, "faults": true}`, 204, true, ""},
	} {
		status, answer, err := d.ask(step.operation, "secret", step.body, step.valid)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(status).To(Equal(step.want), "%s %.200s: %s", step.operation, step.body, answer)
		g.Expect(answer).To(ContainSubstring(step.says), step.operation)
	}
	a.breakDown(g, d)
	for name := range d.operations() {
		method, path, _ := strings.Cut(name, " ")
		path = strings.NewReplacer("{sequence}", "1", "{id}", "x").Replace(path)
		if path == "/api/v1/openapi.json" || path == "/api/v1/health" {
			continue // open to everybody
		}
		for _, token := range []string{"", "wrong"} {
			_, _, err := d.ask(method+" "+path, token, "{}", method == "GET" || method == "DELETE" || strings.HasSuffix(path, "reset") || strings.HasSuffix(path, "faults"))
			g.Expect(err).NotTo(HaveOccurred())
		}
	}
	var missing []string
	for name, statuses := range d.operations() {
		for _, status := range statuses {
			if !d.seen[name+" "+status] {
				missing = append(missing, name+" "+status)
			}
		}
	}
	// The stream does not end by itself: live_test.go reads it. The last one
	// takes a switch against an Add at the same moment.
	g.Expect(missing).To(ConsistOf("GET /api/v1/journal/live 200", "PATCH /api/v1/faults/{id} 409", "POST /api/v1/reset 500", "GET /api/v1/journal/{sequence} 500"))
}
