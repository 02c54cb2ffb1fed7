package check

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The documented life of a certificate (R133), and the page of a lookup that
// asks for none.
const (
	reissued     = 60 * 24 * time.Hour // before its expiry
	revoked      = 30 * 24 * time.Hour // before its expiry
	ordinaryPage = 20
)

// fieldsOfAResult are all that a result has: the SAN is in the PEM alone (R132).
var fieldsOfAResult = []string{"certCommonName", "expiryDate", "publicCertificate"}

// validAt is the certificates that have been issued at a time and are not
// revoked, the oldest first.
func validAt(c scenarios.Certificate, now time.Time) []scenarios.Certificate {
	var out []scenarios.Certificate
	life := c.Expires.Sub(c.Issued)
	for life > reissued && !c.Issued.After(now) {
		if now.Before(c.Expires.Truncate(time.Second).Add(-revoked)) {
			out = append(out, c)
		}
		c.Issued = c.Expires.Add(-reissued)
		c.Expires = c.Issued.Add(life)
	}
	return out
}

// certificatesAt is what a lookup finds, in its order.
func (v *view) certificatesAt(now time.Time) []scenarios.Certificate {
	var out []scenarios.Certificate
	for _, c := range v.scenario.Platform.Certificates {
		out = append(out, validAt(c, now)...)
	}
	slices.SortStableFunc(out, func(a, b scenarios.Certificate) int { return cmp.Compare(a.Expires.Unix(), b.Expires.Unix()) })
	return out
}

// paging reads page and limit of a query; false when one is not a number of its
// kind.
func paging(query string) (page, limit int, ok bool) {
	values, err := url.ParseQuery(query)
	page, limit = 0, ordinaryPage
	for name, n := range map[string]*int{"page": &page, "limit": &limit} {
		if values.Has(name) && err == nil {
			*n, err = strconv.Atoi(values.Get(name))
		}
	}
	return page, limit, err == nil && page >= 0 && limit >= 1
}

// certificateAPI looks at the answers of the public certificate endpoint: its
// four headers, its pages, its totals and its links (R131).
func (v *view) certificateAPI(f *findings) {
	for n, l := range v.lookups {
		if l.What != "public-certificate" {
			continue
		}
		page, limit, valid := paging(l.Query)
		switch {
		case len(l.Without) > 0:
			f.note(l.Status >= 400 && l.Status < 500, "lookup %d without %s: status %d", n+1, strings.Join(l.Without, ", "), l.Status)
		case !valid:
			f.note(l.Status == 400, "lookup %d with %s: status %d", n+1, l.Query, l.Status)
		default:
			want := pageOf(len(v.certificatesAt(l.At)), page, limit)
			got := fmt.Sprintf("status %d, %s of %s, links %v", l.Status, number(l.Count), number(l.Total), l.Links)
			f.note(got == want && number(l.Count) == strconv.Itoa(len(l.Certificates)), "lookup %d: %s instead of %s", n+1, got, want)
		}
	}
}

// number prints what may not be there.
func number(n *int64) string {
	if n == nil {
		return "nothing"
	}
	return strconv.FormatInt(*n, 10)
}

// pageOf is what a page of so many certificates looks like.
func pageOf(total, page, limit int) string {
	pages := (total + limit - 1) / limit
	count := max(0, min(limit, total-page*limit))
	links := []string{}
	if page+1 < pages {
		links = append(links, "next")
	}
	if pages > 1 {
		links = append(links, "page")
	}
	if page > 0 {
		links = append(links, "prev")
	}
	return fmt.Sprintf("status 200, %d of %d, links %v", count, total, links)
}

// certificateNames looks at the names of every certificate that was found: the
// same in the answer and in the PEM, and the SAN in the PEM alone (R132).
func (v *view) certificateNames(f *findings) {
	for n, l := range v.lookups {
		for i, c := range l.Certificates {
			at := fmt.Sprintf("lookup %d, certificate %d", n+1, i+1)
			f.note(slices.Equal(c.Fields, fieldsOfAResult), "%s has %v", at, c.Fields)
			f.note(c.CommonName != "" && c.CommonName == c.Subject, "%s is called %q, and in the PEM %q", at, c.CommonName, c.Subject)
			known := slices.ContainsFunc(v.scenario.Platform.Certificates, func(want scenarios.Certificate) bool {
				return want.CommonName == c.Subject && slices.Equal(want.SAN, c.SAN)
			})
			f.note(known, "%s has the SAN %v", at, c.SAN)
		}
	}
}

