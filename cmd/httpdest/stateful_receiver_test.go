package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// A receiver of somebody else's that keeps profiles, as far as run --read-back needs one.
// Its argument makes it wrong in one way: forgets, ignores-exits, appends, broken or bare;
// late stores after it answered, and guarded wants the token s3cret.
type statefulReceiver struct {
	way      string
	mu       sync.Mutex
	profiles map[string]map[string]any // by ECID
}

func receiverMain() {
	s := &statefulReceiver{way: os.Args[1], profiles: map[string]map[string]any{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("POST /profiles", s.take)
	http.HandleFunc("GET /state/{ecid}", s.show)
	fmt.Printf("listening on http://%s\n", l.Addr())
	_ = http.Serve(l, nil)
}

func (s *statefulReceiver) admits(w http.ResponseWriter, r *http.Request) bool {
	if s.way == "guarded" && r.Header.Get("Authorization") != "Bearer s3cret" {
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	return true
}

func (s *statefulReceiver) take(w http.ResponseWriter, r *http.Request) {
	var sent map[string]any
	if !s.admits(w, r) || json.NewDecoder(r.Body).Decode(&sent) != nil {
		return
	}
	if s.way == "late" {
		go func() { // ends soon
			time.Sleep(300 * time.Millisecond)
			s.store(sent)
		}()
		return
	}
	s.store(sent)
}

func (s *statefulReceiver) store(sent map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ecid := sent["identityMap"].(map[string]any)["ecid"].([]any)[0].(map[string]any)["id"].(string)
	before := s.profiles[ecid]
	if s.way == "forgets" {
		return
	}
	memberships := map[string]any{}
	for _, body := range []map[string]any{before, sent} {
		ups, _ := body["segmentMembership"].(map[string]any)
		entries, _ := ups["ups"].(map[string]any)
		maps.Copy(memberships, entries)
	}
	if s.way == "ignores-exits" {
		for id, e := range memberships {
			e := maps.Clone(e.(map[string]any))
			e["status"], memberships[id] = "realized", e
		}
	}
	if tags, ok := before["tags"].([]any); ok && s.way == "appends" {
		sent["tags"] = append(tags, sent["tags"].([]any)...)
	}
	sent["segmentMembership"] = map[string]any{"ups": memberships}
	s.profiles[ecid] = sent
}

func (s *statefulReceiver) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, known := s.profiles[r.PathValue("ecid")]
	switch {
	case !s.admits(w, r):
	case s.way == "broken":
		w.WriteHeader(http.StatusInternalServerError)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	case s.way == "bare":
		_ = json.NewEncoder(w).Encode(map[string]any{"segmentMembership": state["segmentMembership"]})
	default:
		_ = json.NewEncoder(w).Encode(state)
	}
}
