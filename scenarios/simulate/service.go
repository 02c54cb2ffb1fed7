package simulate

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// Service is a configuration in the engine's words, for an engine that runs
// as a service.
type Service struct {
	Flow *dataflow.Snapshot // activated
	// Warnings are problems for which the configuration is not refused.
	Warnings []dataflow.Problem
	// Configuration is what actions of people are judged by.
	Configuration dataflow.Configuration

	audiences map[string]profile.AudienceRef
}

// NewService translates a configuration that scenarios.LoadService read, and
// activates its dataflow. The error is every problem the engine finds in it.
func NewService(sc *scenarios.Scenario, now time.Time) (*Service, error) {
	audiences, refs := directory(sc)
	flow := dataflowOf(sc, refs)
	problems := flow.Problems(audiences)
	if invalid := dataflow.Errors(problems); len(invalid) > 0 {
		return nil, fmt.Errorf("%s: %w", sc.Pos.File, dataflow.Invalid(invalid))
	}
	snapshot, _ := dataflow.NewSnapshot(flow, audiences).Activate(now)
	c := dataflow.Configuration{Flow: flow, Audiences: audiences, Organisation: organisation(sc), Users: dataflow.Users(sc.Users), Activated: true}
	return &Service{Flow: snapshot, Warnings: problems, Configuration: c, audiences: refs}, nil
}

// SettingsFor are the dispatcher's, for a destination with or without a client
// certificate.
func (s *Service) SettingsFor(encrypted, hasCertificate bool) engine.Settings {
	return settings(s.Flow.Flow, encrypted, hasCertificate)
}

// Audience finds an audience by the key updates name it by.
func (s *Service) Audience(key string) (profile.AudienceRef, bool) {
	ref, ok := s.audiences[key]
	return ref, ok
}

// Destination translates a destination with an endpoint of its own.
func Destination(d scenarios.Destination) dataflow.Destination {
	out := dataflowOf(&scenarios.Scenario{Destination: d}, nil).Destination
	out.PlainHost = "" // that of the simulation's own receiver
	return out
}
