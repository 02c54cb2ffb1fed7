package main

import (
	"errors"
	"os"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// engineRecord is the recording of --record; nil where none was asked for.
type engineRecord struct {
	file     *os.File
	recorder *simulate.EngineRecorder
}

// openRecord begins the recording of a configuration, before the engine judges it.
func (f serveFlags) openRecord(sc *scenarios.Scenario) (*engineRecord, error) {
	if f.record.file == "" {
		return nil, f.record.check()
	}
	file, err := f.record.open()
	if err != nil {
		return nil, err
	}
	return &engineRecord{file, simulate.NewEngineRecorder(file, sc, time.Now())}, nil
}

// problems records what the engine says about its configuration. Where that is
// refused, nothing else comes.
func (r *engineRecord) problems(all []simulate.Problem, refused bool) error {
	if r == nil {
		return nil
	}
	now := time.Now()
	r.recorder.Problems(now, all)
	if !refused {
		return nil
	}
	return errors.Join(r.recorder.End(now, nil), r.file.Close())
}

// watch has the recording told of what happens.
func (r *engineRecord) watch(w live.Wires, c *live.Config) {
	if r == nil {
		return
	}
	r.recorder.Describe(w.Describe)
	w.Observe(r.recorder.Watch)
	c.Observe = r.recorder.Observe
}

// discard removes the recording of a service that did not begin.
func (r *engineRecord) discard() error {
	if r == nil {
		return nil
	}
	info, err := r.file.Stat()
	if err = errors.Join(err, r.file.Close()); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return os.Remove(r.file.Name())
}

// end closes the recording of a driver that ended, unless it was killed.
func (r *engineRecord) end(d *live.Driver, s store.Store, ids []string, ended error) error {
	switch {
	case r == nil:
		return nil
	case ended != nil:
		return r.file.Close()
	}
	var pending []string
	err := s.Unsettled(func(m *engine.Message, _ int) error {
		for i := range m.Exports {
			pending = append(pending, m.Exports[i].ID)
		}
		return nil
	})
	now := time.Now()
	for _, id := range ids {
		overview, effects := d.Final(id)
		r.recorder.Overview(now, id, overview, effects)
	}
	if err := errors.Join(err, r.recorder.End(now, pending), r.file.Close()); err != nil {
		return failure{exitUnjudged, err, "the recording ends where it could not be written, and is judged as cut off"}
	}
	return nil
}
