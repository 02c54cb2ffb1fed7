package witness

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// delivered is what came of two exports of two profiles.
type delivered struct {
	decided  engine.MTLSDecision
	attempts []delivery.Result
	unsent   int
	settled  []retry.Outcome
}

// deliver has the dispatcher decide and the sender perform, until nothing is
// left to do: the engine without its clock, so that no busy machine spends the
// two seconds.
func deliver(url string, c *certificates, own *tls.Certificate) delivered {
	GinkgoHelper()
	sender := delivery.New(delivery.Config{Transport: delivery.Blocking, UserAgent: "httpdest", Roots: c.roots, Certificate: own, Destination: dataflow.Destination{
		Endpoint: url, Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: bearer}, Headers: "X-Tenant:" + tenant, MTLS: dataflow.Auto}})
	defer sender.Close()
	dispatcher := engine.NewDispatcher(engine.Settings{MaxInFlight: 1, Certificate: engine.AskEndpoint})
	var out delivered
	var todo []engine.Operation
	take := func(e engine.Effects) {
		todo = append(todo, e.Send...)
		if e.MTLSDecision != nil {
			out.decided = *e.MTLSDecision
		}
		out.unsent += len(e.Unsent)
		for _, s := range e.Settled {
			out.settled = append(out.settled, s.Outcome)
		}
	}
	now := time.Now()
	take(dispatcher.Enqueue(now, exported("one", profileOne), exported("two", profileTwo)))
	for len(todo) > 0 {
		op := todo[0]
		todo = todo[1:]
		x := sender.Prepare(op)
		r := x.Do(context.Background())
		sender.Finish(x)
		if op.Kind == engine.Attempt {
			out.attempts = append(out.attempts, r)
		}
		take(dispatcher.Completed(now, engine.Completion{Operation: op.ID, Outcome: r.Outcome, Asked: r.Asked, Answering: r.Answering}))
	}
	return out
}

func exported(id, body string) *engine.Export {
	return &engine.Export{ID: id + "#1", Profile: profile.ID(id), Body: []byte(body)}
}

// bare wants every request to be without anything but its method.
func bare(requests ...request) {
	GinkgoHelper()
	for _, q := range requests {
		Expect(q.Method).To(Equal("OPTIONS"), "%+v", q)
		Expect(q.Body+q.Length+q.Authorization+q.Tenant).To(BeElementOf("", "-"), "%+v", q)
	}
}

// carried wants the two profiles to be among the requests, once each, with the
// credentials and the custom header; it returns the other requests.
func carried(requests []request, verified string) (others []request) {
	GinkgoHelper()
	var bodies []string
	for _, q := range requests {
		if q.Method != "POST" {
			others = append(others, q)
			continue
		}
		bodies = append(bodies, q.Body)
		Expect(q.Verified).To(Equal(verified), "%+v", q)
		Expect(q.Authorization).To(Equal("Bearer " + bearer))
		Expect(q.Tenant).To(Equal(tenant))
	}
	Expect(bodies).To(Equal([]string{profileOne, profileTwo}), "in order, and none twice")
	return others
}

// nothingIn wants a text to hold none of what must not travel.
func nothingIn(text string) {
	GinkgoHelper()
	for _, secret := range []string{bearer, tenant, "one@destination.test", "two@destination.test", "POST"} {
		Expect(strings.Contains(text, secret)).To(BeFalse(), "%s travelled: %s", secret, text)
	}
}
