package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

// readBackFrom follows some messages of a load to the receiver's storage, as a
// probe does; nil without --read-back.
func (f loadFlags) readBackFrom(t *loadTarget) (*loadtest.ReadBack, error) {
	if f.readBack == "" {
		return nil, nil
	}
	u, err := storedAt(f.readBack, f.own)
	if err != nil {
		return nil, err
	}
	bearer := ""
	if u.Host == t.authority {
		bearer = t.service.Flow.Flow.Destination.Auth.Token.Reveal()
	}
	read := probe.NewReadBack(scenarios.ReadBack{URL: f.readBack}, t.roots, nil)
	return &loadtest.ReadBack{
		Sample: t.population.Sampler(t.settings.Batching),
		Stored: func(ctx context.Context, ecid string) (bool, error) {
			state, err := read(ctx, ecid, bearer)
			return state != nil, err
		},
	}, nil
}

// storedAt checks the value of --read-back. own reports whether an address that is not of
// this machine is the user's.
func storedAt(raw string, own bool) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, failure{exitUsage, errors.New("--read-back is not the URL of a stored state"), "give http://… or https://…, without a password or a query; /ECID is added to it"}
	}
	if !ours(u.Hostname()) && !own {
		return nil, failure{exitUsage, fmt.Errorf("%s is not of this machine", u.Hostname()), "read only what you own; when you do, say so with --i-own-this-endpoint"}
	}
	return u, nil
}

// watched are objectives with one about the storage, where it is read back.
func (f loadFlags) watched(all []loadtest.Objective) []loadtest.Objective {
	if f.readBack == "" || slices.ContainsFunc(all, func(o loadtest.Objective) bool { return o.Over == loadtest.Stored }) {
		return all
	}
	return append(all, loadtest.StoredInTime())
}

// readBackHint is what to do about a read-back that does not work.
const readBackHint = "see that --read-back is where the receiver's state is: GET URL/ECID answers 200 with JSON, or 404 where there is no such profile"
