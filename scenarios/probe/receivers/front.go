package receivers

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Answer is a response that a receiver in this process gives instead of its own,
// where all its conditions hold.
type Answer struct {
	InBody   string            `yaml:"inBody"`    // regular expression of the request's body
	Over     int               `yaml:"over"`      // bytes of the body, more than
	Without  string            `yaml:"without"`   // header that is not there
	Header   map[string]string `yaml:"header"`    // of the request: regular expressions
	Strange  bool              `yaml:"strangers"` // only where the credentials are wrong
	Known    bool              `yaml:"known"`     // only where the credentials are right
	First    int               `yaml:"first"`     // only the first so many requests
	After    int               `yaml:"after"`     // only those after so many requests
	Every    int               `yaml:"every"`     // only each nth request
	Faster   time.Duration     `yaml:"faster"`    // only where less time has passed since the last accepted one
	Status   int               `yaml:"status"`
	Headers  map[string]string `yaml:"headers"`
	Body     string            `yaml:"body"`
	Large    int               `yaml:"large"` // bytes of a response header
	Hang     time.Duration     `yaml:"hang"`  // before the answer
	Cut      bool              `yaml:"cut"`   // the connection instead of an answer
	Drop     bool              `yaml:"drop"`  // nothing, until the sender gives up
	Raw      string            `yaml:"raw"`   // bytes instead of an answer, and then the end of the connection
	in       *regexp.Regexp
	compiled map[string]*regexp.Regexp
}

// Flaws are what a receiver in this process can do wrong with what it accepts.
var Flaws = []string{"cuts-ids", "drops-namespaces", "drops-existing", "fifty-audiences", "times-as-texts", "loses-one-of-two", "dies-of-malformed", "store-lags", "ignores-exits", "counts", "last-wins", "first-of-list", "refuses-repetitions"}

// Front is a receiver in this process: it keeps what it accepts, and does wrong
// what its description says.
type Front struct {
	receiver Receiver
	token    string
	answers  []Answer

	mu       sync.Mutex
	requests int
	accepted time.Time
	states   map[string]map[string]any
	dead     bool
	seen     map[string]bool // bodies
	queue    chan []map[string]any
}

// NewFront makes the receiver of a description that has answers or a flaw; token
// is the bearer token that it accepts. Close ends it.
func NewFront(r Receiver, token string) *Front {
	f := &Front{receiver: r, token: token, states: map[string]map[string]any{}, seen: map[string]bool{}, queue: make(chan []map[string]any, 10_000)}
	for _, a := range r.Answers {
		if a.InBody != "" {
			a.in = regexp.MustCompile(a.InBody)
		}
		a.compiled = map[string]*regexp.Regexp{}
		for name, pattern := range a.Header {
			a.compiled[name] = regexp.MustCompile(pattern)
		}
		f.answers = append(f.answers, a)
	}
	go func() { // ends with Close
		for all := range f.queue {
			time.Sleep(50 * time.Millisecond)
			f.mu.Lock()
			f.keep(all)
			f.mu.Unlock()
		}
	}()
	return f
}

// Close ends what stores later.
func (f *Front) Close() { close(f.queue) }

// ServeHTTP answers a message, or the state of a profile.
func (f *Front) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // the sender gave up
	}
	known := f.token == "" || q.Header.Get("Authorization") == "Bearer "+f.token
	if ecid, ok := strings.CutPrefix(q.URL.Path, "/state/"); ok && known {
		f.state(w, ecid)
		return
	}
	if a := f.matching(q, body, known); a != nil {
		a.write(w, q)
		return
	}
	if !known {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "credentials are missing or wrong", http.StatusUnauthorized)
		return
	}
	f.accept(w, body)
}

// matching is the answer whose conditions hold for a request.
func (f *Front) matching(q *http.Request, body []byte, known bool) *Answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	for i := range f.answers {
		if a := &f.answers[i]; a.matches(q, body, known, f.requests, time.Since(f.accepted)) {
			return a
		}
	}
	f.accepted = time.Now()
	return nil
}

func (a *Answer) matches(q *http.Request, body []byte, known bool, n int, since time.Duration) bool {
	for name, pattern := range a.compiled {
		if !pattern.MatchString(q.Header.Get(name)) {
			return false
		}
	}
	switch {
	case a.in != nil && !a.in.Match(body), a.Over > 0 && len(body) <= a.Over:
		return false
	case a.Without != "" && q.Header.Get(a.Without) != "", a.Strange && known:
		return false
	case a.Known && !known, a.After > 0 && n <= a.After:
		return false
	case a.First > 0 && n > a.First, a.Every > 0 && n%a.Every != 0, a.Faster > 0 && since >= a.Faster:
		return false
	}
	return true
}

