package scenarios

import (
	"time"
)

// EncodeService writes what of a scenario an engine that runs as a service is
// configured by; ParseService reads it back. The endpoints, and where tokens are
// fetched their URLs, must not be the mock's. The files of uploads are sent to it.
func EncodeService(s *Scenario) ([]byte, error) {
	undated := *s
	undated.Start = time.Time{} // the dates of audiences are written, and not counted from the start
	undated.History = nil
	e := &encoder{scenario: &undated, service: true}
	m := newMapping()
	given(m, "seed", s.Seed, 1)
	m.put("audiences", e.audiences())
	m.section("organisation", e.organisation())
	m.section("users", e.users())
	if s.Flows == nil {
		m.put("destination", destinationNode(s.Destination))
		m.put("dataflow", dataflowNode(s.Dataflow, nil))
	} else {
		e.flows(m)
	}
	return e.document(m.Node)
}
