package dataflow

import (
	"github.com/httpdest/httpdest/engine/profile"
)

// Dataflow is one activation of a destination: what is mapped, and how much
// may be under way.
type Dataflow struct {
	ID          string
	Destination Destination
	Audiences   []profile.AudienceRef
	Attributes  []profile.Path
	// Schedule is empty: the dataflow has no schedule and no end date, it
	// exports whenever it is enabled (R22).
	Schedule    string
	MaxInFlight int // attempts under way at once (A18)
	// AnyProfile lets attribute and identity triggers fire for profiles in no
	// mapped audience (A42); off by default.
	AnyProfile bool
	Suppressed Suppressed
	// Exclusions leave profiles out of what is sent. Nothing makes this
	// destination exclude one by itself (A82): they are injected.
	Exclusions []Exclusion
}

// Suppressed are the kinds of changes that are switched off ("When to activate",
// R53). The zero value switches nothing off, which is the default (R55).
//
// External counts only where a reading gives it a meaning.
type Suppressed struct{ Attribute, Audience, Identity, External bool }

// Exclusion leaves profiles out, and says why: "missing-attributes" or
// "consent-violation".
type Exclusion struct {
	Profiles func(profile.ID) bool
	Reason   string
}

// Excludes is the reason why a profile is left out, "" when it is not.
func (f Dataflow) Excludes(id profile.ID) string {
	for _, e := range f.Exclusions {
		if e.Profiles(id) {
			return e.Reason
		}
	}
	return ""
}
