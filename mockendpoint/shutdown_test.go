package mockendpoint_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// waiting serves an endpoint whose every answer waits until it is let go, and
// sends it a request. arrived is closed when the answer waits; answered has the
// status, or 0 for a connection that was cut.
func waiting() (e *mockendpoint.Endpoint, arrived, letGo chan struct{}, answered chan int, seen *journal.Memory) {
	GinkgoHelper()
	arrived, letGo, answered, seen = make(chan struct{}), make(chan struct{}), make(chan int, 1), &journal.Memory{}
	e = mockendpoint.New(mockendpoint.Options{
		Journal: seen, Faults: fault.NewPlan(1, fault.Fault{ID: "slow", Latency: time.Hour}),
		Wait: func(ctx context.Context, _ time.Duration) error {
			close(arrived)
			select {
			case <-letGo:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	served := make(chan error, 1)
	go func() { served <- e.Serve(l) }()
	DeferCleanup(func() {
		Expect(l.Close()).To(Succeed())
		Expect(<-served).To(Succeed())
	})
	go func() {
		r, err := http.Post("http://"+l.Addr().String(), "application/json", strings.NewReader("{}"))
		if err != nil {
			answered <- 0
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
		answered <- r.StatusCode
	}()
	return e, arrived, letGo, answered, seen
}

var _ = Describe("Shutting down", func() {
	It("answers what is under way", func(ctx SpecContext) {
		e, arrived, letGo, answered, seen := waiting()
		<-arrived
		down := make(chan error, 1)
		go func() { down <- e.Shutdown(ctx) }()
		Consistently(down, 50*time.Millisecond).ShouldNot(Receive())
		close(letGo)
		Expect(<-down).To(Succeed())
		Expect(<-answered).To(Equal(http.StatusOK))
		Expect(seen.Requests()).To(ConsistOf(HaveField("Status", http.StatusOK)))
	}, SpecTimeout(30*time.Second))

	It("cuts and journals what is not answered in time", func(ctx SpecContext) {
		e, arrived, _, answered, seen := waiting()
		<-arrived
		over, cancel := context.WithCancel(ctx)
		cancel()
		Expect(e.Shutdown(over)).To(MatchError(context.Canceled))
		Expect(<-answered).To(BeZero())
		Expect(seen.Requests()).To(ConsistOf(And(HaveField("Status", 0), HaveField("Disconnected", true))))
	}, SpecTimeout(30*time.Second))
})