// certificateLife looks at the expiry of every certificate that was found, and
// of the one that was presented: issued, not revoked, and the newest (R133).
func (v *view) certificateLife(f *findings) {
	for n, l := range v.lookups {
		valid := v.certificatesAt(l.At)
		for i, c := range l.Certificates {
			at := fmt.Sprintf("lookup %d, certificate %d", n+1, i+1)
			f.note(c.Expiry == c.NotAfter.Format("2006-01-02T15:04:05.000Z"), "%s expires at %s, and in the PEM at %s", at, c.Expiry, stamp(c.NotAfter))
			f.note(slices.ContainsFunc(valid, func(want scenarios.Certificate) bool {
				return want.CommonName == c.Subject && want.Expires.Truncate(time.Second).Equal(c.NotAfter)
			}), "%s expires at %s, unlike every certificate that is valid then", at, stamp(c.NotAfter))
		}
	}
	if v.run == nil || v.run.Side != "" || len(v.scenario.Platform.Certificates) == 0 {
		return // the certificate of a sender that is not ours has its own life
	}
	for _, r := range v.requests {
		if r.Peer == nil || r.Number > 1 {
			continue // a socket keeps the certificate it began with
		}
		presented := false
		for _, at := range []time.Time{r.At, r.At.Add(-handshakeTime - v.tolerance)} {
			valid := validAt(v.scenario.Platform.Certificates[0], at)
			presented = presented || len(valid) > 0 && valid[len(valid)-1].Expires.Truncate(time.Second).Equal(r.Peer.Expires)
		}
		f.note(presented, "%s presents a certificate that expires at %s, and is not the newest", place(r), stamp(r.Peer.Expires))
	}
}

// handshakeTime is how long before its request a connection may have shaken
// hands: the budget of an attempt.
const handshakeTime = 2 * time.Second

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// lookup compares a line with the nth lookup.
func (v *view) lookup(e *scenarios.Expectation, n int) []mismatch {
	what := fmt.Sprintf("lookup %d", n)
	if n > len(v.lookups) {
		return []mismatch{{what, e.Lookup.What, fmt.Sprintf("%d lookups were made", len(v.lookups))}}
	}
	l, want := v.lookups[n-1], e.Lookup
	var wrong []mismatch
	add := func(field, want, got string) {
		if want != got {
			wrong = append(wrong, mismatch{what + ": " + field, want, got})
		}
	}
	add("what is looked up", want.What, l.What)
	if want.Status != 0 {
		add("status", strconv.Itoa(want.Status), strconv.Itoa(l.Status))
	}
	if want.Total != nil {
		add("total", number(want.Total), number(l.Total))
	}
	if want.Count != nil {
		add("count", number(want.Count), number(l.Count))
	}
	if want.HasLinks {
		add("links", list(slices.Sorted(slices.Values(want.Links))), list(l.Links))
	}
	if want.Allowed != nil {
		got := "nothing"
		if l.Allowed != nil {
			got = strconv.FormatBool(*l.Allowed)
		}
		add("allowed", strconv.FormatBool(*want.Allowed), got)
	}
	if want.HasResults {
		add("number of certificates", strconv.Itoa(len(want.Certificates)), strconv.Itoa(len(l.Certificates)))
		for i := range min(len(want.Certificates), len(l.Certificates)) {
			wrong = append(wrong, found(fmt.Sprintf("%s: certificate %d", what, i+1), want.Certificates[i], l.Certificates[i])...)
		}
	}
	return wrong
}

// found compares one certificate; its names and times both in the answer and
// in the PEM.
func found(what string, want scenarios.ExpectedCertificate, got recording.FoundCertificate) []mismatch {
	var wrong []mismatch
	both := func(field, want, inAnswer, inPEM string) {
		if inAnswer != want || inPEM != want {
			wrong = append(wrong, mismatch{what + ": " + field, want, fmt.Sprintf("%s, and in the PEM %s", inAnswer, inPEM)})
		}
	}
	if want.CommonName != "" {
		both("common name", want.CommonName, got.CommonName, got.Subject)
	}
	if want.SAN != nil && !slices.Equal(want.SAN, got.SAN) {
		wrong = append(wrong, mismatch{what + ": SAN in the PEM", list(want.SAN), list(got.SAN)})
	}
	if !want.Expires.IsZero() {
		inAnswer := got.Expiry
		if t, err := time.Parse(time.RFC3339, got.Expiry); err == nil {
			inAnswer = stamp(t)
		}
		both("expiry", stamp(want.Expires), inAnswer, stamp(got.NotAfter))
	}
	return wrong
}
