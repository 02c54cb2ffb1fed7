package check

import (
	"slices"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// Why a rule has nothing to look at, by the part that the capture does not tell.
const (
	untoldBody        = "the capture does not tell the bodies"
	untoldHeaders     = "the capture does not tell the headers"
	untoldCredentials = "the credentials were removed from the capture"
	untoldQuery       = "the capture does not tell the query"
	untoldMethod      = "the capture tells neither methods nor content types"
	untoldStatus      = "the capture does not tell the statuses"
	untoldTime        = "the capture does not tell the times"
	untoldDuration    = "the capture does not tell how long exchanges took"
)

// untell notes the rules that a part of the exchange would have been needed for.
func (s *Sender) untell(x capture.Exchange) {
	headers := untoldHeaders
	if x.Told.Headers {
		headers = untoldCredentials // all headers are told but these
	}
	for _, part := range []struct {
		told   bool
		reason string
		rules  []string
	}{
		{x.Told.Method || x.Header("Content-Type"), untoldMethod, []string{"post-json"}},
		{x.Told.Credentials && x.Header("Authorization"), headers, []string{"bearer-header", "none-no-authorization"}},
		{x.Told.Headers && x.Told.Credentials, headers, []string{"custom-headers-every-call"}},
		{x.Told.Query, untoldQuery, []string{"query-every-call"}},
		{x.Told.Duration && x.Told.Status, untoldDuration, []string{"timeout-2s"}},
		{x.Told.Time, untoldTime, []string{"retry-delays"}},
		{x.Told.Status, untoldStatus, []string{"max-3", "retry-codes", "noretry-codes", "retry-network", "stop-on-success", "drop-after", "timeout-2s"}},
		{x.Told.Body, untoldBody, slices.DeleteFunc(slices.Clone(shapes), func(rule string) bool { return rule == "post-json" })},
	} {
		if part.told {
			continue
		}
		for _, rule := range part.rules {
			s.untold[rule] = part.reason
		}
	}
	if !x.Told.Credentials && x.Told.Headers {
		s.uncredited++
	}
}

// explain gives rules that were skipped for want of a part that reason. Without
// a history the want of one is the better reason.
func (s *Sender) explain(checks []reports.Check) {
	for i, c := range checks {
		reason := s.untold[c.Rule]
		if c.Verdict == reports.Skip && reason != "" && (s.Scenario != nil || slices.Contains(shapes, c.Rule)) {
			checks[i].Title = reason
		}
	}
}
