package probe

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/retry"
)

// Who is late or refuses after a pause, and accepts the next message in time, is told
// that it starts cold; who goes on so is not.
func TestStartsCold(t *testing.T) {
	answered := func(status int) retry.Outcome { return retry.Outcome{Kind: retry.Answered, Status: status} }
	for _, tt := range []struct {
		name  string
		first retry.Outcome
		took  time.Duration
		next  int
		want  string // "" nothing is said
	}{
		{"late", answered(200), 3 * time.Second, 200, "fail rcv-2s"},
		{"no answer", retry.Outcome{Kind: retry.Timeout}, 10 * time.Second, 200, "fail rcv-2s"},
		{"refused", answered(502), time.Second, 200, "fail rcv-2xx"},
		{"refused, and late", answered(504), 3 * time.Second, 200, "fail rcv-2s"},
		{"refuses the next one as well", answered(502), time.Second, 502, ""},
		{"late, and refuses the next one", answered(200), 3 * time.Second, 503, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := receiverOf(t, 1000, func(w http.ResponseWriter, _ bool, n int) {
				w.WriteHeader(map[bool]int{true: 200, false: tt.next}[n == 1])
			})
			a, ok := r.send(context.Background(), r.main, "plain", []byte(marked))
			if !ok {
				t.Fatal("nothing was sent")
			}
			a.Outcome, a.took = tt.first, tt.took
			said := r.startsCold(context.Background(), r.main, "a message", []byte(marked), a)
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if diff := cmp.Diff(want, verdictsOf(r)); diff != "" || said != (tt.want != "") {
				t.Fatalf("startsCold = %t; checks (-want +got):\n%s", said, diff)
			}
			for _, k := range r.checks {
				if k.Class != "cold" || !strings.Contains(k.Fix, "instance") || len(k.Causes) > 0 {
					t.Errorf("class %q, fix %q, %d causes", k.Class, k.Fix, len(k.Causes))
				}
			}
		})
	}
}

// A first message that meets a cold start fails nothing else.
func TestFirstMessageMeetsAColdStart(t *testing.T) {
	r := receiverOf(t, 1000, func(w http.ResponseWriter, _ bool, _ int) {})
	a, ok := r.send(context.Background(), r.main, "plain", []byte(marked))
	if !ok {
		t.Fatal("nothing was sent")
	}
	a.took = 3 * time.Second
	r.greeted(context.Background(), Message{ID: "plain", Body: []byte(marked)}, a)
	if diff := cmp.Diff([]string{"fail rcv-2s"}, verdictsOf(r)); diff != "" || r.refused != nil {
		t.Errorf("refused %v; checks (-want +got):\n%s", r.refused, diff)
	}
}
