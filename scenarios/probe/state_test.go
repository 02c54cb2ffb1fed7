package probe_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

// keeper is a receiver that keeps what it gets, in one of several ways.
type keeper struct {
	mu     sync.Mutex
	states map[string]map[string]any
	wrong  string // what it does wrong
	count  atomic.Int64
	dead   bool // it answers, and stores nothing any more
}

// isProfile reports whether the parts that are read have the right types.
func isProfile(p map[string]any) bool {
	_, list := p["segmentMembership"].([]any)
	return !list
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if k.wrong == "loses one of two" && q.Method == http.MethodPost && q.Header.Get("Authorization") == "Bearer s3cret-token" {
		k.overwrite(w, q)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if q.Header.Get("Authorization") != "Bearer s3cret-token" {
		w.WriteHeader(401)
		return
	}
	if ecid, ok := strings.CutPrefix(q.URL.Path, "/state/"); ok {
		if k.states[ecid] == nil {
			w.WriteHeader(404)
			return
		}
		_ = json.NewEncoder(w).Encode(k.states[ecid])
		return
	}
	body, _ := io.ReadAll(q.Body)
	var all []map[string]any
	if json.Unmarshal(body, &all) != nil {
		var one map[string]any
		if json.Unmarshal(body, &one) != nil || !isProfile(one) {
			k.dead = k.wrong == "dies of malformed JSON"
			w.WriteHeader(400)
			return
		}
		all = []map[string]any{one}
		if many, ok := one["profiles"].([]any); ok {
			all = nil
			for _, p := range many {
				all = append(all, p.(map[string]any))
			}
		}
	}
	switch k.wrong {
	case "first of a list":
		all = all[:1]
	case "stores later":
		time.AfterFunc(10*time.Millisecond, func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			for _, p := range all {
				k.keep(p)
			}
		})
		return
	}
	if k.dead {
		return
	}
	for _, p := range all {
		k.keep(p)
	}
}

// overwrite reads the states, handles the message, and writes all of them back: the
// last of two at the same time undoes the other.
func (k *keeper) overwrite(w http.ResponseWriter, q *http.Request) {
	own := &keeper{states: map[string]map[string]any{}}
	k.mu.Lock()
	for ecid, state := range k.states {
		own.states[ecid] = copied(state).(map[string]any)
	}
	k.mu.Unlock()
	own.ServeHTTP(w, q)
	time.Sleep(time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.states = own.states
}

// copied is a state, or a part of one, that shares nothing with the original.
func copied(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v // keep replaces all but objects
	}
	out := make(map[string]any, len(object))
	for key, value := range object {
		out[key] = copied(value)
	}
	return out
}

func (k *keeper) keep(p map[string]any) {
	ecid := p["identityMap"].(map[string]any)["ecid"].([]any)[0].(map[string]any)["id"].(string)
	s := k.states[ecid]
	if s == nil {
		s = map[string]any{"segmentMembership": map[string]any{}, "messages": 0.0}
		k.states[ecid] = s
	}
	if k.wrong == "counts" {
		s["messages"] = s["messages"].(float64) + 1
	}
	for namespace, entries := range p["segmentMembership"].(map[string]any) {
		if k.wrong == "drops namespaces" && namespace != "ups" {
			continue
		}
		kept, _ := s["segmentMembership"].(map[string]any)[namespace].(map[string]any)
		if kept == nil {
			kept = map[string]any{}
			s["segmentMembership"].(map[string]any)[namespace] = kept
		}
		for id, e := range entries.(map[string]any) {
			switch {
			case k.wrong == "cuts ids" && len(id) > 36:
				id = id[:36]
			case k.wrong == "drops existing" && e.(map[string]any)["status"] == "existing", k.wrong == "fifty audiences" && len(kept) >= 50:
				continue
			}
			old, _ := kept[id].(map[string]any)
			if newer := k.newer(old, e.(map[string]any)); newer {
				kept[id] = maps.Clone(e.(map[string]any))
			}
			if k.wrong == "members for ever" {
				kept[id].(map[string]any)["status"] = "realized"
			}
		}
		if k.wrong == "unknown drops all" && len(entries.(map[string]any)) > 1 {
			delete(k.states, ecid)
		}
	}
}

func (k *keeper) newer(old, e map[string]any) bool {
	if old == nil || k.wrong == "last wins" {
		return true
	}
	before, after := moment(old, k.wrong), moment(e, k.wrong)
	return after > before || after == before && (e["status"] == "exited" || k.wrong == "last wins a draw")
}

// moment is a time in a form whose order as a text is its order.
func moment(e map[string]any, wrong string) string {
	text := e["lastQualificationTime"].(string)
	switch wrong {
	case "times as texts":
		return text
	case "times without offset":
		return strings.TrimRight(text[:19]+"."+strings.Trim(text[19:], "Z.+0:"), ".")
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Format("2006-01-02T15:04:05.000000000")
		}
	}
	return text
}

