package scenarios

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// UploadNamespace is the key of segmentMembership below which audiences from
// CSV files travel, unless they are given another (R75).
const UploadNamespace = "CustomerAudienceUpload"

// UploadDelay is how long an upload takes until streaming sees its members:
// the longest that is promised, unless a scenario sets less (R136).
const UploadDelay = 2 * time.Hour

// UploadTTL is how long the members of an upload stay unless it sets how long
// (R135).
const UploadTTL = 30 * day

// uploadSize is the size in bytes that a file must stay below. A larger file is
// not read to its end here; the sender refuses it.
const uploadSize = 1_000_000_000

// Upload is the CSV file that an audience comes from. The sender accepts or
// refuses its content.
type Upload struct {
	File      string // as positions name it; "" when the rows are in the scenario
	Rows      string // the text of the file, without File; that of a service has neither
	Identity  string // the column that names the profiles
	Namespace string // of that identity; the column unless given
	// ExternalID is the id a user gave, "" for none.
	ExternalID string
	At         time.Duration // after Start
	Delay      time.Duration // after At: streaming sees the members
	TTL        time.Duration // after At: the members exit
	// Created are the profiles that rows without a match make: row 3 makes
	// vip-row-3. There are at least as many names as rows.
	Created NameRange
	Pos     Position
	open    func() (io.ReadCloser, error) // of File
}

// Open reads the file from its start.
func (u *Upload) Open() (io.ReadCloser, error) {
	if u.open == nil {
		return io.NopCloser(strings.NewReader(u.Rows)), nil
	}
	return u.open()
}

// Members are the identities of the rows in their order, for those who judge
// what a sender made of the file. The nth row is that of Created.At(n-1).
func (u *Upload) Members() (members []Identity, err error) {
	file, err := u.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	rows := csv.NewReader(file)
	header, err := rows.Read()
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\uFEFF")
	column := slices.Index(header, u.Identity)
	if column < 0 {
		return nil, fmt.Errorf("no column %s", u.Identity)
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		members = append(members, Identity{u.Namespace, row[column]})
	}
}

