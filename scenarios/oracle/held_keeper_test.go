package oracle_test

import (
	"maps"
	"testing"
	"time"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// keeper is a receiver in a few lines: what it holds, by its ECIDs.
type keeper struct {
	profiles map[string]map[string]any
	takes    func(k *keeper, stored, sent map[string]any)
}

// stored takes every message that was answered with 2xx, in order, and one again for each
// forward.
func (k *keeper) stored(t *testing.T, lines []recording.Line) *keeper {
	t.Helper()
	k.profiles = map[string]map[string]any{}
	for _, l := range lines {
		if l.Request == nil {
			continue
		}
		for _, f := range l.Request.Receiver {
			if f.Status < 200 || f.Status > 299 {
				continue
			}
			for _, body := range oracle.Split(l.Request.Body, len(l.Request.Profiles)) {
				k.put(t, body)
			}
		}
	}
	return k
}

func (k *keeper) put(t *testing.T, body string) {
	t.Helper()
	value, err := strictjson.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	sent := value.(map[string]any)
	var stored map[string]any
	ids := list(sent, "identityMap", "ecid")
	for _, e := range ids {
		if there := k.profiles[e.(map[string]any)["id"].(string)]; there != nil {
			stored = there
		}
	}
	if stored == nil {
		stored = map[string]any{"segmentMembership": map[string]any{}, "identityMap": map[string]any{}}
	}
	k.takes(k, stored, sent)
	for _, e := range ids {
		k.profiles[e.(map[string]any)["id"].(string)] = stored
	}
}

func list(v map[string]any, path ...string) []any {
	for _, key := range path[:len(path)-1] {
		v, _ = v[key].(map[string]any)
	}
	out, _ := v[path[len(path)-1]].([]any)
	return out
}

// right stores entry by entry, and replaces everything else.
func right(_ *keeper, stored, sent map[string]any) {
	replace(stored, sent)
	entries(stored, sent, func(old, now map[string]any) bool { return !newer(old, now) })
}

func replace(stored, sent map[string]any) {
	maps.DeleteFunc(stored, func(key string, _ any) bool { return key != "segmentMembership" })
	for key, value := range sent {
		if key != "segmentMembership" {
			stored[key] = value
		}
	}
}

func entries(stored, sent map[string]any, take func(old, now map[string]any) bool) {
	held := stored["segmentMembership"].(map[string]any)
	for namespace, all := range sent["segmentMembership"].(map[string]any) {
		if held[namespace] == nil {
			held[namespace] = map[string]any{}
		}
		into := held[namespace].(map[string]any)
		for id, e := range all.(map[string]any) {
			old, _ := into[id].(map[string]any)
			if take(old, e.(map[string]any)) {
				into[id] = e
			}
		}
	}
}

func newer(old, now map[string]any) bool {
	a, b := when(old), when(now)
	return a.After(b) || a.Equal(b) && !a.IsZero() && old["status"] == "exited" && now["status"] == "realized"
}

func when(e map[string]any) time.Time {
	text, _ := e["lastQualificationTime"].(string)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if at, err := time.Parse(form, text); err == nil {
			return at
		}
	}
	return time.Time{}
}
