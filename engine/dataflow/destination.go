// Package dataflow is the configuration of the destination and of what is
// mapped to it: parsed, validated with every problem at once, and frozen into
// snapshots the decider reads. PURE.
package dataflow

import (
	"net/url"

	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/internal/secret"
)

// Secret is a credential, which prints as "[redacted]" wherever it is formatted
// (R32).
type Secret = secret.Secret

// MTLS is when the client certificate is presented to the endpoint.
type MTLS string

// Auto is the destination's own behaviour: the endpoint is asked whether it
// insists (catalog/streaming/http-destination, "mTLS"; design §4).
const (
	Auto   MTLS = "auto"
	Always MTLS = "always"
	Never  MTLS = "never"
)

// Destination is the configured HTTP API destination: the connection
// parameters of "Destination details" and the delivery policy.
type Destination struct {
	Name            string
	Endpoint        string // absolute URL
	Auth            Auth
	Headers         string // h1:v1,h2:v2 (R6)
	QueryParameters string // p1=v&p2=v (R7)
	// MarketingActions are what the destination is used for, which data usage
	// policies forbid or not (R17).
	MarketingActions []string
	// PlainHost is a host that may be reached by http, as loopback addresses may
	// (A65): that of a mock endpoint.
	PlainHost                string
	IncludeSegmentNames      bool
	IncludeSegmentTimestamps bool
	// IncludeMappedAudiencesOnly leaves unmapped audiences out of
	// segmentMembership (R64; release notes of July 2026). Off by default (A51).
	IncludeMappedAudiencesOnly bool
	MTLS                       MTLS
	Retry                      retry.Policy
	MaxProfilesPerRequest      int     // 1 to 10 (R36); 0 means 1
	BatchEncoding              string  // array or profiles, where a request may carry several (A23); "" means array
	Alerts                     []Alert // subscribed to
	// ExtendedAlerts offers the alerts of the rules page besides the one that
	// the destinations pages have for streaming (R129, A81).
	ExtendedAlerts bool
	Readings       Readings
}

// URL is the endpoint with the query parameters appended as they were
// configured (R35, A64). The destination must be valid.
func (d Destination) URL() *url.URL {
	u, err := url.Parse(d.Endpoint)
	if err != nil {
		panic("dataflow: URL of a destination that Validate refuses: " + err.Error())
	}
	switch query := ParseQuery(d.QueryParameters); {
	case query == "":
	case u.RawQuery == "":
		u.RawQuery = query
	default:
		u.RawQuery += "&" + query
	}
	return u
}
