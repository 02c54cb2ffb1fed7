package witness

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	. "github.com/onsi/ginkgo/v2"
)

// Data that must not travel without the certificate.
const (
	bearer     = "b3arer-of-the-profile-data"
	tenant     = "acme-custom-header"
	profileOne = `{"identityMap":{"crm":[{"id":"one@destination.test"}]}}`
	profileTwo = `{"identityMap":{"crm":[{"id":"two@destination.test"}]}}`
)

// request is what a server saw of one request.
type request struct {
	Method        string `json:"method"`
	Body          string `json:"body"`
	Length        string `json:"length"` // Content-Length
	Authorization string `json:"authorization"`
	Tenant        string `json:"tenant"`   // of the custom header
	Verified      string `json:"verified"` // nginx: SUCCESS, NONE or FAILED:…
	Protocol      string `json:"protocol"`
	Status        int    `json:"status"`
}

// application is the receiver behind nginx: it records what reaches it, and
// answers as decide says.
type application struct {
	*httptest.Server
	mu   sync.Mutex
	seen []request
}

// decide is the answer to a request; verified is nginx's result for the client
// certificate.
type decide func(method, verified string) int

func startApplication(answer decide) *application {
	GinkgoHelper()
	a := &application{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := seenBy(r)
		q.Verified = r.Header.Get("X-Verified")
		q.Status = answer(r.Method, q.Verified)
		a.add(q)
		w.WriteHeader(q.Status)
	}))
	DeferCleanup(a.Close)
	return a
}

// seenBy reads a request of Go's own server.
func seenBy(r *http.Request) request {
	body, _ := io.ReadAll(r.Body) // what came of it
	return request{Method: r.Method, Body: string(body), Length: r.Header.Get("Content-Length"),
		Authorization: r.Header.Get("Authorization"), Tenant: r.Header.Get("X-Tenant")}
}

func (a *application) add(q request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, q)
}

func (a *application) requests() []request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]request(nil), a.seen...)
}

// taking answers whatever comes.
func taking(string, string) int { return http.StatusNoContent }

// insisting is an application that looks after the certificate itself, and
// refuses with a status.
func insisting(status int) decide {
	return func(_, verified string) int {
		if verified != "SUCCESS" {
			return status
		}
		return http.StatusNoContent
	}
}
