package dataflow

import (
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/profile"
)

// contacts are standard fields that identify a person, without a name that
// shows it.
var contacts = []profile.Path{
	"personalEmail.address", "workEmail.address", "mobilePhone.number", "homePhone.number", "workPhone.number",
}

// identifies reports whether an attribute looks like a unique identifier: its
// name is id or ends in Id or ID, or it is an address or a number of the
// person.
func identifies(path profile.Path) bool {
	name := string(path[strings.LastIndexByte(string(path), '.')+1:])
	if strings.EqualFold(strings.TrimPrefix(name, "_"), "id") || strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID") {
		return true
	}
	return slices.ContainsFunc(contacts, path.Covers)
}

// adviseIdentifier advises to map a unique identifier (R14, a recommendation).
func (f Dataflow) adviseIdentifier() []Problem {
	if slices.ContainsFunc(f.Attributes, identifies) {
		return nil
	}
	return []Problem{{"dataflow.attributes", "no mapped attribute looks like a unique identifier",
		"map one, such as personalEmail.address; the identityMap travels anyway", Advice}}
}
