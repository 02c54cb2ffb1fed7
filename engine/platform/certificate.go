package platform

import (
	"cmp"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The documented lifecycle of a client certificate (R133).
const (
	Reissue = 60 * 24 * time.Hour // before the expiry: a new certificate takes over
	Revoke  = 30 * 24 * time.Hour // before the expiry: the old one is revoked

	// shortest is the least life of a certificate. A little more than Reissue,
	// and it would be reissued every moment.
	shortest = Reissue + 24*time.Hour
)

// Subject is a certificate to keep issued: its names, and the first period of
// its life. Those it is reissued for have the same length.
type Subject struct {
	CommonName string
	SAN        []string // host names, the first thing a receiver should look at
	Issued     time.Time
	Expires    time.Time
}

// Validate returns what keeps a certificate from having a lifecycle.
func (s Subject) Validate() error {
	switch life := s.Expires.Sub(s.Issued); {
	case s.CommonName == "":
		return errors.New("a certificate needs a common name")
	case life < shortest:
		return fmt.Errorf("a certificate that is reissued 60 days before its expiry must live for at least 61 days, not %g", life.Hours()/24)
	}
	return nil
}

// Period is one certificate in the life of a subject.
type Period struct {
	Number          int       // from 0
	Issued, Expires time.Time // whole seconds: X.509 has no finer ones
}

// Reissued is when the certificate after it is issued.
func (p Period) Reissued() time.Time { return p.Expires.Add(-Reissue) }

// Revoked is when it is no longer to be trusted.
func (p Period) Revoked() time.Time { return p.Expires.Add(-Revoke) }

// Periods are the certificates of a subject that have been issued by now and
// are neither revoked nor expired, the oldest first.
func (s Subject) Periods(now time.Time) []Period {
	from, to := s.Issued.Truncate(time.Second), s.Expires.Truncate(time.Second)
	step := to.Sub(from) - Reissue
	if step <= 0 || now.Before(from) {
		return nil
	}
	last := int(now.Sub(from) / step)
	// The reissue of a period is its revocation less this: what was reissued
	// longer ago is revoked.
	overlap := int((Reissue - Revoke) / step)
	var out []Period
	for n := max(0, last-overlap-1); n <= last; n++ {
		shift := time.Duration(n) * step
		if p := (Period{n, from.Add(shift), to.Add(shift)}); now.Before(p.Revoked()) {
			out = append(out, p)
		}
	}
	return out
}

// Issue signs a certificate for a subject and a period of time.
type Issue func(s Subject, notBefore, notAfter time.Time) (tls.Certificate, error)

// Certificate is an issued certificate with the key of its owner.
type Certificate struct {
	Subject Subject
	Period  Period
	TLS     tls.Certificate
}

// PEM is the public part: the certificate itself, without its chain.
func (c Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.TLS.Certificate[0]}))
}

// Certificates keeps the certificates of some subjects issued. It is safe for
// concurrent use.
type Certificates struct {
	issue    Issue
	subjects []Subject

	mu     sync.Mutex
	issued map[[2]int]tls.Certificate // by subject and period
}

// NewCertificates returns an error when a subject is not valid.
func NewCertificates(issue Issue, subjects ...Subject) (*Certificates, error) {
	for _, s := range subjects {
		if err := s.Validate(); err != nil {
			return nil, err
		}
	}
	return &Certificates{issue: issue, subjects: slices.Clone(subjects), issued: map[[2]int]tls.Certificate{}}, nil
}

// At lists the certificates that are neither revoked nor expired, by their
// expiry and then in the order of the subjects.
func (c *Certificates) At(now time.Time) ([]Certificate, error) {
	var out []Certificate
	for i, s := range c.subjects {
		for _, p := range s.Periods(now) {
			signed, err := c.signed(i, p)
			if err != nil {
				return nil, err
			}
			out = append(out, Certificate{s, p, signed})
		}
	}
	slices.SortStableFunc(out, func(a, b Certificate) int { return cmp.Compare(a.Period.Expires.Unix(), b.Period.Expires.Unix()) })
	return out, nil
}

// Current is the certificate that the sender presents: the newest of the first
// subject. ok is false before there is one.
func (c *Certificates) Current(now time.Time) (current Certificate, ok bool, err error) {
	if len(c.subjects) == 0 {
		return Certificate{}, false, nil
	}
	periods := c.subjects[0].Periods(now)
	if len(periods) == 0 {
		return Certificate{}, false, nil
	}
	newest := periods[len(periods)-1]
	signed, err := c.signed(0, newest)
	return Certificate{c.subjects[0], newest, signed}, err == nil, err
}

// signed issues a certificate once.
func (c *Certificates) signed(subject int, p Period) (tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]int{subject, p.Number}
	if signed, ok := c.issued[key]; ok {
		return signed, nil
	}
	s := c.subjects[subject]
	signed, err := c.issue(s, p.Issued, p.Expires)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of %s: %w", s.CommonName, err)
	}
	c.issued[key] = signed
	return signed, nil
}
