// Package upload imports audiences from CSV files: what a custom upload may
// look like, who becomes a member, and how long. PURE.
//
// A file is read as a stream: memory does not grow with it. An import is all
// or nothing, so a caller reads twice: Check first, then Read for the members.
package upload

import (
	"fmt"
	"regexp"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
)

// Namespace is the key of segmentMembership below which uploaded audiences
// stand (R75); audiences of the platform are under "ups".
const Namespace = "CustomerAudienceUpload"

// The limits of an upload (R134). A gigabyte is read as 10^9 bytes: the
// documentation does not say which, and what passes here passes there.
const (
	MaxColumns = 25
	MaxSize    = 1_000_000_000 // bytes; a file must be smaller
	MaxRecord  = 1 << 20       // bytes of one row; ours, so that an open quote cannot swallow a file
)

// The time limits of an upload (R135, R136).
const (
	DefaultTTL    = 30 * day
	MinTTL        = 1 * day
	MaxTTL        = 90 * day
	Availability  = 2 * time.Hour // from the upload until streaming sees the members, at the latest
	RefreshWindow = 7 * day       // before the expiry, in which it can be extended

	day = 24 * time.Hour
)

// externalID is the documented form of the id a user may give an audience.
var externalID = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// Spec is what a user chooses about a file.
type Spec struct {
	Identity   string        // the column that names the profiles
	Namespace  string        // of that identity: email, crm, …
	ExternalID string        // "" leaves the id to the platform
	TTL        time.Duration // 0 means DefaultTTL
	Delay      time.Duration // until streaming sees the members; 0 means Availability, which is the most
}

// Problems returns the problems of the choice itself, whatever the file. Such
// a problem has no line.
func (s Spec) Problems() []Problem {
	var out []Problem
	add := func(message, hint string) { out = append(out, Problem{Message: message, Hint: hint}) }
	if s.Identity == "" {
		add("no column is chosen as the identity", "name the column that identifies a profile, such as email")
	}
	if s.Namespace == "" {
		add("the identity has no namespace", "give the namespace the identities are in, such as email")
	}
	if s.ExternalID != "" && !externalID.MatchString(s.ExternalID) {
		add(fmt.Sprintf("the external id %q is not allowed", s.ExternalID),
			"begin with a letter, _ or $, and go on with letters, digits, _ and $")
	}
	if ttl := s.TTL; ttl != 0 && (ttl < MinTTL || ttl > MaxTTL || ttl%day != 0) {
		add(fmt.Sprintf("an expiration after %g days is not allowed", ttl.Hours()/24), "give whole days from 1 to 90; 30 is the default")
	}
	if s.Delay < 0 || s.Delay > Availability {
		add(fmt.Sprintf("members that are available after %s are too late", s.Delay), "the platform promises two hours")
	}
	return out
}

// Lifetime is how long members stay: TTL, or the default.
func (s Spec) Lifetime() time.Duration {
	if s.TTL == 0 {
		return DefaultTTL
	}
	return s.TTL
}

// Member is one row of a file: the member, and the other columns.
type Member struct {
	Row      int64 // from 1, the header not counted
	Line     int   // of the file, from 1
	Identity profile.Identity
	// Payload is the other columns. They belong to the membership, are not
	// durable, and never become attributes of the profile. Valid until the
	// next row is read.
	Payload []Attribute
}

// Attribute is one payload value.
type Attribute struct{ Name, Value string }

// Summary is what an import makes of a file.
type Summary struct {
	Columns []string // the header
	Payload []string // the columns that become payload attributes
	Rows    int64    // members, counting a row for each
	Bytes   int64    // of the file
}

// Enter is the update by which the profile of a row becomes a member. A row
// that no profile matches makes one, which has the identity of the row alone.
func Enter(id profile.ID, a profile.AudienceRef, m Member, created bool) profile.Update {
	u := profile.Update{Profile: id}
	if created {
		u.Changes = append(u.Changes, profile.Change{Op: profile.AddIdentity, Identity: m.Identity})
	}
	u.Changes = append(u.Changes, profile.Change{Op: profile.Qualify, Audience: a})
	return u
}

// Leave is the update by which the expiry of an upload ends a membership
// (R135): an exit like any other (A61).
func Leave(id profile.ID, a profile.AudienceRef) profile.Update {
	return profile.Update{Profile: id, Changes: []profile.Change{{Op: profile.Exit, Audience: a}}}
}
