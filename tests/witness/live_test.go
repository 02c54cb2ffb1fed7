package witness

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// receiver is an mTLS-only mock endpoint on TCP with a token endpoint.
type receiver struct {
	journal journal.Memory
	data    string
	tokens  string
}

func startReceiver(c *certificates, o token.Options) *receiver {
	GinkgoHelper()
	r := &receiver{}
	e := mockendpoint.New(mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mockendpoint.MTLSOnly, Certificate: c.server, ClientCAs: c.clientCAs}, Tokens: token.New(o), Journal: &r.journal})
	var listeners []net.Listener
	served := make(chan error, 2)
	for _, serve := range []func(net.Listener) error{e.Serve, e.ServeTokens} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		listeners = append(listeners, l)
		go func() { served <- serve(l) }() // ends with its listener
	}
	DeferCleanup(func() {
		for _, l := range listeners {
			Expect(l.Close()).To(Succeed())
		}
		Expect(e.Close()).To(Succeed())
		for range listeners {
			Expect(<-served).To(Succeed())
		}
	})
	r.data, r.tokens = "https://"+listeners[0].Addr().String()+"/profiles", "https://"+listeners[1].Addr().String()+"/token"
	return r
}

const (
	clientSecret = "flux capacitor/1.21&gigawatts"
	password     = "great=scott%"
)

var _ = Describe("httpdest serve with OAuth 2 and mTLS", func() {
	DescribeTable("fetches one token without the certificate, and every message carries both", func(auth, grant, credentials string) {
		c := newCertificates(mockendpoint.NewerHierarchy)
		r := startReceiver(c, token.Options{ClientID: "hill-valley", ClientSecret: clientSecret, Username: "emmett", Password: password, ExpiresIn: time.Hour})
		s := serve(GinkgoT().TempDir(), fmt.Sprintf(`{name: crm, endpoint: %q, auth: {tokenURL: %q, clientID: hill-valley, clientSecret: %q, %s}, retry: {delays: [100ms, 100ms]}}`,
			r.data, r.tokens, clientSecret, auth), c)
		for n := range 5 {
			Expect(s.update(fmt.Sprintf("p%d", n))).To(Equal(http.StatusOK))
		}
		Expect(s.settled(5).Delivered).To(BeEquivalentTo(5))
		s.end()

		messages, requests := 0, 0
		for _, q := range r.journal.Requests() {
			switch {
			case q.TokenRequest != nil:
				requests++
				Expect(q.Peer).To(BeNil(), "the token URL never gets the certificate")
				Expect(q.TokenRequest.Grant).To(Equal(grant))
				Expect(q.TokenRequest.Credentials).To(Equal(credentials))
				Expect(q.Status).To(Equal(http.StatusOK))
			default:
				messages++
				Expect(q.Method).To(Equal(http.MethodPost))
				Expect(q.Peer).NotTo(BeNil())
				Expect(q.Peer.SAN).To(Equal([]string{"client.destination.test"}))
				Expect(q.Authorization).To(Equal(journal.Accepted))
				Expect(q.Token).To(Equal(1))
			}
		}
		Expect(requests).To(Equal(1))
		Expect(messages).To(BeNumerically(">=", 5))
		Expect(r.journal.Handshakes()).NotTo(BeEmpty(), "the decision's request ends in the handshake")
		for _, secret := range []string{clientSecret, password, base64.StdEncoding.EncodeToString([]byte("hill-valley:" + clientSecret))} {
			Expect(s.said()).NotTo(ContainSubstring(secret))
		}
	},
		Entry("client credentials in the body", "type: oauth2-client-credentials, credentials: body-form-encoded", "client_credentials", "body"),
		Entry("client credentials in Basic authorization", "type: oauth2-client-credentials, credentials: basic-authorization", "client_credentials", "basic"),
		Entry("password", fmt.Sprintf("type: oauth2-password, username: emmett, password: %q", password), "password", "body"),
	)
})

// expiring is a token endpoint whose first token is good for a moment; the
// answer with the second waits until it is let go.
type expiring struct {
	*httptest.Server
	requests atomic.Int32
	let      chan struct{}
	once     sync.Once
}

func (e *expiring) letGo() { e.once.Do(func() { close(e.let) }) }

