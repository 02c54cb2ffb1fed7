package probe

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// answeredWith is a response with a body.
func answeredWith(status int, body string, alone bool) *answer {
	return &answer{alone: alone, Result: delivery.Result{Outcome: retry.Outcome{Kind: retry.Answered, Status: status}, Header: http.Header{}, Body: []byte(body)}}
}

// An entry about every message is the cause of a refusal, unless the plain message
// was accepted next to the refused one.
func TestContradicted(t *testing.T) {
	const page = "<h1>Bad Request (400)</h1>"
	if c, ok := answeredWith(400, page, false).recognise("rcv-2xx"); !ok || c.Server != "Django" {
		t.Errorf("a page of Django is taken for one of %q", c.Server)
	}
	if c, ok := answeredWith(400, page, true).recognise("rcv-ids"); ok {
		t.Errorf("the plain message is accepted, and the cause is %s: %s", c.Server, c.Cause)
	}
	if c, ok := answeredWith(413, "413 Request Entity Too Large<hr>nginx", true).recognise("rcv-schema"); !ok || c.Server != "nginx" {
		t.Errorf("a limit of nginx is taken for one of %q", c.Server)
	}
}

// A guess fits the class of the failure: what is said of a firewall is not said of
// a receiver that throttles.
func TestGuessesFitTheClass(t *testing.T) {
	a := answeredWith(403, "", false)
	for _, tt := range []struct {
		of   class
		want bool
	}{{gateway, true}, {throttled, false}, {credentials, false}, {flaky, false}} {
		found := causes("rcv-2xx", tt.of, a)
		if got := slices.ContainsFunc(found, func(c reports.Cause) bool { return strings.Contains(c.Cause, "firewall") }); got != tt.want {
			t.Errorf("%s: %v", tt.of, found)
		}
	}
}
