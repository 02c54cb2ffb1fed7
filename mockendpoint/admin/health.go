package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// healthReport reports whether the journal is whole. All but the status is for
// those who have the token.
type healthReport struct {
	Status        string         `json:"status"` // ok, degraded
	Version       string         `json:"version,omitempty"`
	UptimeSeconds *float64       `json:"uptimeSeconds,omitempty"`
	Listeners     []Listener     `json:"listeners,omitempty"`
	Journal       *journalReport `json:"journal,omitempty"`
}

type journalReport struct {
	Entries     uint64 `json:"entries"`
	Requests    uint64 `json:"requests"`
	Handshakes  uint64 `json:"handshakes"`
	First       uint64 `json:"first"`
	Next        uint64 `json:"next"`
	Lost        uint64 `json:"lost"`
	MemoryBytes int64  `json:"memoryBytes"`
	FileBytes   int64  `json:"fileBytes"`
	Failure     string `json:"failure,omitempty"`
}

func reportOf(s journal.Stats) *journalReport {
	return &journalReport{s.Entries, s.Requests, s.Handshakes, s.First, s.Next, s.Lost, s.MemoryBytes, s.FileBytes, s.Failure}
}

func (a *Admin) health(w http.ResponseWriter, r *http.Request) {
	s := a.options.Journal.Stats()
	report, status := healthReport{Status: "ok"}, http.StatusOK
	if s.Lost > 0 || s.Failure != "" {
		report.Status, status = "degraded", http.StatusServiceUnavailable
	}
	if a.guard.Knows(r) {
		up := time.Since(a.began).Seconds()
		report.Version, report.UptimeSeconds, report.Listeners, report.Journal = a.options.Version, &up, a.options.Listeners, reportOf(s)
	}
	answer(w, "application/json", status, report)
}

// reset clears the journal, the faults, or both.
func (a *Admin) reset(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Journal bool `json:"journal"`
		Faults  bool `json:"faults"`
	}
	err := strictly(http.MaxBytesReader(w, r.Body, maxSpec), &wanted)
	if err != nil || !wanted.Journal && !wanted.Faults {
		refuse(w, http.StatusUnprocessableEntity, `send {"journal": true, "faults": true}, or one of them`)
		return
	}
	if wanted.Faults {
		a.options.Faults.Clear()
		a.mu.Lock()
		a.off = nil
		a.mu.Unlock()
	}
	if wanted.Journal {
		if err := a.options.Journal.Clear(); err != nil {
			refuse(w, http.StatusInternalServerError, err.Error())
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// strictly reads one JSON value with the keys that are known.
func strictly(r io.Reader, into any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := strictjson.Check(text); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
