package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// identity is the name of a profile in one namespace: any text.
type identity struct{ namespace, id string }

// profile is one document of a message, and what is stored of a person.
type profile struct {
	identities  []identity
	identityMap json.RawMessage
	membership  map[string]map[string]entry // namespace -> audience, known or not
	attributes  map[string]json.RawMessage  // everything else
}

// entry is what a profile is to an audience.
type entry struct {
	status    string // realized or exited, "" for one that is unknown
	qualified time.Time
	fields    map[string]json.RawMessage // with a name and timestamps, or without
}

// parse reads the three forms of a message: a profile, a list of them, and a
// list in a wrapper. It refuses a body that is not a profile, and accepts
// unknown members.
func parse(body []byte) ([]profile, error) {
	body = bytes.TrimSpace(body)
	if body[0] != '[' {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(body, &members) // a body that is not an object is refused below
		if list := members["profiles"]; len(members) == 1 && bytes.HasPrefix(list, []byte("[")) {
			body = list
		} else {
			body = fmt.Appendf(nil, "[%s]", body)
		}
	}
	var profiles []profile
	err := json.Unmarshal(body, &profiles)
	return profiles, err
}

// UnmarshalJSON reads a profile document.
func (p *profile) UnmarshalJSON(document []byte) error {
	if err := json.Unmarshal(document, &p.attributes); err != nil || p.attributes == nil {
		return errors.New("a profile is an object")
	}
	if m, there := p.attributes["segmentMembership"]; there {
		if err := json.Unmarshal(m, &p.membership); err != nil {
			return fmt.Errorf("segmentMembership: %w", err)
		}
		delete(p.attributes, "segmentMembership")
	}
	if m, there := p.attributes["identityMap"]; there {
		var byNamespace map[string][]struct{ ID string }
		if err := json.Unmarshal(m, &byNamespace); err != nil {
			return fmt.Errorf("identityMap: %w", err)
		}
		for namespace, list := range byNamespace {
			for _, one := range list {
				if one.ID != "" {
					p.identities = append(p.identities, identity{namespace, one.ID})
				}
			}
		}
		p.identityMap = m
		delete(p.attributes, "identityMap")
	}
	return nil
}

// UnmarshalJSON reads an entry of segmentMembership.
func (e *entry) UnmarshalJSON(document []byte) error {
	var known struct{ Status, LastQualificationTime string }
	if err := json.Unmarshal(document, &known); err != nil {
		return err
	}
	if err := json.Unmarshal(document, &e.fields); err != nil {
		return err
	}
	switch known.Status {
	case "realized", "existing": // existing is in older samples
		e.status = "realized"
		e.fields["status"] = json.RawMessage(`"realized"`)
	case "exited":
		e.status = "exited"
	}
	var err error
	e.qualified, err = moment(known.LastQualificationTime)
	return err
}

// moment reads the five published forms of a time: Z, +0000 or +00:00, and
// each with a fraction, which Go takes after any second.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse("2006-01-02T15:04:05Z0700", text); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05Z07:00", text)
}

// after is true where e is of a later state than o. An exit keeps the time of
// the qualification that it ends, so of two at the same time it is the later.
func (e entry) after(o entry) bool {
	if !e.qualified.Equal(o.qualified) {
		return e.qualified.After(o.qualified)
	}
	return e.status == "exited" && o.status != "exited"
}

// store keeps profiles in memory. Yours keeps them where they survive.
type store struct {
	mu       sync.Mutex
	profiles map[identity]*profile
}

// add stores messages: the same twice is as once, and an older one after a
// newer one changes nothing that the newer one said.
func (s *store) add(messages []profile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		if len(m.identities) > 0 { // else there is nobody to store it for
			s.put(m)
		}
	}
}

func (s *store) put(m profile) {
	var p *profile
	for _, i := range m.identities {
		switch found := s.profiles[i]; {
		case found == nil || found == p:
		case p == nil:
			p = found
		default: // two that turn out to be one person
			p.take(found.membership)
			p.identities = append(p.identities, found.identities...)
		}
	}
	if p == nil {
		p = &profile{membership: map[string]map[string]entry{}}
	}
	// A message with an entry from before the stored one was made before it. So
	// were its attributes and identities, which have no time of their own.
	if p.take(m.membership) {
		for _, i := range p.identities {
			delete(s.profiles, i)
		}
		p.identities, p.identityMap, p.attributes = m.identities, m.identityMap, m.attributes
	}
	for _, i := range p.identities {
		s.profiles[i] = p
	}
}

// take stores entries one by one, and reports whether none was older than the
// stored one.
func (p *profile) take(membership map[string]map[string]entry) bool {
	current := true
	for namespace, audiences := range membership {
		for audience, e := range audiences {
			stored, there := p.membership[namespace][audience]
			switch {
			case e.status == "":
			case there && stored.after(e):
				current = false
			default:
				if p.membership[namespace] == nil {
					p.membership[namespace] = map[string]entry{}
				}
				p.membership[namespace][audience] = e
			}
		}
	}
	return current
}

// document is what is stored of a profile, in the form of a message.
func (s *store) document(i identity) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.profiles[i]
	if p == nil {
		return nil, false
	}
	membership := map[string]map[string]any{}
	for namespace, audiences := range p.membership {
		membership[namespace] = map[string]any{}
		for audience, e := range audiences {
			membership[namespace][audience] = e.fields
		}
	}
	document := map[string]any{"segmentMembership": membership, "identityMap": p.identityMap}
	for name, value := range p.attributes {
		document[name] = value
	}
	return document, true
}
