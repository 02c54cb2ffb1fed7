package dataflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/profile"
)

// pathProblem is what keeps a path from being mapped: it must be dotted
// names, and identities cannot be mapped (R16).
func pathProblem(path profile.Path) (message, hint string) {
	parts := strings.Split(string(path), ".")
	switch {
	case slices.Contains(parts, ""):
		return fmt.Sprintf("%q is not a dotted attribute path", path), "person.name.firstName"
	case parts[0] == "identityMap":
		return "identities cannot be mapped; all of them are exported anyway", "leave it out"
	case parts[0] == "segmentMembership":
		return "segmentMembership is part of every export and cannot be mapped", "leave it out"
	}
	return "", ""
}