func startExpiring() *expiring {
	e := &expiring{let: make(chan struct{})}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lifetime := 0.02
		n := e.requests.Add(1)
		if n > 1 {
			<-e.let
			lifetime = 3600
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"access-%d","expires_in":%g}`, n, lifetime)
	}))
	DeferCleanup(func() { e.letGo(); e.Close() })
	return e
}

var _ = Describe("The live engine", func() {
	It("makes one token request for a hundred deliveries at the expiry of a token", func() {
		tokens := startExpiring()
		var mu sync.Mutex
		carried := map[string]int{}
		data := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			mu.Lock()
			defer mu.Unlock()
			carried[r.Header.Get("Authorization")]++
		}))
		DeferCleanup(data.Close)
		destination := dataflow.Destination{Endpoint: data.URL, Auth: dataflow.Auth{Kind: dataflow.AuthClientCredentials, TokenURL: tokens.URL,
			Credentials: dataflow.BodyFormEncoded, ClientID: "hill-valley", ClientSecret: clientSecret}}
		d := startDriver(destination)
		Expect(d.Submit(context.Background(), qualifying("first"))).To(Succeed())
		Eventually(d.Stats, time.Minute).Should(HaveField("Delivered", BeEquivalentTo(1)))
		gone := time.Now().Add(20 * time.Millisecond) // the token is older than that already
		Eventually(time.Now, time.Minute, time.Millisecond).Should(BeTemporally(">", gone))

		var clients sync.WaitGroup
		for n := range 100 {
			clients.Go(func() {
				defer GinkgoRecover()
				Expect(d.Submit(context.Background(), qualifying(fmt.Sprintf("p%d", n)))).To(Succeed())
			})
		}
		clients.Wait()
		tokens.letGo()
		Eventually(d.Stats, time.Minute).Should(HaveField("Delivered", BeEquivalentTo(101)))
		Expect(tokens.requests.Load()).To(BeEquivalentTo(2))
		mu.Lock()
		defer mu.Unlock()
		Expect(carried).To(Equal(map[string]int{"Bearer access-1": 1, "Bearer access-2": 100}))
	})
})

func qualifying(id string) profile.Update {
	return profile.Update{Profile: profile.ID(id), Changes: []profile.Change{
		{Op: profile.Qualify, Audience: profile.AudienceRef{Namespace: "ups", ID: "delorean"}}}}
}

// startDriver runs the engine over TCP, for one audience.
func startDriver(destination dataflow.Destination) *live.Driver {
	GinkgoHelper()
	ref := profile.AudienceRef{Namespace: "ups", ID: "delorean"}
	f := dataflow.Dataflow{ID: "dataflow", Audiences: []profile.AudienceRef{ref}, MaxInFlight: 100, Destination: destination}
	snapshot, _ := dataflow.NewSnapshot(f, audience.NewDirectory(audience.Audience{Ref: ref, Name: "delorean"})).Activate(time.Now())
	wire := live.NewWire(delivery.New(delivery.Config{UserAgent: "httpdest", Destination: destination, Transport: delivery.Blocking}))
	settings := engine.Settings{Policy: retry.Documented(), MaxInFlight: 100, Certificate: engine.NeverPresent, Grant: engine.ClientCredentials}
	d, err := live.New(live.Config{Dataflows: []flow.Dataflow{{Snapshot: snapshot, Settings: settings}}, Store: memory.New(), Perform: wire.Perform})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	DeferCleanup(func() {
		cancel()
		Expect(<-ended).To(Succeed())
		wire.Close()
	})
	return d
}

var _ = Describe("httpdest serve that is told to end", func() {
	It("drains after the first SIGTERM, and ends at once after the second; the next start knows what was cut off", func() {
		c := newCertificates(mockendpoint.CurrentHierarchy)
		asked := make(chan struct{}, 1)
		stalled := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case asked <- struct{}{}:
			default: // of the next start
			}
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done() // ten seconds are what a token request has
		}))
		DeferCleanup(stalled.Close)
		dir := GinkgoT().TempDir()
		destination := fmt.Sprintf(`{name: crm, endpoint: "http://127.0.0.1:1/", auth: {type: oauth2-client-credentials, credentials: body-form-encoded, tokenURL: %q, clientID: a, clientSecret: b}}`, stalled.URL)
		s := serve(dir, destination, c)
		Expect(s.update("one")).To(Equal(http.StatusOK))
		Eventually(asked, started).Should(Receive())

		s.session.Signal(syscall.SIGTERM)
		Eventually(func() int { return s.update("one") }, started, 10*time.Millisecond).Should(Equal(http.StatusServiceUnavailable))
		Expect(s.stats().UnderWay).To(BeEquivalentTo(1), "it waits for what is under way")
		Expect(s.session.ExitCode()).To(Equal(-1))
		s.session.Signal(syscall.SIGTERM)
		Eventually(s.session, started).Should(gexec.Exit(130))
		Expect(s.session.Err).To(gbytes.Say("ended at once; what was under way counts as failed at the next start"))

		again := serve(dir, destination, c)
		Eventually(again.session.Err, started).Should(gbytes.Say("1 attempt with an outcome that is not known"))
		Expect(again.stats().Pending).To(BeNumerically(">=", 1))
	})
})
