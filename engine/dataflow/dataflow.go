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
	MaxInFlight int // attempts under way at once (A18)
	// AnyProfile lets attribute and identity triggers fire for profiles in no
	// mapped audience (A42); off by default.
	AnyProfile bool
}
