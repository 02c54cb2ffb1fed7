package scenarios

import "slices"

// exclusions reports those that can never leave anybody out.
func (l *linter) exclusions() {
	for _, x := range l.s.Dataflow.Exclude {
		if !l.touched(x.Profiles) && !l.backfills() {
			l.warn(x.Pos, "add a step that changes it", "nothing of %s is excluded: no step changes it, and there is no backfill", x.Profiles)
		}
	}
}

// excluded reports attempts that are expected of a profile that is left out.
func (l *linter) excluded(e *Expectation) {
	names := func(x Exclusion) bool { return x.Profiles.Shared(e.Profiles) > 0 }
	if len(e.Outcomes) > 0 && slices.ContainsFunc(l.s.Dataflow.Exclude, names) {
		l.warn(e.Pos, "leave its outcomes out, or do not exclude it", "%s is excluded, so nothing of it is sent", e.Profiles)
	}
}

// alert reports a line about an alert that nobody is subscribed to.
func (l *linter) alert(e *Expectation) {
	if !e.Alert.Never && !l.subscribed(e.Alert.Kind) {
		l.warn(e.Pos, "add it to the alerts of the destination", "the alert %s never fires: the destination is not subscribed to it", e.Alert.Kind)
	}
}

func (l *linter) subscribed(kind string) bool { return l.s.subscribed(kind) }
