package scenarios

import (
	"slices"
	"strings"
)

// The documented limits (R10–R12, R15).
const (
	audienceLimit    = 250
	attributeLimit   = 50
	destinationLimit = 100
	policyLimit      = 5
)

// documented reports whether the authentication is of a documented kind.
func (a Auth) documented() bool {
	return slices.Contains(authTypes, a.Type) && (a.Credentials == "" || slices.Contains(credentialsTypes, a.Credentials))
}

// wellFormed reports whether the authentication has all the fields that its
// kind requires, none of them blank, and none of another kind.
func (a Auth) wellFormed() bool {
	given := map[string]string{"token": a.Token.Reveal(), "clientID": a.ClientID, "clientSecret": a.ClientSecret.Reveal(),
		"username": a.Username, "password": a.Password.Reveal(), "credentials": a.Credentials}
	own := authFields[a.Type]
	for name, value := range given {
		i := slices.Index(own.fields, name)
		blank := strings.TrimSpace(value) == ""
		if i < 0 && value != "" || i >= 0 && i < own.optional && blank {
			return false
		}
	}
	return !a.URLEncodeBasic || a.Credentials == "basic-authorization"
}

// togglesDiffer reports whether one of the three content switches is on and
// another is off.
func (d Destination) togglesDiffer() bool {
	return d.IncludeSegmentNames != d.IncludeSegmentTimestamps || d.IncludeSegmentNames != d.IncludeMappedAudiencesOnly
}

// unnamed reports whether the name is blank.
func (d Destination) unnamed() bool { return strings.TrimSpace(d.Name) == "" }

// kindStated reports whether the audience has a type or an origin that is not
// the usual one.
func (a Audience) kindStated() bool { return a.Type != "people" || a.Origin != "segmentation" }

// withoutMapping reports whether who activates, or maps further audiences, may
// do so without mapping alone.
func (u Users) withoutMapping() bool {
	alone := func(has []string) bool {
		return slices.Contains(has, "Activate Segment without Mapping") && !slices.Contains(has, "Activate Destinations")
	}
	return alone(u.Activates) || alone(u.Maps)
}

// policiesAtLimit reports whether there are as many merge policies as are
// allowed, or two defaults of one class.
func (g Organisation) policiesAtLimit() bool {
	defaults := map[string]int{}
	for _, p := range g.MergePolicies {
		if p.Default {
			defaults[p.Class]++
		}
		if defaults[p.Class] > 1 {
			return true
		}
	}
	return len(g.MergePolicies) >= policyLimit
}

// maps reports whether a field at the top of the profile, or something in it,
// is mapped as an attribute.
func (f Dataflow) maps(top string) bool {
	return slices.ContainsFunc(f.Attributes, func(path string) bool {
		root, _, _ := strings.Cut(path, ".")
		return root == top
	})
}

// Unverifiable reports whether a sender must refuse the certificate of the
// endpoint.
func (e Endpoint) Unverifiable() bool {
	return e.TLS != "plain" && e.Certificate != "" && e.Certificate != certificateKinds[0]
}

// mapsEventAttribute reports whether a mapped attribute is one of experience
// events.
func (s *Scenario) mapsEventAttribute() bool {
	return slices.ContainsFunc(s.Dataflow.Attributes, func(path string) bool {
		return slices.ContainsFunc(s.Organisation.EventAttributes, func(event string) bool { return overlaps(path, event) })
	})
}

// violatesPolicy reports whether an enabled policy for a marketing action of
// the destination forbids a label that something mapped carries, at the start
// or after a step of the history.
func (s *Scenario) violatesPolicy() bool {
	carried := map[string]bool{}
	for _, a := range s.Audiences {
		if slices.Contains(s.Dataflow.Audiences, a.Key) {
			for _, label := range a.Labels {
				carried[label] = true
			}
		}
	}
	labels := slices.Clone(s.Organisation.Labels)
	for _, step := range s.History { // only steps with the action label have any
		labels = append(labels, step.Labels...)
	}
	for _, l := range labels {
		if slices.ContainsFunc(s.Dataflow.Attributes, func(path string) bool { return overlaps(path, l.Path) }) {
			for _, label := range l.Labels {
				carried[label] = true
			}
		}
	}
	return slices.ContainsFunc(s.Organisation.Policies, func(p UsagePolicy) bool {
		return p.Enabled && slices.Contains(s.Destination.MarketingActions, p.Action) &&
			slices.ContainsFunc(p.Labels, func(label string) bool { return carried[label] })
	})
}

// overlaps reports whether one dotted path is the other, or lies within it.
func overlaps(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// switchesOff reports whether a kind of change is off at some time.
func (s *Scenario) switchesOff() bool {
	off := func(t Triggers) bool {
		return slices.ContainsFunc(triggerKeys, func(kind string) bool { return !t.On(kind) })
	}
	return off(s.Dataflow.Triggers) || slices.ContainsFunc(s.History, func(step Step) bool { return off(step.Triggers) })
}

// subscribed reports whether the destination is subscribed to an alert.
func (s *Scenario) subscribed(kind string) bool {
	return slices.ContainsFunc(s.Destination.Alerts, func(a Alert) bool { return a.Kind == kind })
}

// hasUpload reports whether an audience has an upload.
func (s *Scenario) hasUpload() bool {
	return slices.ContainsFunc(s.Audiences, func(a Audience) bool { return a.Upload != nil })
}

// statesKinds reports whether an audience that is mapped at some time has a
// type or an origin that is not the usual one.
func (s *Scenario) statesKinds() bool {
	return slices.ContainsFunc(s.Audiences, func(a Audience) bool { return s.everMapped()[a.Key] && a.kindStated() })
}

// everMapped are the keys of the audiences that are mapped at some time.
func (s *Scenario) everMapped() map[string]bool {
	mapped := map[string]bool{}
	for _, key := range s.Dataflow.Audiences {
		mapped[key] = true
	}
	for _, step := range s.History {
		if step.Action == "map" {
			for _, key := range step.Targets {
				mapped[key] = true
			}
		}
	}
	return mapped
}
