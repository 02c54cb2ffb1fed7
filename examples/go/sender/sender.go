// Package sender is an example: a small program that exports memberships as the
// HTTP API destination does, and its conformance test.
package sender

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Membership is the state of a profile in one audience.
type Membership struct {
	LastQualificationTime string `json:"lastQualificationTime"`
	Status                string `json:"status"` // realized or exited
}

// Identity is one identity of a namespace.
type Identity struct {
	ID string `json:"id"`
}

// Export is the body of a request: one profile with its mapped attributes.
type Export struct {
	Person            map[string]any                   `json:"person,omitempty"`
	SegmentMembership map[string]map[string]Membership `json:"segmentMembership"`
	IdentityMap       map[string][]Identity            `json:"identityMap"`
}

// Sender posts exports to an endpoint.
type Sender struct {
	URL    string
	Client *http.Client
}

// Send posts one export. A response that is not 2xx is an error.
func (s Sender) Send(e Export) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	response, err := s.Client.Post(s.URL, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the endpoint answered %s", response.Status)
	}
	return nil
}

// Entered is the export of a profile that enters an audience, or leaves it.
func Entered(crm, firstName, audience, status string, at time.Time) Export {
	return Export{
		Person:            map[string]any{"name": map[string]any{"firstName": firstName}},
		SegmentMembership: map[string]map[string]Membership{"ups": {audience: {at.UTC().Format(time.RFC3339), status}}},
		IdentityMap:       map[string][]Identity{"crm": {{crm}}},
	}
}