func (a *Answer) write(w http.ResponseWriter, q *http.Request) {
	if a.Drop {
		<-q.Context().Done()
		panic(http.ErrAbortHandler)
	}
	time.Sleep(a.Hang)
	if a.Raw != "" {
		a.writeRaw(w)
		return
	}
	if a.Cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	if a.Large > 0 {
		w.Header().Set("X-Large", strings.Repeat("x", a.Large))
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// writeRaw writes what need not be HTTP.
func (a *Answer) writeRaw(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the sender gave up
	}
	_, _ = io.WriteString(conn, a.Raw)
	_ = conn.Close()
}

func (f *Front) state(w http.ResponseWriter, ecid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.states[ecid] == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(f.states[ecid])
}

// accept keeps the profiles of a body, and refuses what is not a message.
func (f *Front) accept(w http.ResponseWriter, body []byte) {
	all, ok := profilesOf(body)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !ok:
		f.dead = f.flawed("dies-of-malformed")
		http.Error(w, "the body is not a message", http.StatusBadRequest)
		return
	case f.dead:
	case f.flawed("refuses-repetitions") && f.seen[string(body)]:
		http.Error(w, "duplicate", http.StatusConflict)
		return
	case f.flawed("store-lags"):
		f.queue <- all
	case f.flawed("loses-one-of-two"):
		f.overwrite(all)
	case f.flawed("first-of-list"):
		f.keep(all[:min(1, len(all))])
	default:
		f.keep(all)
	}
	f.seen[string(body)] = true
	w.WriteHeader(http.StatusNoContent)
}

func (f *Front) flawed(name string) bool { return f.receiver.Flaw == name }

// overwrite lets go of the lock between reading and writing: the last of two at
// the same time undoes the other.
func (f *Front) overwrite(all []map[string]any) {
	own := &Front{receiver: f.receiver, states: map[string]map[string]any{}}
	var copied map[string]map[string]any
	if text, err := json.Marshal(f.states); err == nil && json.Unmarshal(text, &copied) == nil {
		own.states = copied
	}
	f.mu.Unlock()
	own.keep(all)
	time.Sleep(2 * time.Millisecond)
	f.mu.Lock()
	maps.Copy(f.states, own.states)
}

// profilesOf are the profiles of a message in any of its three forms.
func profilesOf(body []byte) (all []map[string]any, ok bool) {
	if json.Unmarshal(body, &all) != nil {
		var one map[string]any
		if json.Unmarshal(body, &one) != nil {
			return nil, false
		}
		all = []map[string]any{one}
		if many, wrapped := one["profiles"].([]any); wrapped {
			all = all[:0]
			for _, p := range many {
				profile, _ := p.(map[string]any)
				all = append(all, profile)
			}
		}
	}
	for _, p := range all {
		membership, there := p["segmentMembership"]
		if _, object := membership.(map[string]any); p == nil || there && !object {
			return nil, false
		}
	}
	return all, true
}

func (f *Front) keep(all []map[string]any) {
	for _, p := range all {
		identities, _ := p["identityMap"].(map[string]any)
		list, _ := identities["ecid"].([]any)
		if len(list) == 0 {
			continue
		}
		first, _ := list[0].(map[string]any)
		ecid, _ := first["id"].(string)
		if f.states[ecid] == nil {
			f.states[ecid] = map[string]any{"segmentMembership": map[string]any{}, "messages": 0.0}
		}
		f.merge(f.states[ecid], p)
	}
}

// merge puts the entries of a profile into its state.
func (f *Front) merge(state, p map[string]any) {
	if f.flawed("counts") {
		n, _ := state["messages"].(float64)
		state["messages"] = n + 1
	}
	membership, _ := p["segmentMembership"].(map[string]any)
	stored, _ := state["segmentMembership"].(map[string]any)
	for namespace, list := range membership {
		entries, _ := list.(map[string]any)
		if f.flawed("drops-namespaces") && namespace != "ups" {
			continue
		}
		kept, _ := stored[namespace].(map[string]any)
		if kept == nil {
			kept = map[string]any{}
			stored[namespace] = kept
		}
		for id, e := range entries {
			entry, _ := e.(map[string]any)
			f.put(kept, id, maps.Clone(entry))
		}
	}
}

func (f *Front) put(kept map[string]any, id string, entry map[string]any) {
	switch {
	case f.flawed("cuts-ids") && len(id) > 36:
		id = id[:36]
	case f.flawed("drops-existing") && entry["status"] == "existing", f.flawed("fifty-audiences") && len(kept) >= 50,
		f.flawed("ignores-exits") && entry["status"] == "exited":
		return
	}
	old, there := kept[id].(map[string]any)
	if there && !f.flawed("last-wins") {
		before, after := f.moment(old), f.moment(entry)
		if after < before || after == before && old["status"] == "exited" {
			return
		}
	}
	kept[id] = entry
}

// moment is the time of an entry as a text whose order is that of the time.
func (f *Front) moment(entry map[string]any) string {
	text, _ := entry["lastQualificationTime"].(string)
	if f.flawed("times-as-texts") {
		return text
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Format("2006-01-02T15:04:05.000000000")
		}
	}
	return text
}
