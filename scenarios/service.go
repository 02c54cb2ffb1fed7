package scenarios

import (
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v4"
)

// LoadService reads the configuration of an engine that runs as a service: the
// blocks audiences, organisation, users, destination and dataflow of a scenario,
// where the endpoint is a URL. The engine reports a configuration that the
// destination itself would refuse. The error is Problems, all of them.
func LoadService(file string) (*Scenario, error) {
	content, err := contentOf(file)
	if err != nil {
		return nil, err
	}
	return ParseService(filepath.ToSlash(file), content, time.Now().UTC().Truncate(time.Second))
}

// ParseService is LoadService for the content of a file. An audience without
// dates was created 30 days before now.
func ParseService(name string, content []byte, now time.Time) (*Scenario, error) {
	d := &decoder{file: name}
	root := d.document(content)
	if root == nil {
		return nil, d.result().err()
	}
	r := newReader(d, &Scenario{ID: "serve", Seed: 1, Start: now, Pos: d.pos(root)})
	r.configurationUnderTest, r.service = true, true
	r.readService(root)
	if problems := d.result(); len(problems) > 0 {
		return nil, problems
	}
	return r.scenario, nil
}

func (r *reader) readService(root *yaml.Node) {
	o := r.object(root, "a configuration of serve")
	if o == nil {
		return
	}
	r.scenario.Seed = uint64(o.integer("seed", 0, 1<<63-1, 1))
	r.readAudiences(o.require("audiences", "define the audiences that updates name"))
	r.readOrganisation(o.take("organisation"), o.take("users"))
	if !o.has("destinations") && !o.has("dataflows") {
		o.require("destination", "write destination: {endpoint: https://host/path}")
		o.require("dataflow", "add the mapping: dataflow: {audiences: […], attributes: […]}")
	}
	r.readFlows(o)
	r.readExclusions()
	o.end()
	if n := o.valueOf("destination"); n != nil && r.scenario.Flows == nil && r.scenario.Destination.Endpoint == "mock" {
		r.problem(n, "write endpoint: https://host/path", "destination has no endpoint to send to")
	}
	if r.scenario.Flows == nil {
		return
	}
	for _, d := range r.scenario.Flows.Destinations {
		if d.Endpoint == "mock" {
			r.problemAt(d.Pos.Line, d.Pos.Column, "write endpoint: https://host/path", "the destination "+d.Key+" has no endpoint to send to")
		}
	}
}
