package scenarios

import "fmt"

// encodeFault writes the nth fault.
func encodeFault(f Fault, n int) mapping {
	m := newMapping().flow()
	given(m, "id", f.ID, fmt.Sprintf("fault-%d", n))
	if !f.AnyProfile {
		m.put("profiles", f.Profiles)
	}
	if f.Requests != (Count{}) {
		given(m, "requests", f.Requests, Count{First: 1})
	}
	given(m, "every", f.Every, 0)
	given(m, "connections", f.Connections, Count{})
	given(m, "from", f.From, 0)
	given(m, "until", f.Until, 0)
	given(m, "on", f.On, "message")
	given(m, "at", f.At, "response")
	given(m, "probability", f.Probability, 1)
	given(m, "status", f.Status, 0)
	given(m, "answer", f.Answer, "")
	switch {
	case f.ExpiresIn == nil:
	case *f.ExpiresIn == 0:
		m.put("expiresIn", "none")
	default:
		m.put("expiresIn", *f.ExpiresIn)
	}
	given(m, "latency", f.Latency, 0)
	if f.Latencies.Shape != "" {
		m.put("latency", f.Latencies.encode())
	}
	given(m, "headersAt", f.HeadersAt, 0)
	given(m, "slowBody", f.SlowBody, 0)
	for _, flag := range []struct {
		name string
		set  bool
	}{{"revoke", f.Revoke}, {"stall", f.Stall}, {"reset", f.Reset}, {"close", f.Close}, {"halfClose", f.HalfClose},
		{"garbage", f.Garbage}, {"malformedChunk", f.Malformed}, {"endless", f.Endless}} {
		given(m, flag.name, flag.set, false)
	}
	if f.Rate > 0 {
		m.put("rate", f.Rate)
		given(m, "burst", f.Burst, 1)
	}
	if len(f.Headers) > 0 {
		m.put("headers", f.Headers)
	}
	return m
}
