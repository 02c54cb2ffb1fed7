package scenarios

// flows writes where exports go and what is mapped.
func (e *encoder) flows(m mapping) {
	s := e.scenario
	if s.Flows == nil {
		m.section("destination", destinationNode(s.Destination))
		m.section("dataflow", dataflowNode(s.Dataflow, s.History))
		return
	}
	destinations, dataflows := newMapping(), newMapping()
	for _, d := range s.Flows.Destinations {
		destinations.put(d.Key, destinationNode(d))
	}
	for _, part := range s.Split() {
		dataflows.put(part.Dataflow.Key, dataflowNode(part.Dataflow, part.History))
	}
	m.section("destinations", destinations.Node)
	m.section("dataflows", dataflows.Node)
}

// endpoints writes those that are not as they would be without a word.
func (e *encoder) endpoints(m mapping) {
	s := e.scenario
	if s.Flows == nil {
		m.section("endpoint", endpointNode(s.Endpoint, s.Destination.Auth))
		return
	}
	all := newMapping()
	for i, d := range s.Flows.Destinations {
		all.section(d.Key, endpointNode(s.Flows.Endpoints[i], d.Auth))
	}
	m.section("endpoints", all.Node)
}
