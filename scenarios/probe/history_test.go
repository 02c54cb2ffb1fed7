package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/probe/histories"
)

var _ = Describe("random histories", func() {
	var (
		written map[string]string // by name
		writing sync.Mutex
	)

	BeforeEach(func() { written = map[string]string{} })

	// played plays histories to a receiver, with a state that is there at once.
	played := func(receiver http.Handler, count int, change func(*probe.Config)) *reports.Report {
		GinkgoHelper()
		server := httptest.NewServer(receiver)
		defer server.Close()
		c := config(server.URL + "/profiles")
		c.Destination.MaxProfilesPerRequest = 10
		c.Only = regexp.MustCompile(`^history/`)
		c.Limits.Requests = 100_000
		c.State = scenarios.ReadBack{URL: server.URL + "/state", Header: "Authorization: Bearer s3cret-token", Within: 100 * time.Millisecond}
		c.ReadBack = probe.NewReadBack(c.State, nil, nil)
		c.Histories = probe.RandomHistories{Count: count, Seed: 1, Pause: time.Millisecond, Play: "play NAME now",
			Write: func(name string, scenario []byte) (string, error) {
				writing.Lock()
				defer writing.Unlock()
				written[name] = string(scenario)
				return "out/" + name, nil
			}}
		if change != nil {
			change(&c)
		}
		return probed(c)
	}
	keeps := func(wrong string) *keeper { return &keeper{states: map[string]map[string]any{}, wrong: wrong} }

	It("passes a right receiver, and counts what was covered", func() {
		r := played(keeps(""), 60, nil)
		Expect(failed(r)).To(BeEmpty())
		for _, rule := range []string{"rcv-2xx", "rcv-exited", "rcv-idempotent", "rcv-order", "rcv-batch"} {
			Expect(ruleOf(r, rule).Verdict).To(Equal(reports.Pass), rule)
		}
		Expect(r.Metrics).To(And(HaveKeyWithValue("histories", 60.0), HaveKeyWithValue("historyReentries", BeNumerically(">", 5))))
		Expect(said(r, reports.Pass)).To(MatchRegexp(`60 histories leave the state that they lead to\|\d+ exits`))
		// The keeper stores memberships alone, and nothing more is claimed.
		Expect(said(r, reports.Unspecified)).To(And(ContainSubstring("does not show attributes"), ContainSubstring("does not show identities")))
		Expect(written).To(BeEmpty())
	})

	DescribeTable("finds what a receiver keeps wrong, and makes it small", func(wrong, rule string, steps int) {
		if testing.Short() && wrong != "last wins" {
			Skip("each failure takes seconds to be made smaller with the race detector")
		}
		r := played(keeps(wrong), 200, nil)
		Expect(failed(r)).To(ContainElement(rule))
		Expect(said(r, reports.Fail)).To(MatchRegexp(`a history of [1-%d] steps? `, steps))
		k := failure(r, rule)
		Expect(k.Expected).To(MatchRegexp(`^after 1\. p-\d .*enters? [abc]`))
		Expect(k.Class).To(Equal("lost"))
		Expect(k.Reproduce).To(MatchRegexp(`^play out/history-1-\d+\.yaml now$`))
		name := strings.TrimPrefix(strings.Fields(k.Reproduce)[1], "out/")
		Expect(written).To(HaveKey(name))
		_, err := scenarios.Parse(name, []byte(written[name]))
		Expect(err).NotTo(HaveOccurred())
		Expect(written[name]).To(And(HavePrefix("# "+rule+": "), ContainSubstring("#   1. p-"), ContainSubstring("# play "+name+" now\n")))
	},
		Entry("exits that change nothing", "members for ever", "rcv-exited", 2),
		Entry("the first of a list", "first of a list", "rcv-batch", 2),
		Entry("a counter that grows with each copy", "counts", "rcv-idempotent", 1),
		Entry("the last one wins", "last wins", "rcv-order", 4),
	)

	It("leaves open which of two entries of one time counts", func() {
		r := played(keeps("last wins a draw"), 100, nil)
		Expect(failed(r)).To(BeEmpty())
		Expect(said(r, reports.Unspecified)).To(ContainSubstring("by an entry of the same time"))
		Expect(ruleOf(r, "rcv-order").Verdict).To(Equal(reports.Pass))
	})

	It("fails a receiver that refuses a message each time, and quotes it", func() {
		k := keeps("")
		r := played(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodPost && k.left(q) {
				http.Error(w, "the profile is not a member", http.StatusConflict)
				return
			}
			k.ServeHTTP(w, q)
		}), 30, nil)
		Expect(failed(r)).To(ConsistOf("rcv-2xx"))
		Expect(failure(r, "rcv-2xx").Said).To(ContainSubstring("the profile is not a member"))
	})

	It("is inconclusive where the requests do not suffice", func() {
		r := played(keeps(""), 60, func(c *probe.Config) { c.Limits.Requests = 100 })
		Expect(ruleOf(r, "rcv-order").Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(MatchRegexp(`the limit of 100 requests is spent: .*; \d+ of 60 histories were played`))
	})

	It("is inconclusive where the read-back ends, and names it", func() {
		k := keeps("")
		r := played(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodGet && k.profiles() > 10 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			k.ServeHTTP(w, q)
		}), 20, nil)
		Expect(ruleOf(r, "rcv-order").Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(And(ContainSubstring("answers 500"), ContainSubstring("check readBack in the configuration")))
		Expect(said(r, reports.Inconclusive)).NotTo(ContainSubstring("raise limits.requests"))
	})

	It("has every profile looked at, those too that get no copies", func() {
		// A history of one profile that is a member at the end, and whose state is determined.
		compared := func(seed uint64) bool {
			p := histories.Random(seed, 1, histories.Shape{Audiences: 3, Batch: 3, Pairs: true}).Plan()
			last := len(p.Rounds) - 1
			x := p.Expect(last, p.Rounds[last].Looks[0])
			return p.Twice() && len(p.Rounds[last].Looks) == 1 && x.Member() && len(x.Open) == 0 && x.Sure()
		}
		seed := uint64(1)
		for !compared(seed) {
			seed++
		}
		right := keeps("")
		Expect(failed(played(right, 1, func(c *probe.Config) { c.Histories.Seed = seed }))).To(BeEmpty())
		all := right.profiles()
		k := keeps("")
		r := played(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodPost && k.profiles() >= all-1 {
				return // accepted, and not stored
			}
			k.ServeHTTP(w, q)
		}), 1, func(c *probe.Config) { c.Histories.Seed = seed })
		Expect(failed(r)).NotTo(BeEmpty())
	})

	It("shows no secret in the file of a failure", func() {
		k := keeps("counts")
		played(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method != http.MethodGet {
				k.ServeHTTP(w, q)
				return
			}
			answer := httptest.NewRecorder()
			k.ServeHTTP(answer, q)
			text := strings.ReplaceAll(answer.Body.String(), `"messages":`, `"messages":"s3cret-token ","n":`)
			text = strings.Replace(text, `s3cret-token `, fmt.Sprintf("s3cret-token %d", strings.Count(text, "messages")+int(k.count.Add(1))), 1)
			w.WriteHeader(answer.Code)
			_, _ = io.WriteString(w, text)
		}), 30, nil)
		Expect(written).NotTo(BeEmpty())
		for _, text := range written {
			Expect(text).NotTo(ContainSubstring("s3cret-token"))
		}
	})

	It("takes no more requests than it asks for", func() {
		for _, batch := range []int{1, 10} {
			requests := 0
			for n := 1; n <= 200; n++ {
				p := histories.Random(uint64(batch), n, histories.Shape{Audiences: 3, Batch: batch, Pairs: true}).Plan()
				for _, round := range p.Rounds {
					requests += len(round.Messages)
				}
				if p.Twice() {
					requests += len(p.Messages) // once more, without the copies
				}
			}
			Expect(requests).To(BeNumerically("<=", 200*probe.HistoryRequests))
		}
	})

	It("is inconclusive about what did not happen", func() {
		withExit := func(seed uint64) bool {
			h := histories.Random(seed, 1, histories.Shape{Audiences: 3, Batch: 1})
			return slices.ContainsFunc(h, func(s histories.Step) bool {
				return slices.ContainsFunc(s.Changes, func(c histories.Change) bool { return c.Kind == histories.Leave })
			})
		}
		seed := uint64(1)
		for withExit(seed) {
			seed++
		}
		r := played(keeps(""), 1, func(c *probe.Config) {
			c.Limits.Burst, c.Destination.MaxProfilesPerRequest, c.Histories.Seed = 1, 1, seed
		})
		Expect(ruleOf(r, "rcv-exited").Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(ContainSubstring("none of the histories exercises it"))
	})

	It("says that a scenario could not be written", func() {
		r := played(keeps("members for ever"), 50, func(c *probe.Config) {
			c.Histories.Write = func(string, []byte) (string, error) { return "", errors.New("the disk is full") }
		})
		Expect(failure(r, "rcv-exited").Fix).To(ContainSubstring("was not written: the disk is full"))
	})

	It("ends when it is interrupted", func() {
		ctx, stop := context.WithCancel(context.Background())
		k := keeps("")
		var once sync.Once
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			k.ServeHTTP(w, q)
			if q.Method == http.MethodPost && k.profiles() > 20 {
				once.Do(stop)
			}
		}))
		defer server.Close()
		c := config(server.URL + "/profiles")
		c.Only = regexp.MustCompile(`^history/`)
		c.Limits.Requests = 100_000
		c.State = scenarios.ReadBack{URL: server.URL + "/state", Header: "Authorization: Bearer s3cret-token", Within: time.Second}
		c.ReadBack = probe.NewReadBack(c.State, nil, nil)
		c.Histories = probe.RandomHistories{Count: 100_000, Seed: 1}
		r, err := probe.New(c).Run(ctx)
		Expect(err).To(MatchError(context.Canceled))
		Expect(caseOf(r, "history/random").Verdict).To(Equal(reports.Inconclusive))
	})
})

// failure is the first failed check of a rule.
func failure(r *reports.Report, rule string) reports.Check {
	GinkgoHelper()
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Rule == rule && k.Verdict == reports.Fail {
				return k
			}
		}
	}
	Fail("nothing failed " + rule)
	return reports.Check{}
}

// left reports whether a message has an exit.
func (k *keeper) left(q *http.Request) bool {
	body := readAgain(q)
	return strings.Contains(string(body), `"exited"`) && json.Valid(body)
}

// profiles is how many are kept.
func (k *keeper) profiles() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.states)
}

// readAgain reads the body of a request, which can be read once more.
func readAgain(q *http.Request) []byte {
	body, _ := io.ReadAll(q.Body)
	q.Body = io.NopCloser(bytes.NewReader(body))
	return body
}
