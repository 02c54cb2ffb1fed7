// Package receiver is an example: a small HTTP handler that takes the exports of
// the HTTP API destination, and its test with httpdest probe.
package receiver

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// Receiver keeps the newest state of each profile by its ECID.
type Receiver struct {
	mu       sync.Mutex
	profiles map[string]json.RawMessage
}

// maxBody is more than ten profiles with 250 audiences each need.
const maxBody = 4 << 20

// ServeHTTP answers 200 when the profile is stored, and 400 when the body is not
// a profile: such a request is wrong however often it is repeated.
func (s *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var profile struct {
		IdentityMap map[string][]struct{ ID string }
	}
	if err != nil || json.Unmarshal(body, &profile) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.profiles == nil {
		s.profiles = map[string]json.RawMessage{}
	}
	for _, identity := range profile.IdentityMap["ecid"] {
		s.profiles[identity.ID] = body
	}
}

// Len is the number of profiles that are stored.
func (s *Receiver) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.profiles)
}
