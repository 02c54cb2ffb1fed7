package dataflow

import (
	"slices"
	"strings"
)

// Users are those who connect the destination, who activate audiences to it and
// who map further ones later, by their permissions. A nil list may do everything.
type Users struct {
	Connects  []string
	Activates []string
	Maps      []string // who maps further audiences to a dataflow that is active
}

// The permissions of each task (access control; HTTP API destination).
var (
	toConnect                = []string{"View Destinations", "Manage Destinations"}                                                // R19
	toActivate               = []string{"View Destinations", "Activate Destinations", "View Profiles", "View Segments"}            // R20
	toActivateWithoutMapping = []string{"View Destinations", "Activate Segment without Mapping", "View Profiles", "View Segments"} // R21
)

func (u Users) connecting() []Problem {
	return permissions("users.connects", "to connect the destination", u.Connects, toConnect)
}

// activating asks for the permissions to activate. Where nothing is mapped, the
// permission to activate without mapping is enough.
func (u Users) activating(f Dataflow) []Problem {
	if len(f.Attributes) == 0 && len(lacking(u.Activates, toActivateWithoutMapping)) == 0 {
		return nil
	}
	return permissions("users.activates", "to activate audiences", u.Activates, toActivate)
}

// mapping asks for the permissions to map further audiences. Where the mapped
// attributes stay as they are, the permission to activate without mapping is
// enough (R21).
func (u Users) mapping(before, after Dataflow) []Problem {
	if slices.Equal(before.Attributes, after.Attributes) && len(lacking(u.Maps, toActivateWithoutMapping)) == 0 {
		return nil
	}
	return permissions("users.maps", "to map audiences", u.Maps, toActivate)
}

func permissions(path, task string, has, needs []string) []Problem {
	missing := lacking(has, needs)
	if len(missing) == 0 {
		return nil
	}
	return []Problem{{path, "missing " + task + ": " + strings.Join(missing, ", "), "ask an administrator for them", Error}}
}

// lacking are the needed permissions that a user has not.
func lacking(has, needs []string) []string {
	if has == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(needs), func(p string) bool { return slices.Contains(has, p) })
}
