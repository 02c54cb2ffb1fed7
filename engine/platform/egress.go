package platform

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// EgressPath is where the addresses are served. The platform has no such
// endpoint: its list is a page to read.
const EgressPath = "/egress"

//go:embed egress.json
var shipped []byte

// Region is where an organisation is provisioned, and the addresses of it.
type Region struct {
	Label     string   `json:"label"`
	Addresses []string `json:"addresses"` // addresses and CIDR blocks
}

// Egress is the addresses that requests of the sender come from, as they were
// on a date. The platform changes them without notice, so this is data, and a
// newer file may take its place.
type Egress struct {
	Date    string            `json:"date"` // 2026-10-01
	Source  string            `json:"source"`
	Global  []string          `json:"global"` // to be allowed whatever the region
	Regions map[string]Region `json:"regions"`

	global  []netip.Prefix
	regions map[string][]netip.Prefix
}

// ShippedEgress is the list that comes with httpdest.
func ShippedEgress() (*Egress, error) { return ParseEgress(shipped) }

// ParseEgress reads a list; the error names every entry that is not an address.
func ParseEgress(content []byte) (*Egress, error) {
	e := &Egress{regions: map[string][]netip.Prefix{}}
	if err := strictjson.Check(content); err != nil {
		return nil, fmt.Errorf("a list of egress addresses: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(e); err != nil {
		return nil, fmt.Errorf("a list of egress addresses: %w", err)
	}
	var problems []error
	if _, err := time.Parse(time.DateOnly, e.Date); err != nil {
		problems = append(problems, fmt.Errorf("date: %q is not a date such as 2026-10-01", e.Date))
	}
	if len(e.Global) == 0 {
		problems = append(problems, errors.New("global: no address"))
	}
	prefixes := func(where string, all []string) []netip.Prefix {
		out := make([]netip.Prefix, 0, len(all))
		for _, text := range all {
			p, err := prefix(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", where, err))
				continue
			}
			out = append(out, p)
		}
		return out
	}
	e.global = prefixes("global", e.Global)
	for _, name := range slices.Sorted(maps.Keys(e.Regions)) {
		e.regions[name] = prefixes("regions."+name, e.Regions[name].Addresses)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return e, nil
}

// prefix reads an address or a CIDR block.
func prefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an IP address", text)
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a CIDR block", text)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q is not the first address of its block, which is %s", text, p.Masked())
	}
	return p, nil
}

// Names lists the regions, sorted.
func (e *Egress) Names() []string { return slices.Sorted(maps.Keys(e.regions)) }

// Allowed lists what a firewall must allow for a region: every global address,
// and those of the region (R110). ok is false for a region that is not listed.
func (e *Egress) Allowed(region string) (prefixes []netip.Prefix, ok bool) {
	of, ok := e.regions[region]
	if !ok {
		return nil, false
	}
	out := slices.Clone(e.global)
	for _, p := range of {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, true
}

// Contains reports whether requests to an organisation in a region may come
// from an address. An IPv4 address written as IPv6 is that IPv4 address.
func (e *Egress) Contains(region string, a netip.Addr) bool {
	allowed, ok := e.Allowed(region)
	a = a.Unmap()
	return ok && slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(a) })
}

// egressAnswer is the handler's answer about a region, and about an address of
// it where the request names one.
type egressAnswer struct {
	Date      string   `json:"date"`
	Source    string   `json:"source"`
	Region    string   `json:"region"`
	Addresses []string `json:"addresses"`
	Address   string   `json:"address,omitempty"`
	Allowed   *bool    `json:"allowed,omitempty"`
}

// EgressHandler serves a list: all of it, or with ?region=VA7 what to allow
// there, or with &address=… whether that is one of them.
func EgressHandler(e *Egress) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(EgressPath, func(w http.ResponseWriter, r *http.Request) {
		if !onlyGET(w, r) {
			return
		}
		region, address := r.URL.Query().Get("region"), r.URL.Query().Get("address")
		if region == "" && address == "" {
			answer(w, http.StatusOK, e)
			return
		}
		allowed, ok := e.Allowed(region)
		if !ok {
			refuse(w, http.StatusNotFound, "unknown region; the regions are "+strings.Join(e.Names(), ", "))
			return
		}
		out := egressAnswer{Date: e.Date, Source: e.Source, Region: region}
		for _, p := range allowed {
			out.Addresses = append(out.Addresses, p.String())
		}
		if address != "" {
			a, err := netip.ParseAddr(address)
			if err != nil {
				refuse(w, http.StatusBadRequest, "address must be an IP address")
				return
			}
			in := e.Contains(region, a)
			out.Address, out.Allowed = address, &in
		}
		answer(w, http.StatusOK, out)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is only "+EgressPath)
	})
	return mux
}
