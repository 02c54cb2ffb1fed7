package simulate

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// Services are the dataflows of a configuration in the engine's words, for an engine that
// runs as a service.
type Services struct {
	Each     []*Service // in the order of the configuration
	Problems []Problem  // all that the engine finds in the configuration
	// Uploads are the audiences whose members come from files, by their keys.
	Uploads map[string]live.Upload

	audiences
}

// Service is one of them.
type Service struct {
	Flow *dataflow.Snapshot // activated, unless the configuration says otherwise
	// Configuration is what actions of people are judged by.
	Configuration dataflow.Configuration

	audiences
}

// audiences are a configuration's, by the keys updates name them by.
type audiences map[string]profile.AudienceRef

// NewServices translates a configuration that scenarios.LoadService read, and
// activates its dataflows, except those with activated: false. The error is every
// problem for which the engine refuses it; then Services has the problems alone.
func NewServices(sc *scenarios.Scenario, now time.Time) (*Services, error) {
	c := configure(sc)
	all := &Services{Problems: c.problems, Uploads: c.uploads(), audiences: c.refs}
	if invalid := c.invalid(); len(invalid) > 0 {
		return all, fmt.Errorf("%s: %w", sc.Pos.File, dataflow.Invalid(invalid))
	}
	for _, f := range c.flows {
		snapshot := dataflow.NewSnapshot(f.Flow, c.audiences)
		if f.part.Dataflow.Activated {
			snapshot, _ = snapshot.Activate(now)
		}
		all.Each = append(all.Each, &Service{snapshot, f.Configuration, c.refs})
	}
	return all, nil
}

// NewService is NewServices for a configuration with one dataflow.
func NewService(sc *scenarios.Scenario, now time.Time) (*Service, error) {
	all, err := NewServices(sc, now)
	if err != nil {
		return nil, err
	}
	return all.Each[0], nil
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

// Dataflow is what an engine takes over, for a destination with or without a client
// certificate.
func (s *Service) Dataflow(encrypted, hasCertificate bool) flow.Dataflow {
	return flow.Dataflow{Snapshot: s.Flow, Settings: s.SettingsFor(encrypted, hasCertificate), Configuration: s.Configuration}
}

// Audience finds an audience by the key updates name it by.
func (a audiences) Audience(key string) (profile.AudienceRef, bool) {
	ref, ok := a[key]
	return ref, ok
}

// Destination translates a destination with an endpoint of its own.
func Destination(d scenarios.Destination) dataflow.Destination {
	out := dataflowOf(&scenarios.Scenario{Destination: d}, nil).Destination
	out.PlainHost = "" // that of the simulation's own receiver
	return out
}
