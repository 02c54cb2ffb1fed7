package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
)

// A sender for the scenarios of testdata: what yours does with the real history.
type sender struct {
	client *http.Client
	token  string
	retry  bool                     // sends again what failed
	body   func(body string) string // what it does wrong with a body; nil: nothing
	twice  bool                     // sends every body twice
}

const audience = "5114d758-ce71-43ba-b53e-e2a91d67b67f"

// qualify sends one profile that has entered the audience.
func (s sender) qualify(url, firstName, ecid string) error {
	body := fmt.Sprintf(`{"person":{"name":{"firstName":%q}},"segmentMembership":{"ups":{%q:`+
		`{"lastQualificationTime":"2026-01-15T09:00:01Z","status":"realized"}}},"identityMap":{"ecid":[{"id":%q}]}}`, firstName, audience, ecid)
	for attempt := 1; ; attempt++ {
		sent := body
		if s.body != nil {
			sent = s.body(body)
		}
		status, err := s.post(url, sent)
		if err == nil && s.twice {
			status, err = s.post(url, sent)
		}
		if err != nil || status == http.StatusOK || !s.retry || attempt == 2 {
			return err
		}
	}
}

func (s sender) post(url, body string) (status int, err error) {
	r, err := http.NewRequest(http.MethodPost, url+"/profiles", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// send plays the history of the scenarios of testdata.
func (s sender) send(url string) {
	for _, who := range [][2]string{{"Emmett", "14575006536349286404619648085736425115"}, {"Marty", "66478888669296734530114754794777368480"}} {
		if err := s.qualify(url, who[0], who[1]); err != nil {
			panic(err)
		}
	}
}
