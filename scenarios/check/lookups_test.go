package check

import (
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// looked breaks the nth lookup.
func looked(n int, change func(*recording.Lookup)) func(*editedRecording) {
	return func(p *editedRecording) { change(p.found(n)) }
}

// certificate breaks the certificate of the nth lookup.
func certificate(n int, change func(*recording.FoundCertificate)) func(*editedRecording) {
	return func(p *editedRecording) { change(&p.found(n).Certificates[0]) }
}

var lookupsBroken = []broken{
	{"cert-api", "a total of nothing", nil, looked(1, func(l *recording.Lookup) { l.Total = new(int64(0)) })},
	{"cert-api", "no total", nil, looked(1, func(l *recording.Lookup) { l.Total = nil })},
	{"cert-api", "a count of nothing", nil, looked(1, func(l *recording.Lookup) { l.Count = new(int64(0)) })},
	{"cert-api", "a page without its certificate", nil, looked(1, func(l *recording.Lookup) { l.Certificates = nil })},
	{"cert-api", "a link to a page that is not there", nil, looked(2, func(l *recording.Lookup) { l.Links = []string{"next", "page", "prev"} })},
	{"cert-api", "no link back", nil, looked(2, func(l *recording.Lookup) { l.Links = []string{"page"} })},
	{"cert-api", "served without a header", nil, looked(3, func(l *recording.Lookup) { l.Status = 200 })},
	{"cert-api", "a defect without a header", nil, looked(3, func(l *recording.Lookup) { l.Status = 500 })},
	{"cert-api", "a page that is no number", nil, looked(3, func(l *recording.Lookup) { l.Without, l.Query = nil, "page=x" })},
	{"cert-san", "another common name in the PEM", nil, certificate(1, func(c *recording.FoundCertificate) { c.CommonName = "sender" })},
	{"cert-san", "a field for the SAN", nil, certificate(1, func(c *recording.FoundCertificate) { c.Fields = append(c.Fields, "subjectAltName") })},
	{"cert-san", "no SAN in the PEM", nil, certificate(2, func(c *recording.FoundCertificate) { c.SAN = nil })},
	{"cert-rotation", "another expiry in the PEM", nil, certificate(1, func(c *recording.FoundCertificate) { c.Expiry = "2026-03-12T09:00:00.000Z" })},
	{"cert-rotation", "an expiry without milliseconds", nil, certificate(1, func(c *recording.FoundCertificate) { c.Expiry = c.NotAfter.Format(time.RFC3339) })},
	{"cert-rotation", "a certificate that is not issued yet", nil, certificate(2, func(c *recording.FoundCertificate) {
		c.NotAfter = c.NotAfter.AddDate(0, 0, 305)
		c.Expiry = c.NotAfter.Format("2006-01-02T15:04:05.000Z")
	})},
	{"cert-rotation", "the old one is presented", nil, request(func(r *recording.Request) { r.Peer.Expires = began.AddDate(0, 0, 55) })},
}

// member breaks when or who, for a profile of the upload.
func member(profile, op string, change func(*recording.Update)) func(*editedRecording) {
	return func(p *editedRecording) { change(p.membership(profile, op)) }
}

var uploadsBroken = []broken{
	{"upload-latency", "a minute late", nil, member("marty", "qualify", func(u *recording.Update) { u.At = began.Add(2*time.Hour + time.Minute) })},
	{"upload-latency", "before the upload", nil, member("marty", "qualify", func(u *recording.Update) { u.At = began.Add(-time.Minute) })},
	{"upload-latency", "a row left out", nil, func(p *editedRecording) {
		p.without(p.membership("vip-row-2", "qualify"))
		p.without(p.membership("vip-row-2", "exit"))
	}},
	{"upload-latency", "somebody in no row", nil, member("vip-row-2", "qualify", func(u *recording.Update) { u.Changes[0].Identity = "Loyalty:M3" })},
	{"upload-ttl", "a minute early", nil, member("marty", "exit", func(u *recording.Update) { u.At = u.At.Add(-time.Minute) })},
	{"upload-ttl", "a member who stays", nil, func(p *editedRecording) { p.without(p.membership("marty", "exit")) }},
	{"upload-ttl", "an expiry that was put off", func(sc *scenarios.Scenario) {
		sc.Audiences[3].Upload.TTL = 4 * time.Hour
		sc.History = []scenarios.Step{{At: 3*time.Hour + 30*time.Minute, Action: "refresh", Targets: []string{"vip"}}}
	}, member("marty", "exit", func(u *recording.Update) { u.At = began.Add(4 * time.Hour) })},
}
