// Package admin is the admin API of the mock endpoint and its page: the journal
// as it grows, faults, reset, health and metrics. It has a listener of its own, so
// that no setting of the endpoint locks anybody out, and asks for a token.
//
// The API is described by openapi.json, which it serves; a test holds every
// handler to it.
package admin

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"github.com/httpdest/httpdest/internal/access"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

//go:embed page
var assets embed.FS

//go:embed openapi.json
var document []byte

// Listener is where the endpoint is reached, for people to see.
type Listener struct {
	Role string `json:"role"` // data, token
	URL  string `json:"url"`
}

// Options configure an Admin.
type Options struct {
	Journal *journal.Spool
	Faults  *fault.Plan
	Metrics *Metrics // a Sink of the endpoint too; nil: no counts of requests
	// Token is what Authorization: Bearer must carry; "" asks for none.
	Token string
	// Host is a name by which the listener is reached, as well as localhost and
	// addresses. Any other is refused, against DNS rebinding.
	Host      string
	Version   string // of the program
	Listeners []Listener
	// Proxy is whether the endpoint has a receiver, to which faults may forward.
	Proxy bool
	// Tick is the least time between two batches of the live stream; 0 means
	// 100 ms.
	Tick time.Duration
}

// Admin answers the API and the page.
type Admin struct {
	options Options
	guard   access.Guard
	mux     *http.ServeMux
	began   time.Time
	quit    chan struct{}
	once    sync.Once

	mu  sync.Mutex
	off []fault.Fault // switched off, in that order
}

// New returns an Admin. Close ends its live streams.
func New(o Options) *Admin {
	if o.Tick == 0 {
		o.Tick = 100 * time.Millisecond
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	guard := access.Guard{Token: o.Token, Hosts: []string{o.Host}, Realm: "httpdest mock"}
	a := &Admin{options: o, guard: guard, mux: http.NewServeMux(), began: time.Now(), quit: make(chan struct{})}
	for _, r := range a.routes() {
		handler := r.handler
		if !r.open {
			handler = a.authorized(handler)
		}
		a.mux.HandleFunc(r.method+" "+r.path, handler)
	}
	page, err := fs.Sub(assets, "page")
	if err != nil {
		panic(err) // the folder is in the binary
	}
	a.mux.Handle("GET /", http.FileServerFS(page))
	return a
}

// route is an operation of the API.
type route struct {
	method, path string
	handler      http.HandlerFunc
	open         bool // needs no token
}

// routes are those of openapi.json, no more and no less.
func (a *Admin) routes() []route {
	return []route{
		{"GET", "/api/v1/journal", a.list, false},
		{"GET", "/api/v1/journal/{sequence}", a.entry, false},
		{"GET", "/api/v1/journal/live", a.live, false},
		{"GET", "/api/v1/journal/export", a.export, false},
		{"GET", "/api/v1/faults", a.listFaults, false},
		{"POST", "/api/v1/faults", a.addFault, false},
		{"DELETE", "/api/v1/faults", a.clearFaults, false},
		{"PATCH", "/api/v1/faults/{id}", a.switchFault, false},
		{"DELETE", "/api/v1/faults/{id}", a.removeFault, false},
		{"POST", "/api/v1/reset", a.reset, false},
		{"GET", "/api/v1/health", a.health, true}, // without a token it reports less
		{"GET", "/api/v1/openapi.json", a.describe, true},
		{"GET", "/metrics", a.metrics, false},
	}
}

// ServeHTTP implements http.Handler.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if p := a.foreign(r); p != nil {
		p.write(w)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Close ends the live streams; the server of the Admin is its owner's to close.
func (a *Admin) Close() { a.once.Do(func() { close(a.quit) }) }

// problem is an error for people and programs (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func (p *problem) write(w http.ResponseWriter) { answer(w, "application/problem+json", p.Status, p) }

func refuse(w http.ResponseWriter, status int, detail string) {
	(&problem{http.StatusText(status), status, detail}).write(w)
}

func answer(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}

func respond(w http.ResponseWriter, v any) { answer(w, "application/json", http.StatusOK, v) }

func (a *Admin) describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document)
}
