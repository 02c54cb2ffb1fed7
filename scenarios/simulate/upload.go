package simulate

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

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
	// Values that the scenario leaves to the platform are the engine's.
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
		var refused upload.Refused
		switch u := a.Upload; {
		case u == nil:
		case u.Created.Prefix == "": // its file is sent to a service
			refused.Problems = uploadSpec(u).Problems()
			out = append(out, fileProblems(a.Key, refused)...)
		default:
			_, err := readUpload(u, nil)
			if errors.As(err, &refused) {
				out = append(out, fileProblems(a.Key, refused)...)
			} else if err != nil {
				out = append(out, fileProblem(a.Key, "the file cannot be read: "+err.Error(), "check the file and its disk"))
			}
		}
	}
	return out
}

// fileProblems are the problems of a file as those of a configuration.
func fileProblems(audience string, refused upload.Refused) (out []dataflow.Problem) {
	for _, p := range refused.Problems {
		if p.Line > 0 {
			p.Message = fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.Message)
		}
		out = append(out, fileProblem(audience, p.Message, p.Hint))
	}
	if refused.More > 0 {
		out = append(out, fileProblem(audience, fmt.Sprintf("%d more problems", refused.More), "correct these first"))
	}
	return out
}

func fileProblem(audience, message, hint string) dataflow.Problem {
	return dataflow.Problem{Path: uploadPath(audience), Message: message, Hint: hint, Level: dataflow.Error}
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

// armUploads puts on the agenda when files are uploaded.
func (d *driver) armUploads() {
	d.uploads = map[profile.AudienceRef]*scenarios.Audience{}
	for i := range d.scenario.Audiences {
		a := &d.scenario.Audiences[i]
		if a.Upload == nil {
			continue
		}
		at, ref := d.scenario.Start.Add(a.Upload.At), d.population.refs[a.Key]
		d.uploads[ref] = a
		d.agenda.add(at, start, func() error { return d.perform(d.runtime.Upload(d.now, ref, uploadSpec(a.Upload), flow.File{})) })
	}
}

// ingest makes the rows of uploaded files members. A row whose identity no
// profile has makes a profile; of two rows for one profile the first counts.
func (d *driver) ingest(refs []profile.AudienceRef) error {
	for _, ref := range refs {
		b, file := newBatch(), d.uploads[ref].Upload
		_, err := readUpload(file, func(m upload.Member) error {
			if b.rows[m.Identity] {
				return nil
			}
			has, found, err := d.population.resolve(m.Identity)
			switch {
			case err != nil:
				return fmt.Errorf("store: %w", err)
			case !found:
				has.ID = profile.ID(file.Created.At(m.Row - 1))
			case has.In(ref):
				return nil
			}
			b.add(string(has.ID), m.Identity, upload.Enter(has.ID, ref, m, !found))
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
		if err := d.updates(b.names, b.of); err != nil {
			return err
		}
		d.runtime.Imported(ref)
	}
	return nil
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
func (d *driver) expire(refs []profile.AudienceRef) error {
	for _, ref := range refs {
		members, err := d.population.members([]profile.AudienceRef{ref})
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		for some := range slices.Chunk(members, chunk) {
			names := make([]string, len(some))
			for i, id := range some {
				names[i] = string(id)
			}
			leave := func(name string) profile.Update { return upload.Leave(profile.ID(name), ref) }
			if err := d.updates(names, leave); err != nil {
				return err
			}
		}
		d.runtime.Expired(ref)
	}
	return nil
}

// refresh starts the time of uploads anew.
func (d *driver) refresh(s *scenarios.Step) error {
	for _, key := range s.Targets {
		a := flow.Action{Kind: flow.Refresh, Audiences: []profile.AudienceRef{d.population.refs[key]}}
		e := d.runtime.Act(d.now, a)
		for i := range e.Problems {
			e.Problems[i].Path = uploadPath(key)
		}
		d.recorder.judged(d.now, &scenarios.Step{Action: s.Action}, a, e)
		if err := d.perform(e); err != nil {
			return err
		}
	}
	return nil
}
