package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
)

// part is the part of a scenario that a capture is judged by: what one sender, or one
// dataflow of it, was to send to one endpoint.
func (j judging) part(sc *scenarios.Scenario) (*scenarios.Scenario, error) {
	part, err := onePart(sc, j.dataflow)
	if err != nil || sc.Flows == nil {
		return part, err
	}
	for _, other := range sc.Flows.Dataflows {
		if other.To == part.Dataflow.To && other.Key != part.Dataflow.Key && len(j.urls) == 0 {
			return nil, failure{exitUsage, fmt.Errorf("the dataflows %s and %s have one destination, and a capture does not tell which of them sent a request",
				part.Dataflow.Key, other.Key), "give each a URL of its own, and --url to judge one of them"}
		}
	}
	return part, nil
}

// onePart is the part of a scenario that is about one dataflow: the only one, or the one
// that --dataflow names.
func onePart(sc *scenarios.Scenario, dataflow string) (*scenarios.Scenario, error) {
	parts := sc.Split()
	switch {
	case sc.Flows == nil && dataflow != "":
		return nil, failure{exitUsage, errors.New("--dataflow: the scenario has one dataflow, which has no name"), "leave it out"}
	case dataflow == "" && len(parts) == 1:
		return parts[0], nil
	}
	if part, known := sc.Only(dataflow); known {
		return part, nil
	}
	var keys []string
	for _, p := range parts {
		keys = append(keys, p.Dataflow.Key)
	}
	wrong := fmt.Errorf("the scenario has no dataflow %q", dataflow)
	if dataflow == "" {
		wrong = fmt.Errorf("the scenario has %d dataflows", len(keys))
	}
	return nil, failure{exitUsage, wrong, "give --dataflow one of " + some(keys)}
}

// oneEndpoint is a part of a scenario with the endpoint of one destination: the only one,
// or the one that --destination names.
func oneEndpoint(sc *scenarios.Scenario, destination string) (*scenarios.Scenario, error) {
	var keys []string
	for _, p := range sc.Split() {
		if p.Destination.Key == destination && (destination != "" || sc.Flows == nil) {
			return p, nil
		}
		if n := len(keys); n == 0 || keys[n-1] != p.Destination.Key {
			keys = append(keys, p.Destination.Key)
		}
	}
	switch {
	case sc.Flows == nil:
		return nil, failure{exitUsage, errors.New("--destination: the scenario has one destination, which has no name"), "leave it out"}
	case destination == "" && len(sc.Flows.Destinations) == 1:
		return sc.Split()[0], nil
	case destination == "":
		return nil, failure{exitUsage, fmt.Errorf("the scenario has %d destinations, each with an endpoint", len(sc.Flows.Destinations)),
			"give --destination one of " + strings.Join(keys, ", ") + ", and start one mock for each"}
	}
	return nil, failure{exitUsage, fmt.Errorf("the scenario has no destination %q", destination), "give --destination one of " + strings.Join(keys, ", ")}
}
