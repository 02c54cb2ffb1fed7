package containers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"

	"github.com/httpdest/httpdest/engine/live"
)

const (
	warmUp = 3 // exports before the trouble, so that there are idle sockets
	during = 8 // in it
	// unhurried are delays that leave time to repair the fault.
	unhurried = "3s, 5s"
)

// atWork is a receiver and a sender that has delivered to it.
func atWork(ctx context.Context, on *testcontainers.DockerNetwork, delays string) (*receiver, *sender) {
	GinkgoHelper()
	r := inTheClear(ctx, on)
	s := startSender(ctx, to(clearURL, delays), nil, nil, on)
	s.accept(ctx, "before", warmUp)
	s.settled(ctx, warmUp)
	return r, s
}

// arrivesAgain wants what was accepted in the trouble to be tried in vain, and
// delivered after it.
func arrivesAgain(ctx context.Context, s *sender, r *receiver) {
	GinkgoHelper()
	st := s.settled(ctx, warmUp+during)
	Expect(st.Delivered).To(BeEquivalentTo(warmUp + during))
	Expect(st.Attempts).To(BeNumerically(">=", warmUp+2*during), "each was tried in vain, and again")
	nothingLost(ctx, s, r)
}

// nothingLost ends both, and holds what was accepted against what arrived.
func nothingLost(ctx context.Context, s *sender, r *receiver) {
	GinkgoHelper()
	letters := s.dead(ctx)
	s.end(ctx)
	allDelivered(s.accepted, r.finish(ctx), letters)
}

var _ = Describe("a receiver on another host", func() {
	It("is paused: attempts time out, and the retries arrive when it goes on", func(ctx SpecContext) {
		on := private(ctx)
		r, s := atWork(ctx, on, unhurried)

		r.pause(ctx)
		s.accept(ctx, "paused", during)
		s.waiting(ctx, during, warmUp)
		r.goOn(ctx)

		arrivesAgain(ctx, s, r)
	})

	It("is paused for too long: three timeouts, a dead letter, and delivery when it is sent again", func(ctx SpecContext) {
		on := private(ctx)
		r := inTheClear(ctx, on)
		s := startSender(ctx, to(clearURL, "100ms, 100ms"), nil, nil, on)
		r.pause(ctx)
		s.accept(ctx, "late", 1)
		Expect(s.settled(ctx, 1).Dropped).To(BeEquivalentTo(1))
		letters := s.dead(ctx)
		Expect(letters).To(HaveLen(1))
		Expect(letters[0]).To(And(HaveField("Outcome", "timeout"), HaveField("Attempts", 3)))

		r.goOn(ctx)
		r.arrived(ctx, 3) // it reads what waited for it, and answers nobody
		_, err := s.ask(ctx, http.MethodPost, "/dead/resend?id="+url.QueryEscape(letters[0].ID), "")
		Expect(err).NotTo(HaveOccurred())
		s.reaches(ctx, "what was dead is delivered", func(st live.Stats) bool { return st.Delivered == 1 && st.Pending == 0 })
		Expect(s.dead(ctx)).To(BeEmpty())
		s.end(ctx)
		Expect(requests(r.finish(ctx))).To(HaveLen(4), "three that nobody waited for, and the one that was sent again")
	})

	It("is killed with requests under way and restarted: the retries arrive, and nothing is lost", func(ctx SpecContext) {
		on := private(ctx)
		r, s := atWork(ctx, on, unhurried)

		// Paused first, so that it has answered nothing that it did not record.
		r.pause(ctx)
		s.accept(ctx, "killed", during)
		s.reaches(ctx, "attempts are under way", func(st live.Stats) bool { return st.UnderWay == during })
		r.kill(ctx)
		s.waiting(ctx, during, warmUp)
		r.restart(ctx)

		arrivesAgain(ctx, s, r)
	})

	It("is cut off the network and comes back: the retries arrive", func(ctx SpecContext) {
		on := private(ctx)
		r, s := atWork(ctx, on, unhurried)

		r.cut(ctx, on)
		s.accept(ctx, "cut", during)
		s.waiting(ctx, during, warmUp)
		r.heal(ctx, on, receiverName)

		arrivesAgain(ctx, s, r)
	})
})

var _ = Describe("a sender", func() {
	It("is killed with attempts under way and restarted: what it accepted arrives, and nothing more than three times", func(ctx SpecContext) {
		on := private(ctx)
		r, s := atWork(ctx, on, "100ms, 100ms")

		r.pause(ctx)
		s.accept(ctx, "killed", during)
		s.reaches(ctx, "attempts are under way", func(st live.Stats) bool { return st.UnderWay == during })
		s.kill(ctx)
		r.goOn(ctx)
		s.restart(ctx)

		st := s.settled(ctx, during)
		Expect(st.Delivered).To(BeEquivalentTo(during))
		Expect(st.Unknown).NotTo(BeZero(), "attempts that had no end")
		Expect(s.said(ctx)).To(ContainSubstring(fmt.Sprintf("%d exports undelivered from before; %d attempt", during, st.Unknown)))
		nothingLost(ctx, s, r)
	})
})
