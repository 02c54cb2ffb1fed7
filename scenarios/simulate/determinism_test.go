package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// record plays a scenario and returns its recording as it would be written.
func record(sc *scenarios.Scenario, shards int) string {
	GinkgoHelper()
	lines, err := Play(context.Background(), sc, memory.New(), shards)
	Expect(err).NotTo(HaveOccurred())
	return written(lines)
}

func written(lines []recording.Line) string {
	GinkgoHelper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, l := range lines {
		Expect(encoder.Encode(l)).To(Succeed())
	}
	return b.String()
}

// overlap is 400 exports of 200 profiles, ten exchanges at once, that meet
// every kind of fault in every phase: the regression test for every release
// of Go.
func overlap() *scenarios.Scenario {
	GinkgoHelper()
	sc, err := scenarios.Load("testdata/overlap.yaml")
	Expect(err).NotTo(HaveOccurred())
	return sc
}

var _ = Describe("A recording", Ordered, func() {
	var first string
	BeforeAll(func() { first = record(overlap(), 1) })

	It("is the same, byte for byte, whatever the number of threads and shards", func() {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
		for i := range 6 {
			runtime.GOMAXPROCS([]int{1, 2, 8}[i%3])
			Expect(record(overlap(), []int{1, 64}[i%2])).To(Equal(first), "GOMAXPROCS=%d", runtime.GOMAXPROCS(0))
		}
	})

	It("differs with another seed where faults are by chance", func() {
		Expect(record(overlap().WithSeed(2), 1)).NotTo(Equal(first))
	})

	It("holds no secret, no address and no wall time", func() {
		Expect(first).NotTo(ContainSubstring("s3cret"))
		Expect(first).NotTo(ContainSubstring("127.0.0.1"))
		Expect(first).NotTo(ContainSubstring(time.Now().Format("2006-01-02")))
		Expect(first).To(ContainSubstring(`Bearer [redacted]`))
	})

	It("shows that every planned fault fired as often as planned", func() {
		end := first[strings.LastIndex(strings.TrimSpace(first), "\n")+1:]
		var line recording.Line
		Expect(json.Unmarshal([]byte(end), &line)).To(Succeed())
		Expect(line.End.Faults).To(HaveLen(13))
		for _, f := range line.End.Faults {
			Expect(f.Fired).To(BeNumerically(">=", max(1, f.Planned)), f.ID)
		}
		Expect(line.End.Unfinished).To(BeEmpty())
	})

	It("has full headers and bodies on both sides, and they agree", func() {
		bodies := map[string]int{}
		for _, text := range strings.Split(strings.TrimSpace(first), "\n") {
			var line recording.Line
			Expect(json.Unmarshal([]byte(text), &line)).To(Succeed())
			switch {
			case line.Request != nil && line.Request.Method == "POST":
				Expect(line.Request.Headers).To(ContainElement(recording.Header{Name: "Content-Type", Value: "application/json"}))
				Expect(line.Request.Headers).To(ContainElement(HaveField("Name", "Content-Length")))
				Expect(line.Request.Body).NotTo(BeEmpty())
				bodies[line.Request.Body]++
			case line.Attempt != nil && line.Attempt.Socket > 0 && line.Attempt.Outcome != "tls":
				Expect(line.Attempt.Headers).To(ContainElement(recording.Header{Name: "Content-Type", Value: "application/json"}))
				bodies[line.Attempt.Body]--
			}
		}
		for body, n := range bodies {
			// An attempt that ended in a handshake has no request.
			Expect(n).To(BeNumerically("<=", 0), body)
		}
	})
})

var _ = Describe("A run in which nothing happens any more", func() {
	It("is given up, and names the exchange", func() {
		w := newWire(&events{}, time.Unix(0, 0))
		w.patience = time.Millisecond
		w.open[&operation{op: engine.Operation{
			Kind: engine.Attempt, Number: 2, Message: &engine.Message{ID: "doc#1"},
		}}] = true
		_, err := w.settle()
		Expect(err).To(MatchError(stuck{time.Millisecond, "attempt 2 of doc#1 was under way"}))
	})
})

var _ = Describe("An agenda", func() {
	It("orders by time, then wake-up before start before deadline, then sequence", func() {
		a := &events{}
		var got []string
		add := func(at int64, c class, name string) *event {
			return a.add(time.Unix(at, 0), c, func() error { got = append(got, name); return nil })
		}
		add(2, deadline, "deadline")
		add(2, start, "start 1")
		add(2, start, "start 2")
		add(2, wakeUp, "wake-up")
		add(1, idle, "idle")
		dead := add(0, start, "dead")
		a.disarm(dead)
		add(9, idle, "never: only idle events are left")
		for e := a.next(); e != nil; e = a.next() {
			Expect(e.run()).To(Succeed())
		}
		Expect(got).To(Equal([]string{"idle", "wake-up", "start 1", "start 2", "deadline"}))
	})
})