var _ = Describe("read-back", func() {
	keeping := func(wrong string) *reports.Report {
		server := httptest.NewServer(&keeper{states: map[string]map[string]any{}, wrong: wrong})
		defer server.Close()
		c := config(server.URL + "/profiles")
		c.Destination.MaxProfilesPerRequest = 10
		c.Only = regexp.MustCompile(`^(message/|state/|refusal/)`)
		c.State = scenarios.ReadBack{URL: server.URL + "/state", Header: "Authorization: Bearer s3cret-token", Within: 50 * time.Millisecond}
		c.ReadBack = probe.NewReadBack(c.State, nil, nil)
		return probed(c)
	}
	// by is the case that is made for the fault. It must fail even where other
	// cases find the fault as well.
	DescribeTable("distinguishes stored messages from accepted ones", func(wrong, by string, rules ...string) {
		if testing.Short() && !slices.Contains([]string{"", "counts", "loses one of two"}, wrong) {
			Skip("a probe with every message takes seconds with the race detector")
		}
		r := keeping(wrong)
		if by != "" {
			Expect(caseOf(r, by).Verdict).To(Equal(reports.Fail), by)
		}
		Expect(failed(r)).To(ConsistOf(rules))
		if ruleOf(r, "rcv-exited").Verdict == reports.Pass { // an order of exits rests on exits
			Expect(ruleOf(r, "rcv-order").Verdict).To(BeElementOf(reports.Pass, reports.Fail))
		}
		for _, id := range []string{"rcv-idempotent", "rcv-exited", "rcv-batch"} {
			Expect(ruleOf(r, id).Verdict).To(BeElementOf(reports.Pass, reports.Fail), id)
		}
	},
		Entry("right", "", ""),
		Entry("counts repetitions", "counts", "state/twice", "rcv-idempotent"),
		Entry("the last one wins", "last wins", "state/order", "rcv-order"),
		Entry("exits change nothing", "members for ever", "state/exit", "rcv-exited"),
		Entry("takes the first of a list", "first of a list", "state/batch", "rcv-batch"),
		Entry("compares times as texts", "times as texts", "state/offsets", "rcv-order"),
		Entry("compares times without their offset", "times without offset", "state/offsets", "rcv-order"),
		Entry("cuts ids to 36 characters", "cuts ids", "", "rcv-ids"),
		Entry("drops other namespaces than ups", "drops namespaces", "", "rcv-schema"),
		Entry("drops the status existing", "drops existing", "", "rcv-exited"),
		Entry("keeps fifty audiences", "fifty audiences", "", "rcv-schema", "rcv-batch"),
		Entry("loses one of two messages at the same time", "loses one of two", "state/concurrent", "rcv-order"),
		Entry("dies of what is not JSON, and goes on to answer", "dies of malformed JSON", "", "rcv-2xx"),
	)
	It("leaves open what a receiver makes of two statuses that share their time", func() {
		r := keeping("last wins a draw")
		Expect(ruleOf(r, "rcv-order").Verdict).NotTo(Equal(reports.Fail))
		var clauses []string
		for _, c := range r.Cases {
			for _, k := range c.Checks {
				if k.Rule == "rcv-order" && k.Verdict == reports.Unspecified {
					clauses = append(clauses, k.Clause)
				}
			}
		}
		Expect(clauses).To(ConsistOf("R100a"))
	})
	It("finds that a message with an unknown audience was dropped", func() {
		Expect(failed(keeping("unknown drops all"))).To(ContainElement("rcv-unmapped"))
	})
	It("says that a message is answered before it is stored", func() {
		r := keeping("stores later")
		Expect(said(r, reports.Unspecified)).To(ContainSubstring("the message is answered before it is stored"))
		Expect(failed(r)).To(BeElementOf([]string{}, []string{"rcv-order"}))
	})
	It("says when it shows nothing, instead of blaming the receiver for all of it", func() {
		mock := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			switch {
			case q.Method == http.MethodGet:
				w.WriteHeader(404)
			case q.Header.Get("Authorization") == "":
				w.WriteHeader(401)
			}
		}))
		defer mock.Close()
		c := config(mock.URL)
		c.State = scenarios.ReadBack{URL: mock.URL, Within: 10 * time.Millisecond}
		c.ReadBack = probe.NewReadBack(c.State, nil, nil)
		r := probed(c)
		Expect(said(r, reports.Inconclusive)).To(ContainSubstring("cannot be read back"))
		Expect(ruleOf(r, "rcv-order").Verdict).To(Equal(reports.Skip))
	})
	It("is done by a command as well", func() {
		script := filepath.Join(GinkgoT().TempDir(), "read-back")
		Expect(os.WriteFile(script, []byte("#!/bin/sh\necho \"{\\\"segmentMembership\\\": {}, \\\"asked\\\": \\\"$2\\\"}\"\n"), 0o755)).To(Succeed())
		read := probe.NewReadBack(scenarios.ReadBack{Command: []string{script, "state"}}, nil, nil)
		state, err := read(GinkgoT().Context(), "0000", "")
		Expect(err).NotTo(HaveOccurred())
		Expect(state).To(HaveKeyWithValue("asked", "0000"))
		_, err = probe.NewReadBack(scenarios.ReadBack{Command: []string{"/no/such/command"}}, nil, nil)(GinkgoT().Context(), "0000", "")
		Expect(err).To(MatchError(ContainSubstring("/no/such/command")))
	})
})
