package platform

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const day = 24 * time.Hour

var (
	start   = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	subject = Subject{CommonName: "the sender", SAN: []string{"client.test", "client2.test"}, Issued: start, Expires: start.Add(365 * day)}
)

// selfSigned is an Issue without an authority.
func selfSigned(s Subject, notBefore, notAfter time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(notBefore.Unix()), Subject: pkix.Name{CommonName: s.CommonName}, DNSNames: s.SAN, NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// A certificate of a year is reissued after 305 days and revoked after 335.
func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		want  []int
	}{
		{"before it is issued", -1, nil},
		{"issued", 0, []int{0}},
		{"an instant before the reissue", 305*day - 1, []int{0}},
		{"reissued", 305 * day, []int{0, 1}},
		{"an instant before the revocation", 335*day - 1, []int{0, 1}},
		{"revoked", 335 * day, []int{1}},
		{"expired", 365 * day, []int{1}},
		{"reissued again", 610 * day, []int{1, 2}},
		{"revoked again", 640 * day, []int{2}},
	} {
		var got []int
		for _, p := range subject.Periods(start.Add(c.after)) {
			got = append(got, p.Number)
			if want := subject.Expires.Add(time.Duration(p.Number) * 305 * day); !p.Expires.Equal(want) || p.Expires.Sub(p.Issued) != 365*day {
				t.Errorf("%s: period %d is %s to %s", c.name, p.Number, p.Issued, p.Expires)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: periods %v; want %v", c.name, got, c.want)
		}
	}
}

// Whatever the life and the moment: none that is listed is revoked or not yet
// issued, none that should be is missing, and the newest has more than 60 days.
func TestPeriodsProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.Int64Range(int64(shortest/time.Second), int64(800*day/time.Second)).Draw(t, "life")) * time.Second
		now := start.Add(time.Duration(rapid.Int64Range(0, int64(4000*day)).Draw(t, "now")))
		s := Subject{CommonName: "a", Issued: start, Expires: start.Add(life)}
		got := s.Periods(now)
		var want []Period
		for n, p := 0, (Period{0, s.Issued, s.Expires}); !p.Issued.After(now); n++ {
			if now.Before(p.Expires.Add(-Revoke)) {
				want = append(want, p)
			}
			p = Period{n + 1, p.Expires.Add(-Reissue), p.Expires.Add(life - Reissue)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("periods (-want +got):\n%s", diff)
		}
		if left := got[len(got)-1].Expires.Sub(now); left <= Reissue {
			t.Fatalf("the newest certificate has %s left", left)
		}
	})
}

func TestSubjects(t *testing.T) {
	for _, c := range []struct {
		life time.Duration
		name string
		want string
	}{
		{61 * day, "a", ""},
		{365 * day, "", "a certificate needs a common name"},
		{47 * day, "a", "a certificate that is reissued 60 days before its expiry must live for at least 61 days, not 47"},
		{-day, "a", "a certificate that is reissued 60 days before its expiry must live for at least 61 days, not -1"},
	} {
		_, err := NewCertificates(selfSigned, Subject{CommonName: c.name, Issued: start, Expires: start.Add(c.life)})
		if text := errorText(err); text != c.want {
			t.Errorf("%q for %s: %q; want %q", c.name, c.life, text, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The sender presents the newest certificate of the first subject, and each is
// signed once.
func TestCurrent(t *testing.T) {
	signed := 0
	c, err := NewCertificates(func(s Subject, from, to time.Time) (tls.Certificate, error) {
		signed++
		return selfSigned(s, from, to)
	}, subject, Subject{CommonName: "another", Issued: start.Add(-day), Expires: start.Add(400 * day)})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := c.Current(start.Add(-1)); ok || err != nil {
		t.Errorf("before it is issued: %t, %v", ok, err)
	}
	for _, moment := range []struct {
		after  time.Duration
		period int
	}{{0, 0}, {305*day - 1, 0}, {305 * day, 1}, {305 * day, 1}, {400 * day, 1}} {
		got, ok, err := c.Current(start.Add(moment.after))
		if err != nil || !ok || got.Period.Number != moment.period || got.Subject.CommonName != "the sender" {
			t.Errorf("after %s: period %d of %s, %t, %v; want %d", moment.after, got.Period.Number, got.Subject.CommonName, ok, err, moment.period)
		}
		leaf, err := x509.ParseCertificate(got.TLS.Certificate[0])
		if err != nil || !leaf.NotAfter.Equal(got.Period.Expires) || !leaf.NotBefore.Equal(got.Period.Issued) {
			t.Errorf("after %s: the certificate is valid to %s, %v; the period to %s", moment.after, leaf.NotAfter, err, got.Period.Expires)
		}
	}
	if signed != 2 {
		t.Errorf("signed %d certificates; want 2", signed)
	}
	all, err := c.At(start.Add(305 * day))
	var names []string
	for _, x := range all {
		names = append(names, x.Subject.CommonName)
	}
	if want := []string{"the sender", "another", "the sender"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("At = %v, %v; want %v", names, err, want)
	}
	none, err := NewCertificates(selfSigned)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := none.Current(start); ok || err != nil {
		t.Errorf("without a subject: %t, %v", ok, err)
	}
}

func TestIssuingFails(t *testing.T) {
	broken := errors.New("no entropy")
	c, err := NewCertificates(func(Subject, time.Time, time.Time) (tls.Certificate, error) { return tls.Certificate{}, broken }, subject)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := c.Current(start); ok || !errors.Is(err, broken) {
		t.Errorf("Current = %t, %v; want %v", ok, err, broken)
	}
	if _, err := c.At(start); !errors.Is(err, broken) {
		t.Errorf("At = %v; want %v", err, broken)
	}
}
