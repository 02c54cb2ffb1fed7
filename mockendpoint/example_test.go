package mockendpoint_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
)

// test stands for the *testing.T of your own test.
type test struct{ cleanups []func() }

func (t *test) Helper()                           {}
func (t *test) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *test) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (t *test) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

// An endpoint that insists on a client certificate and answers the first
// request with 503; then the journal shows what arrived.
func ExampleStart() {
	t := &test{}
	defer t.end()

	mock := mockendpoint.Start(t, mockendpoint.Options{
		Listener: mockendpoint.Listener{Mode: mockendpoint.MTLSOnly},
		Bearer:   "s3cret",
		Faults:   fault.NewPlan(1, fault.Fault{ID: "busy", Requests: fault.Range{First: 1, Last: 1}, Status: http.StatusServiceUnavailable}),
	})

	client := mock.Client()
	for range 2 { // your sender
		r, err := http.NewRequest("POST", mock.URL+"/profiles", strings.NewReader(`{"identityMap":{"ecid":[{"id":"1"}]}}`))
		if err != nil {
			t.Fatalf("%v", err)
		}
		r.Header.Set("Authorization", "Bearer s3cret")
		answer, err := client.Do(r)
		if err != nil {
			t.Fatalf("%v", err)
		}
		_ = answer.Body.Close()
	}

	for _, r := range mock.Journal.Requests() {
		fmt.Println(r.Method, r.Target, r.Status, r.Authorization, r.Fault, r.Peer.CommonName, r.Peer.SAN)
	}
	// Output:
	// POST /profiles 503 accepted busy httpdest test client [client.test]
	// POST /profiles 200 accepted  httpdest test client [client.test]
}
