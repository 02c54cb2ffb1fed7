package check

import (
	"slices"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// certificateKnown reports whether a recording shows if the sender presents its
// certificate in an attempt. It does where the certificate was presented, and
// where the endpoint had finished the handshake or missed the certificate in it.
// A handshake that broke off earlier shows nothing: the sender may never have
// been asked.
func (v *view) certificateKnown(a *recording.Attempt) bool {
	return a.Certificate || a.Socket > 0 && v.asked()[a.Socket]
}

// asked are the sockets on which the sender had its chance to present the
// certificate.
func (v *view) asked() map[int]bool {
	if v.askedOn != nil {
		return v.askedOn
	}
	v.askedOn = map[int]bool{}
	for _, l := range v.lines {
		switch {
		case l.Request != nil: // of an mTLS decision too: the socket may be used again
			v.askedOn[l.Request.Socket] = true
		case l.Handshake != nil && (l.Handshake.Peer != nil || slices.Contains(pastCertificate, l.Handshake.Reason)):
			v.askedOn[l.Handshake.Socket] = true
		}
	}
	return v.askedOn
}

// pastCertificate are the ends of a connection that come after the point at
// which a certificate is presented.
var pastCertificate = []string{"certificate-required", "no-request"}

// verified: an endpoint whose certificate cannot be verified gets no request
// (R139).
func (v *view) verified(f *findings) {
	if !v.scenario.Endpoint.Unverifiable() {
		return
	}
	for _, a := range v.attempts {
		if a.Socket > 0 {
			f.note(!status(a.Outcome), "%s, attempt %d was answered %s", a.Message, a.Number, a.Outcome)
		}
	}
	for _, r := range v.requests {
		f.note(false, "%s", place(r))
	}
}
