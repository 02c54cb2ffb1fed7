// Package audience is the organisation's audiences. PURE.
package audience

import (
	"time"

	"github.com/httpdest/httpdest/engine/profile"
)

// Audience is one audience, from whatever origin (R2).
type Audience struct {
	Ref         profile.AudienceRef
	Name        string
	Type        string   // people unless given; account, prospect and dataset cannot be mapped (R2)
	Origin      string   // segmentation, custom-upload, look-alike, …
	Labels      []string // data usage labels (R17)
	MergePolicy string   // a label; it decides which unmapped audiences travel along (R62, R63, A50)
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Status      Status // "" means Published
}

// Status is where an audience is in its life.
type Status string

// The documented states. Evaluated and uploaded audiences are published
// automatically.
const (
	Published Status = "published"
	Draft     Status = "draft"
	Inactive  Status = "inactive"
	Deleted   Status = "deleted"
)

// Mappable reports whether a dataflow can map the audience: only a published
// one can be selected.
func (a Audience) Mappable() bool { return a.Status == "" || a.Status == Published }

// External reports whether the audience does not come from the Segmentation
// Service.
func (a Audience) External() bool { return a.Origin != "" && a.Origin != "segmentation" }

// Directory finds an audience by its reference.
type Directory map[profile.AudienceRef]Audience

// NewDirectory indexes audiences; of two with one reference the last wins.
func NewDirectory(audiences ...Audience) Directory {
	d := make(Directory, len(audiences))
	for _, a := range audiences {
		d[a.Ref] = a
	}
	return d
}
