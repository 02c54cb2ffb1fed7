package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// describeRun prints what run --endpoint would send, and sends nothing.
func (a *app) describeRun(
	ctx context.Context, f endpointFlags, cases []*scenarios.Scenario, o simulate.Options,
) error {
	all, err := o.Plan(ctx, cases)
	if err != nil {
		return failure{exitInterrupted, err, "nothing was sent"}
	}
	width := 0
	for _, p := range all {
		width = max(width, len(p.Case.ID))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "endpoint    %s\n", f.again()[1])
	if f.stored.url != "" {
		fmt.Fprintf(&b, "read-back   GET %s/ECID, one or more for each profile\n", strings.TrimRight(f.stored.url, "/"))
	}
	fmt.Fprintf(&b, "profiles    marked: ECIDs begin with %s and the number of the run, mail addresses end in @%s\n",
		scenarios.Mark, scenarios.MailDomain)
	fmt.Fprintf(&b, "limits      %s, %s; --longest-gap %s\n\nrequests    time  case\n",
		count(f.limits.requests, "request"), f.limits.time, f.longest)
	var total simulate.Planned
	played := 0
	for _, p := range all {
		if p.Skipped != "" {
			fmt.Fprintf(&b, "%8s  %6s  %-*s  not played: %s\n", "-", "-", width, p.Case.ID, p.Skipped)
			continue
		}
		played++
		total.Requests, total.Most, total.Lasts = total.Requests+p.Requests, total.Most+p.Most, total.Lasts+p.Lasts
		fmt.Fprintf(&b, "%8d  %6s  %-*s  %s (%s)\n", p.Requests, p.Lasts.Round(100*time.Millisecond), width, p.Case.ID,
			p.Case.Title, count(p.Profiles, "profile"))
	}
	fmt.Fprintf(&b, "\nwould play %d of %s: about %s in %s, and %d at most if the receiver refuses them; "+
		"nothing was sent\n",
		played, count(len(all), "case"), count(total.Requests, "request"), total.Lasts.Round(time.Second), total.Most)
	if total.Requests > f.limits.requests || total.Lasts > f.limits.time {
		b.WriteString("more than the limits: the last cases would be inconclusive\n")
	}
	_, err = a.stdout.Write([]byte(b.String()))
	return err
}
