package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/httpdest/httpdest/engine/live"
)

// numbered is one export in a body: whose it is, its number, and the try of the
// client, which tells exports of one number apart.
type numbered struct {
	profile string
	n, try  int64
}

// exportsIn reads a body: a profile object, an array of them, or the profiles
// wrapper.
func exportsIn(t *testing.T, body string) []numbered {
	t.Helper()
	var wrapper struct{ Profiles []json.RawMessage }
	var objects []json.RawMessage
	if json.Unmarshal([]byte(body), &objects) != nil {
		if err := json.Unmarshal([]byte(body), &wrapper); err != nil {
			t.Fatalf("body %s: %v", body, err)
		}
		if objects = wrapper.Profiles; objects == nil {
			objects = []json.RawMessage{json.RawMessage(body)}
		}
	}
	var out []numbered
	for _, object := range objects {
		var b struct {
			N, S        int64
			IdentityMap map[string][]struct{ ID string }
		}
		if err := json.Unmarshal(object, &b); err != nil || len(b.IdentityMap["crm"]) != 1 {
			t.Fatalf("body %s: %v", body, err)
		}
		out = append(out, numbered{b.IdentityMap["crm"][0].ID, b.N, b.S})
	}
	return out
}

// killed is what the receiver's journal and the dead letters say about a case.
type killed struct {
	requests  map[string]int // body -> how often it came
	bodies    map[numbered]string
	delivered map[numbered]int // by profile and number
	dead      map[numbered]bool
	most      int
	batched   int // requests of more than one export
}

// update is an export without the try.
func (x numbered) update() numbered { return numbered{profile: x.profile, n: x.n} }

func (k *killed) read(t *testing.T, r *receiving) {
	last := map[string]int64{}
	for _, q := range r.requests() {
		body := string(q.Body)
		k.requests[body]++
		k.most = max(k.most, k.requests[body])
		all := exportsIn(t, body)
		if len(all) > 1 {
			k.batched++
		}
		for _, x := range all {
			if before, came := k.bodies[x]; came && before != body {
				t.Errorf("%s: export %d came in the body %s and again in %s", x.profile, x.n, before, body)
			}
			k.bodies[x] = body
			if x.n < last[x.profile] {
				t.Errorf("%s: update %d came after %d", x.profile, x.n, last[x.profile])
			}
			last[x.profile] = x.n
			if q.Status == http.StatusOK && !q.Disconnected {
				k.delivered[x.update()]++
			}
		}
	}
}

func judgeKills(t *testing.T, r *receiving, clients []*client, letters []live.Letter, unknown uint64) {
	k := &killed{map[string]int{}, map[numbered]string{}, map[numbered]int{}, map[numbered]bool{}, 0, 0}
	k.read(t, r)
	for _, l := range letters {
		for _, x := range exportsIn(t, l.Body) {
			k.dead[x.update()] = true
			if k.bodies[x] != "" && k.bodies[x] != l.Body {
				t.Errorf("%s is dead with the body %s, and was sent with %s", l.ID, l.Body, k.bodies[x])
			}
		}
		if l.Attempts != 3 {
			t.Errorf("%s is dead after %d attempts", l.ID, l.Attempts)
		}
	}
	accepted, lost, duplicates := int64(0), 0, 0
	for _, c := range clients {
		accepted += c.acked
		for n := int64(1); n <= c.acked; n++ {
			u := numbered{profile: c.profile, n: n}
			if k.delivered[u] == 0 && !k.dead[u] {
				lost++
				t.Errorf("%s: update %d was acknowledged, and neither delivered nor dead", c.profile, n)
			}
			duplicates += max(0, k.delivered[u]-1)
		}
	}
	fmt.Printf("%s: cycles=%d accepted=%d delivered=%d dead=%d batched=%d unknown=%d duplicates=%d most-attempts=%d lost=%d\n",
		t.Name(), *cycles, accepted, len(k.delivered), len(k.dead), k.batched, unknown, duplicates, k.most, lost)
	if k.most > 3 {
		t.Errorf("one message was sent %d times", k.most)
	}
	if len(k.dead) == 0 {
		t.Error("nothing is dead, though one profile is refused for good")
	}
}
