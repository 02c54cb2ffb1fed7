package simulate

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// Service is a configuration in the engine's words, for an engine that runs
// as a service.
type Service struct {
	Flow *dataflow.Snapshot // activated, unless the configuration says otherwise
	// Problems are all that the engine finds in the configuration.
	Problems []dataflow.Problem
	// Uploads are the audiences whose members come from files, by their keys.
	Uploads map[string]live.Upload
	// Configuration is what actions of people are judged by.
	Configuration dataflow.Configuration

	audiences map[string]profile.AudienceRef
}

// NewService translates a configuration that scenarios.LoadService read, and
// activates its dataflow, unless it says activated: false. The error is every problem for which the engine refuses
// it; then Problems is all that the service has.
func NewService(sc *scenarios.Scenario, now time.Time) (*Service, error) {
	c := configure(sc)
	if invalid := dataflow.Errors(c.problems); len(invalid) > 0 {
		return &Service{Problems: c.problems}, fmt.Errorf("%s: %w", sc.Pos.File, dataflow.Invalid(invalid))
	}
	snapshot := dataflow.NewSnapshot(c.Flow, c.Audiences)
	if sc.Dataflow.Activated {
		snapshot, _ = snapshot.Activate(now)
	}
	return &Service{Flow: snapshot, Problems: c.problems, Uploads: c.uploads(), Configuration: c.Configuration, audiences: c.refs}, nil
}

// uploads are the audiences whose members come from files.
func (c *configuration) uploads() map[string]live.Upload {
	out := map[string]live.Upload{}
	for _, a := range c.scenario.Audiences {
		if a.Upload != nil {
			out[a.Key] = live.Upload{Audience: c.refs[a.Key], Spec: uploadSpec(a.Upload)}
		}
	}
	return out
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
