package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/examples/go/receiver"
)

// probe runs httpdest probe. In a module of your own, add it as a tool with
// `go get -tool github.com/httpdest/httpdest/cmd/httpdest` and run `go tool httpdest`.
func probe(handler http.Handler) (string, error) {
	server := httptest.NewServer(handler)
	defer server.Close()
	said, err := exec.Command("go", "run", "github.com/httpdest/httpdest/cmd/httpdest", "probe", server.URL, "--run", "^(message|refusal)/").CombinedOutput()
	return string(said), err
}

func TestReceiver(t *testing.T) {
	r := &receiver.Receiver{}
	if said, err := probe(r); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if r.Len() == 0 {
		t.Error("no profile was stored")
	}
}

// The test can fail: a receiver that refuses unknown audiences is found.
func TestReceiverThatIsTooStrict(t *testing.T) {
	said, err := probe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnprocessableEntity) }))
	if err == nil || !strings.Contains(said, "verdict: fail") {
		t.Errorf("%v: %s", err, said)
	}
}
