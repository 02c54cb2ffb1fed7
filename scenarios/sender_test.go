package scenarios_test

import (
	"bytes"
	"errors"
	"io"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// endpointsSide is what the mock endpoint records of a sender that is not ours.
func endpointsSide(lines []recording.Line) []recording.Line {
	var out []recording.Line
	for _, l := range lines {
		switch {
		case l.Run != nil:
			run := *l.Run
			run.Side = "endpoint"
			l.Run = &run
			out = append(out, l)
		case l.Request != nil, l.Handshake != nil, l.End != nil:
			out = append(out, l)
		}
	}
	return out
}

// foreign judges lines as those of somebody else's sender.
func foreign(lines []recording.Line, o check.SenderOptions, of *scenarios.Scenario) reports.Case {
	GinkgoHelper()
	var text bytes.Buffer
	Expect(recording.Write(&text, lines)).To(Succeed())
	in, err := capture.NewReader("f.jsonl", &text, capture.Options{Bearer: of.Destination.Auth.Token.Reveal(),
		Part: recording.Part{Dataflow: of.Dataflow.Key, Destination: of.Destination.Key}})
	Expect(err).NotTo(HaveOccurred())
	rules, err := scenarios.Rules()
	Expect(err).NotTo(HaveOccurred())
	sender := check.NewSender(rules, o)
	for {
		x, err := in.Next()
		if errors.Is(err, io.EOF) {
			return sender.Judge(in)
		}
		Expect(err).NotTo(HaveOccurred())
		sender.Exchange(x)
	}
}

// Our own sender is somebody else's as well: whatever it does in the library,
// its requests alone fail no rule, with the history and without.
var _ = Describe("Our sender, judged by its requests alone", func() {
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		panic(err)
	}
	// A refused configuration sends nothing, so there is nothing to judge.
	all = slices.DeleteFunc(all, (*scenarios.Scenario).Refuses)
	for _, sc := range all {
		It(sc.ID, func(ctx SpecContext) {
			lines, err := simulate.Play(ctx, sc, memory.New(), 1)
			Expect(err).NotTo(HaveOccurred())
			for _, part := range sc.Split() {
				for _, o := range []check.SenderOptions{{}, {Scenario: part}, {Scenario: part, Began: sc.Start}} {
					c := foreign(endpointsSide(lines), o, part)
					for _, k := range c.Checks {
						Expect(k.Verdict).NotTo(Equal(reports.Fail), "%s %s: %s: %s", part.Dataflow.Key, k.Rule, k.Expected, k.Actual)
					}
				}
			}
		})
	}

	It("passes but where nobody can tell", func(ctx SpecContext) {
		var unclear []string
		for _, sc := range all {
			lines, err := simulate.Play(ctx, sc, memory.New(), 1)
			Expect(err).NotTo(HaveOccurred())
			if !slices.ContainsFunc(lines, func(l recording.Line) bool { return l.Attempt != nil }) {
				continue // a lookup is not a message
			}
			for _, part := range sc.Split() {
				if c := foreign(endpointsSide(lines), check.SenderOptions{Scenario: part, Began: sc.Start}, part); c.Verdict != reports.Pass {
					unclear = append(unclear, sc.ID+" "+part.Dataflow.Key+": "+c.Reason)
					break
				}
			}
		}
		// Profiles without an identity, and connections that were refused.
		Expect(len(unclear)).To(BeNumerically("<", len(all)/10), "%q", unclear)
	})
})
