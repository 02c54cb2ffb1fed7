package containers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/mockendpoint"
)

// soon are the delays where an attempt that fails will fail again.
const soon = "100ms, 100ms"

var _ = Describe("a receiver with an allowlist", func() {
	It("takes what comes from the one network, and answers 403 to the other", func(ctx SpecContext) {
		known, unknown := private(ctx), private(ctx)
		r := startReceiver(ctx, []string{"--tls", "plain", "--listen", "0.0.0.0:8080", "--allow", subnet(ctx, known).String()}, nil, known, unknown)
		friend := startSender(ctx, to(clearURL, unhurried), nil, nil, known)
		stranger := startSender(ctx, to(clearURL, soon), nil, nil, unknown)
		friend.accept(ctx, "friend", during)
		stranger.accept(ctx, "stranger", during)
		Expect(friend.settled(ctx, during).Delivered).To(BeEquivalentTo(during))
		Expect(stranger.settled(ctx, during).Dropped).To(BeEquivalentTo(during))
		letters := stranger.dead(ctx)
		Expect(letters).To(HaveEach(HaveField("Outcome", "403")))
		Expect(friend.dead(ctx)).To(BeEmpty())
		friend.end(ctx)
		stranger.end(ctx)

		lines := r.finish(ctx)
		b := judge(append(friend.accepted, stranger.accepted...), lines, letters)
		Expect(b.delivered).To(ConsistOf(friend.accepted))
		Expect(b.dead).To(ConsistOf(stranger.accepted))
		for _, q := range requests(lines) {
			if q.Status != http.StatusOK {
				Expect(q).To(And(HaveField("Status", http.StatusForbidden), HaveField("Refused", Not(BeEmpty()))))
			}
		}
	})
})

// pems is a certificate, its key and its authority, as the flags want them.
type pems struct{ certificate, key, authority []byte }

func newPEMs(own tls.Certificate, err error) pems {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	Expect(err).NotTo(HaveOccurred())
	one := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	return pems{one("CERTIFICATE", own.Certificate[0]), one("PRIVATE KEY", key), one("CERTIFICATE", own.Certificate[1])}
}

func newAuthority(name string) *mockendpoint.Authority {
	GinkgoHelper()
	a, err := mockendpoint.NewAuthority(name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	Expect(err).NotTo(HaveOccurred())
	return a
}

// withCertificate starts a sender with a certificate of its own, or without one.
func withCertificate(ctx context.Context, delays string, own *pems, trusts []byte, on *testcontainers.DockerNetwork) *sender {
	GinkgoHelper()
	files, arguments := []testcontainers.ContainerCustomizer{file("/ca.pem", trusts)}, []string{"--ca", "/ca.pem"}
	if own != nil {
		files = append(files, file("/client.pem", own.certificate), file("/client-key.pem", own.key))
		arguments = append(arguments, "--cert", "/client.pem", "--key", "/client-key.pem")
	}
	return startSender(ctx, to("https://"+receiverName+":8443/profiles", delays), files, arguments, on)
}

var _ = Describe("an mTLS-only receiver", func() {
	It("takes what comes with a certificate of its authority, and nothing else reaches it", func(ctx SpecContext) {
		servers, clients := newAuthority("servers of the suite"), newAuthority("clients of the suite")
		server := newPEMs(servers.Server(receiverName))
		known := newPEMs(clients.Client("known", "known.test"))
		foreign := newPEMs(newAuthority("somebody else").Client("foreign", "foreign.test"))
		on := private(ctx)
		r := startReceiver(ctx, []string{"--tls", "mtls-only", "--listen", "0.0.0.0:8443", "--cert", "/server.pem", "--key", "/server-key.pem", "--client-ca", "/clients.pem"},
			[]testcontainers.ContainerCustomizer{file("/server.pem", server.certificate), file("/server-key.pem", server.key), file("/clients.pem", known.authority)}, on)

		right := withCertificate(ctx, unhurried, &known, server.authority, on)
		right.accept(ctx, "right", during)
		Expect(right.settled(ctx, during).Delivered).To(BeEquivalentTo(during))
		Expect(right.dead(ctx)).To(BeEmpty())
		right.end(ctx)

		accepted := right.accepted
		var letters []live.Letter
		for _, wrong := range []struct {
			name   string
			own    *pems
			trusts []byte
			reason string
		}{
			{"without", nil, server.authority, "certificate-required"},
			{"foreign", &foreign, server.authority, "unknown-ca"},
			{"distrustful", &known, known.authority, "mtls-undecided"},
		} {
			s := withCertificate(ctx, soon, wrong.own, wrong.trusts, on)
			s.accept(ctx, wrong.name, 1)
			Expect(s.settled(ctx, 1).Dropped).To(BeEquivalentTo(1), wrong.name)
			Expect(s.dead(ctx)).To(HaveEach(And(HaveField("Outcome", "tls"), HaveField("Reason", wrong.reason))), wrong.name)
			accepted, letters = append(accepted, s.accepted...), append(letters, s.dead(ctx)...)
			s.end(ctx)
		}

		lines := r.finish(ctx)
		b := judge(accepted, lines, letters)
		Expect(b.delivered).To(ConsistOf(right.accepted))
		Expect(b.dead).To(ConsistOf("without-0", "foreign-0", "distrustful-0"))
		for _, l := range lines {
			if l.Request != nil {
				Expect(l.Request.Peer).To(HaveField("CommonName", "known"), "only its owner's requests arrive: %+v", l.Request)
			}
		}
		Expect(refusals(lines)).To(ContainElements("certificate-required", "unknown-ca"))
	})
})
