package simulate

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// uploaded is one upload of a scenario and how far it is.
type uploaded struct {
	audience *scenarios.Audience
	ref      profile.AudienceRef
	term     upload.Term
	lapse    *event // the expiry
}

// uploadRef is where an uploaded audience stands in segmentMembership. The
// namespace of an upload is the engine's own word, unless it is given another.
func uploadRef(a scenarios.Audience) profile.AudienceRef {
	ref := profile.AudienceRef{Namespace: a.Namespace, ID: a.ID}
	if a.Upload != nil && a.Namespace == scenarios.UploadNamespace {
		ref.Namespace = upload.Namespace
	}
	return ref
}

// uploadSpec translates what a scenario chooses about a file.
func uploadSpec(u *scenarios.Upload) upload.Spec {
	s := upload.Spec{Identity: u.Identity, Namespace: u.Namespace, ExternalID: u.ExternalID}
	// What the scenario leaves to the platform is the engine's to know.
	if u.TTL != scenarios.UploadTTL {
		s.TTL = u.TTL
	}
	if u.Delay != scenarios.UploadDelay {
		s.Delay = u.Delay
	}
	return s
}

// uploadProblems has the engine judge every file, without importing any.
func uploadProblems(sc *scenarios.Scenario) []dataflow.Problem {
	var out []dataflow.Problem
	for _, a := range sc.Audiences {
		if a.Upload == nil {
			continue
		}
		add := func(message, hint string) {
			out = append(out, dataflow.Problem{Path: uploadPath(a.Key), Message: message, Hint: hint, Level: dataflow.Error})
		}
		_, err := readUpload(a.Upload, nil)
		var refused upload.Refused
		switch {
		case errors.As(err, &refused):
			for _, p := range refused.Problems {
				if p.Line > 0 {
					p.Message = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Message)
				}
				add(p.Message, p.Hint)
			}
			if refused.More > 0 {
				add(fmt.Sprintf("%d more problems", refused.More), "correct these first")
			}
		case err != nil:
			add("the file cannot be read: "+err.Error(), "check the file and its disk")
		}
	}
	return out
}

// uploadPath is the place of an upload in a configuration.
func uploadPath(audience string) string { return "audiences." + audience + ".upload" }

// readUpload reads a file from its start; take is nil to check it only.
func readUpload(u *scenarios.Upload, take func(upload.Member) error) (summary upload.Summary, err error) {
	file, err := u.Open()
	if err != nil {
		return upload.Summary{}, err
	}
	defer func(c io.Closer) { err = errors.Join(err, c.Close()) }(file)
	return upload.Read(file, uploadSpec(u), take)
}

// armUploads puts on the agenda when files are uploaded, when streaming sees
// their members, and when they expire. An expiry does not prolong a history.
func (d *driver) armUploads() {
	d.uploads = map[string]*uploaded{}
	for i := range d.scenario.Audiences {
		a := &d.scenario.Audiences[i]
		if a.Upload == nil {
			continue
		}
		at := d.scenario.Start.Add(a.Upload.At)
		u := &uploaded{audience: a, ref: d.population.refs[a.Key], term: upload.NewTerm(at, uploadSpec(a.Upload))}
		d.uploads[a.Key] = u
		d.agenda.add(at, start, func() error {
			d.recorder.action(d.now, &scenarios.Step{Action: "upload"}, []profile.AudienceRef{u.ref})
			return nil
		})
		d.agenda.add(u.term.Available(), start, func() error { return d.ingest(u) })
		d.scheduleLapse(u)
	}
}

// scheduleLapse replaces the expiry of an upload.
func (d *driver) scheduleLapse(u *uploaded) {
	if u.lapse != nil {
		d.agenda.disarm(u.lapse)
	}
	u.lapse = d.agenda.add(u.term.Expires(), lapse, func() error { return d.expire(u) })
}

// ingest makes the rows of a file members. A row whose identity no profile has
// makes a profile; of two rows for one profile the first counts.
func (d *driver) ingest(u *uploaded) error {
	b := newBatch()
	_, err := readUpload(u.audience.Upload, func(m upload.Member) error {
		if b.rows[m.Identity] {
			return nil
		}
		has, found, err := d.population.resolve(m.Identity)
		switch {
		case err != nil:
			return fmt.Errorf("store: %w", err)
		case !found:
			has.ID = profile.ID(u.audience.Upload.Created.At(m.Row - 1))
		case has.In(u.ref):
			return nil
		}
		b.add(string(has.ID), m.Identity, upload.Enter(has.ID, u.ref, m, !found))
		if len(b.names) < chunk {
			return nil
		}
		full := b
		b = newBatch()
		return d.updates(full.names, full.of)
	})
	if err != nil {
		return err
	}
	return d.updates(b.names, b.of)
}

// batch is updates of different profiles that are decided together.
type batch struct {
	names   []string
	updates map[string]profile.Update
	rows    map[profile.Identity]bool // whose updates these are
}

func newBatch() *batch {
	return &batch{updates: map[string]profile.Update{}, rows: map[profile.Identity]bool{}}
}

func (b *batch) add(name string, row profile.Identity, u profile.Update) {
	b.rows[row] = true
	if _, there := b.updates[name]; !there {
		b.names = append(b.names, name)
		b.updates[name] = u
	}
}

func (b *batch) of(name string) profile.Update { return b.updates[name] }

// expire has everybody exit who is still a member.
func (d *driver) expire(u *uploaded) error {
	d.recorder.action(d.now, &scenarios.Step{Action: "expire"}, []profile.AudienceRef{u.ref})
	members, err := d.population.members([]profile.AudienceRef{u.ref})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for some := range slices.Chunk(members, chunk) {
		names := make([]string, len(some))
		for i, id := range some {
			names[i] = string(id)
		}
		if err := d.updates(names, func(name string) profile.Update { return upload.Leave(profile.ID(name), u.ref) }); err != nil {
			return err
		}
	}
	return nil
}

// refresh starts the time of uploads anew; one that cannot be refreshed now
// is a problem, and stays as it is.
func (d *driver) refresh(audiences []string) error {
	now := d.now
	for _, key := range audiences {
		u := d.uploads[key]
		term, err := u.term.Refresh(now)
		if err != nil {
			d.recorder.problem(now, dataflow.Problem{Path: uploadPath(key), Message: err.Error(), Hint: "refresh it within the last 7 days before it expires",
				Level: dataflow.Error}, "refresh")
			continue
		}
		d.recorder.action(now, &scenarios.Step{Action: "refresh"}, []profile.AudienceRef{u.ref})
		u.term = term
		d.scheduleLapse(u)
	}
	return nil
}
