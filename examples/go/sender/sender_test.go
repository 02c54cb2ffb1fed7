package sender_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/httpdest/httpdest/examples/go/sender"
	"github.com/httpdest/httpdest/scenarios/conformance"
)

// The sender plays the history of the scenario; the judge looks at what arrived.
func TestConformance(t *testing.T) {
	entered := time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	conformance.Judge(t, "testdata/enter-and-exit.yaml", func(url string) {
		s := sender.Sender{URL: url + "/profiles", Client: http.DefaultClient}
		for _, e := range []sender.Export{
			sender.Entered("A1", "Emmett", "delorean", "realized", entered),
			sender.Entered("A1", "Emmett", "delorean", "exited", entered),
		} {
			if err := s.Send(e); err != nil {
				t.Error(err)
			}
		}
	})
}

// quiet is a test that may fail without failing this one.
type quiet struct {
	*testing.T
	failed bool
}

func (q *quiet) Errorf(format string, args ...any) { q.failed = true; q.Logf(format, args...) }

// The test can fail: an attribute that is not mapped is found.
func TestConformanceFindsAnUnmappedAttribute(t *testing.T) {
	q := &quiet{T: t}
	conformance.Judge(q, "testdata/enter-and-exit.yaml", func(url string) {
		s := sender.Sender{URL: url + "/profiles", Client: http.DefaultClient}
		for _, status := range []string{"realized", "exited"} {
			e := sender.Entered("A1", "Emmett", "delorean", status, time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC))
			e.Person["age"] = 65
			if err := s.Send(e); err != nil {
				t.Error(err)
			}
		}
	})
	if !q.failed {
		t.Error("person.age is not mapped, and nothing was found")
	}
}
