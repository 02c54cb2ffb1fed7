package scenarios

import (
	"errors"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/limits"
)

// within reports what exceeds a limit of the table that intake enforces too,
// and reports whether nothing does. err is that of package limits.
func (d *decoder) within(n *yaml.Node, what string, err error) bool {
	var exceeded *limits.Exceeded
	if !errors.As(err, &exceeded) {
		return true
	}
	d.problem(n, exceeded.Hint, "%s: %s", what, exceeded)
	return false
}

// changesWithin holds one update against the limits that bind it as a whole.
func (r *reader) changesWithin(n *yaml.Node, changes []Change) {
	size := 0
	for _, c := range changes {
		size += len(c.Path) + len(c.Audience) + len(c.Identity.Namespace) + len(c.Identity.ID) + len(c.To) + limits.Size(c.Value)
	}
	if r.within(n, "the step", limits.UpdateChanges.Check(len(changes))) {
		r.within(n, "the step", limits.UpdateBytes.Check(size))
	}
}

// profileWithin holds a profile at the start against the limits.
func (r *reader) profileWithin(n *yaml.Node, g ProfileGroup) {
	size := limits.Size(g.Attributes)
	for _, id := range g.Identities {
		size += limits.IdentitySize(id.ID)
	}
	if r.within(n, "the profile "+short(g.Names.String()), limits.ProfileIdentities.Check(len(g.Identities))) {
		r.within(n, "the profile "+short(g.Names.String()), limits.ProfileBytes.Check(size))
	}
}