// Equal compares the content of two uploads, wherever they are in the file; cmp
// calls it.
func (u *Upload) Equal(other *Upload) bool {
	if u == nil || other == nil {
		return u == other
	}
	a, b := *u, *other
	a.open, a.Pos, b.open, b.Pos = nil, Position{}, nil, Position{}
	return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// upload reads `upload:` of an audience.
func (r *reader) upload(n *yaml.Node, audience string) *Upload {
	o := r.object(n, "the upload of "+short(audience))
	if o == nil {
		return nil
	}
	u := &Upload{Pos: r.pos(n)}
	u.Identity = o.line("identity")
	u.Namespace = cmp.Or(o.line("namespace"), u.Identity)
	u.ExternalID = o.line("externalID")
	u.At, _ = o.duration("at")
	u.Delay, u.TTL = UploadDelay, UploadTTL
	if delay, given := o.duration("available"); given {
		if u.Delay = delay; delay > UploadDelay {
			r.problem(o.at("available"), "2h is the longest, and the default", "available: %s is later than the platform promises", o.valueOf("available").Value)
		}
	}
	if ttl, given := o.duration("ttl"); given {
		u.TTL = ttl
	}
	r.uploadSource(o, u)
	o.end()
	if r.service {
		return u
	}
	rows := r.countRows(o, u)
	u.Created = NameRange{Prefix: audience + "-row-", First: 1, Last: max(rows, 1), Numbered: true}
	return u
}

// uploadSource reads `file:` or `rows:`.
func (r *reader) uploadSource(o *object, u *Upload) {
	file, rows := o.take("file"), o.take("rows")
	switch {
	case r.service && (file != nil || rows != nil):
		r.problem(o.node, "send the file to POST /audiences/KEY/upload while it runs", "%s has rows, and a service takes them over HTTP", o.what)
		return
	case r.service:
		return
	case file != nil && rows != nil:
		r.problem(o.at("rows"), "leave one out", "both file and rows")
	case file == nil && rows == nil && !o.has("file") && !o.has("rows"):
		r.problem(o.node, "add file: members.csv, or rows: | and the lines of one", "%s has neither file nor rows", o.what)
	}
	u.Rows = r.text(rows, "rows")
	name := r.line(file, "file")
	switch {
	case name == "" || rows != nil: // not a file, or not that alone
		return
	case path.IsAbs(name) || strings.Contains(name, `\`) || strings.Contains(name, ":"):
		r.problem(file, "write members.csv, or data/members.csv with slashes", "file must be a path relative to the scenario")
		return
	}
	u.File = path.Join(path.Dir(r.file), name)
	files := r.files
	u.open = func() (io.ReadCloser, error) {
		if files == nil {
			return nil, errors.New("the scenario was not read from a folder")
		}
		return files(name)
	}
}

// countRows counts the lines, which are at least as many as there are rows. It
// shows too that the file can be read.
func (r *reader) countRows(o *object, u *Upload) int64 {
	at := o.node
	if o.has("file") {
		at = o.valueOf("file")
	}
	file, err := u.Open()
	if err != nil {
		r.problem(at, "the path counts from the folder of the scenario", "%s", unreadable(u.File, err).Message)
		return 0
	}
	lines, err := countLines(file)
	if err = errors.Join(err, file.Close()); err != nil {
		r.problem(at, "the path counts from the folder of the scenario", "%s", unreadable(u.File, err).Message)
	}
	return lines
}

func countLines(file io.Reader) (int64, error) {
	lines := int64(0)
	b := bufio.NewReaderSize(io.LimitReader(file, uploadSize), 64<<10)
	for {
		part, err := b.ReadSlice('\n')
		switch {
		case err == nil:
			lines++
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			if len(part) > 0 {
				lines++
			}
			return lines, nil
		default:
			return lines, err
		}
	}
}

// readUploaded adds the profiles that uploads make, once all others are known.
func (r *reader) readUploaded() {
	for i := range r.scenario.Audiences {
		a := &r.scenario.Audiences[i]
		if a.Upload == nil {
			continue
		}
		for _, g := range r.scenario.Profiles {
			if g.Names.Shared(a.Upload.Created) > 0 {
				r.problemAt(g.Pos.Line, g.Pos.Column, "choose another name",
					fmt.Sprintf("%s is the name of profiles that the upload of %s makes", g.Names, a.Key))
			}
		}
		r.scenario.Profiles = append(r.scenario.Profiles, ProfileGroup{Names: a.Upload.Created, NoIdentity: true, UploadOf: a.Key, Pos: a.Upload.Pos})
	}
	r.scenario.groups = indexGroups(r.scenario.Profiles)
	for _, g := range r.scenario.Profiles {
		for _, m := range g.Memberships {
			r.ownMembers(g.Pos, m.Audience)
		}
		if g.Generate != nil {
			for _, share := range g.Generate.Audiences {
				r.ownMembers(g.Pos, share.Audience)
			}
		}
	}
}

// ownMembers reports a membership in an uploaded audience that is not a row of
// its file.
func (r *reader) ownMembers(at Position, audience string) {
	if r.uploadOf(audience) != nil {
		r.problemAt(at.Line, at.Column, "add a row to the upload instead", "the members of "+audience+" are the rows of its upload")
	}
}

// uploadOf is the upload of an audience; nil for none.
func (r *reader) uploadOf(audience string) *Upload {
	i := slices.IndexFunc(r.scenario.Audiences, func(a Audience) bool { return a.Key == audience })
	if i < 0 {
		return nil
	}
	return r.scenario.Audiences[i].Upload
}

// uploadSteps checks what a step does with uploaded audiences.
func (r *reader) uploadSteps(o *object, s Step) {
	for _, c := range s.Changes {
		if c.Audience != "" {
			r.ownMembers(s.Pos, c.Audience)
		}
	}
	if s.Action != "refresh" {
		return
	}
	for _, key := range s.Targets {
		if r.uploadOf(key) == nil {
			r.problem(o.at("refresh"), "give the audience an upload", "refresh: %s is not uploaded", key)
		}
	}
}
