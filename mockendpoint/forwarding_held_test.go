package mockendpoint_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
)

var _ = Describe("A proxy that holds a request", func() {
	var (
		receiver *wireReceiver
		held     chan struct{} // closed when the request is held
		release  chan struct{}
		proxy    *mockendpoint.Started
		leave    context.CancelFunc
		done     chan string
	)

	BeforeEach(func() {
		receiver = newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 204 No Content\r\n\r\n"), false
		})
		held, release = make(chan struct{}), make(chan struct{})
		wait := func(ctx context.Context, d time.Duration) error {
			if d != time.Hour {
				return ctx.Err()
			}
			close(held)
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		proxy = inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{Wait: wait,
			Faults: fault.NewPlan(1, fault.Fault{ID: "late", Forward: fault.ForwardAfter, Latency: time.Hour})})
		var ctx context.Context
		ctx, leave = context.WithCancel(context.Background())
		DeferCleanup(leave)
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, proxy.URL, strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		done = make(chan string, 1)
		client := proxy.Client()
		go func() { done <- received(client, q, nil) }()
		Eventually(held).WithTimeout(20 * time.Second).Should(BeClosed())
	})

	It("sends it on though the sender has left", func() {
		leave()
		Expect(<-done).To(Equal("nothing"))
		Expect(receiver.all()).To(BeEmpty())
		close(release)
		Eventually(receiver.all).WithTimeout(20 * time.Second).Should(HaveLen(1))
		Eventually(proxy.Journal.Requests).WithTimeout(20 * time.Second).Should(HaveLen(1))
		Expect(proxy.Journal.Requests()[0]).To(And(HaveField("Disconnected", true), HaveField("Fault", "late"),
			HaveField("Forwards", HaveExactElements(HaveField("Status", 204)))))
	})

	It("drops it when it ends", func() {
		running := gleak.Goroutines()
		leave()
		Expect(<-done).To(Equal("nothing"))
		Expect(proxy.Endpoint.Close()).To(Succeed())
		Expect(receiver.all()).To(BeEmpty())
		Expect(proxy.Journal.Requests()).To(HaveExactElements(And(HaveField("Disconnected", true), HaveField("Forwards", BeEmpty()))))
		Eventually(gleak.Goroutines).WithTimeout(20 * time.Second).ShouldNot(gleak.HaveLeaked(running))
	})
})
