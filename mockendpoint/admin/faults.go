package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/httpdest/httpdest/mockendpoint/fault"
)

// plannedFault is a fault as the API shows it.
type plannedFault struct {
	ID      string     `json:"id"`
	Enabled bool       `json:"enabled"`
	Planned int        `json:"planned"` // 0: open-ended
	Fired   int        `json:"fired"`
	Spec    fault.Spec `json:"spec"`
}

// maxSpec bounds a fault in JSON.
const maxSpec = 64 << 10

func (a *Admin) planned() []plannedFault {
	out := []plannedFault{}
	for _, l := range a.options.Faults.List() {
		out = append(out, plannedFault{l.Fault.ID, true, l.Planned, l.Fired, fault.SpecOf(l.Fault)})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.off {
		out = append(out, plannedFault{f.ID, false, fault.Planned(f), 0, fault.SpecOf(f)})
	}
	return out
}

func (a *Admin) listFaults(w http.ResponseWriter, _ *http.Request) {
	respond(w, map[string]any{"faults": a.planned()})
}

// addFault adds one after all others. Without an id it gets one.
func (a *Admin) addFault(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSpec))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a fault may have at most %d bytes", maxSpec))
		return
	}
	spec, err := fault.ParseSpec(text)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if spec.Forward != "" && !a.options.Proxy {
		refuse(w, http.StatusUnprocessableEntity, "forward needs a receiver: start httpdest proxy, or leave forward out")
		return
	}
	a.mu.Lock()
	if spec.ID == "" {
		spec.ID = a.freeID()
	}
	taken := a.indexOff(spec.ID) >= 0
	a.mu.Unlock()
	f, err := spec.Fault()
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if !taken {
		err = a.options.Faults.Add(f)
	}
	if taken || err != nil {
		refuse(w, http.StatusConflict, errors.Join(err, fmt.Errorf("the fault %s was not added", spec.ID)).Error())
		return
	}
	answer(w, "application/json", http.StatusCreated, plannedFault{f.ID, true, fault.Planned(f), 0, fault.SpecOf(f)})
}

// freeID names a fault that has no name. The caller holds the lock.
func (a *Admin) freeID() string {
	taken := map[string]bool{}
	for _, l := range a.options.Faults.List() {
		taken[l.Fault.ID] = true
	}
	for _, f := range a.off {
		taken[f.ID] = true
	}
	for n := 1; ; n++ {
		if id := fmt.Sprintf("added-%d", n); !taken[id] {
			return id
		}
	}
}

// indexOff finds a fault that is switched off; -1 for none. The caller holds the
// lock.
func (a *Admin) indexOff(id string) int {
	return slices.IndexFunc(a.off, func(f fault.Fault) bool { return f.ID == id })
}

func (a *Admin) clearFaults(w http.ResponseWriter, _ *http.Request) {
	a.options.Faults.Clear()
	a.mu.Lock()
	a.off = nil
	a.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (a *Admin) removeFault(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	a.mu.Lock()
	i := a.indexOff(id)
	if i >= 0 {
		a.off = slices.Delete(a.off, i, i+1)
	}
	a.mu.Unlock()
	if i < 0 && !a.options.Faults.Remove(id) {
		refuse(w, http.StatusNotFound, fmt.Sprintf("no fault has the id %.60q", id))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// switchFault takes a fault out of the plan and keeps it, or puts it back after
// all others; it counts from the beginning then.
func (a *Admin) switchFault(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Enabled *bool `json:"enabled"`
	}
	if err := strictly(http.MaxBytesReader(w, r.Body, maxSpec), &wanted); err != nil || wanted.Enabled == nil {
		refuse(w, http.StatusUnprocessableEntity, `send {"enabled": true} or {"enabled": false}`)
		return
	}
	id := r.PathValue("id")
	if err := a.toggle(id, *wanted.Enabled); err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	for _, f := range a.planned() {
		if f.ID == id {
			respond(w, f)
			return
		}
	}
	refuse(w, http.StatusNotFound, fmt.Sprintf("no fault has the id %.60q", id))
}

// toggle leaves alone what is as wanted, or not there.
func (a *Admin) toggle(id string, on bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.indexOff(id)
	switch {
	case on && i >= 0:
		if err := a.options.Faults.Add(a.off[i]); err != nil {
			return err
		}
		a.off = slices.Delete(a.off, i, i+1)
	case !on && i < 0:
		for _, l := range a.options.Faults.List() {
			if l.Fault.ID == id && a.options.Faults.Remove(id) {
				a.off = append(a.off, l.Fault)
			}
		}
	}
	return nil
}
