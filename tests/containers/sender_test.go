package containers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/httpdest/httpdest/engine/live"
)

const intakePort = "8080/tcp"

// intake is the client of every sender. A connection is not kept: the port of a
// host that is gone may be that of the next.
var intake = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
	DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}

// intakeToken is what the intake of a sender asks for.
const intakeToken = "the-token-of-the-intake"

// sender is httpdest serve on a host of its own. Its store is in the file system
// of the container, which outlives the process.
type sender struct {
	host
	address  string   // of this machine, at which its intake is published
	accepted []string // profiles, one update each
}

// startSender starts it on a private network, with the destination block of its
// configuration. Its intake is published on a network of its own, since nothing
// is on a private one.
func startSender(ctx context.Context, destination string, files []testcontainers.ContainerCustomizer, arguments []string, on *testcontainers.DockerNetwork) *sender {
	GinkgoHelper()
	options := append(files, file("/serve.yaml", configuration(destination)),
		network.WithNetwork(nil, newNetwork(ctx)), network.WithNetwork(nil, on), testcontainers.WithExposedPorts(intakePort))
	arguments = append([]string{"serve", "--config", "/serve.yaml", "--data", "/data/store", "--listen", "0.0.0.0:8080", "--token", intakeToken}, arguments...)
	s := &sender{host: startHost(ctx, wait.ForLog("listening on "), arguments, options...)}
	s.find(ctx)
	return s
}

func configuration(destination string) []byte {
	return []byte("audiences: {delorean: {}}\ndestination: " + destination + "\ndataflow: {audiences: [delorean], attributes: [n], maxInFlight: 64}\n")
}

// to is a destination block. delays are those before the two retries: shorter
// than the documented 15 s and 30 s, which the library of scenarios proves.
func to(url, delays string) string {
	return fmt.Sprintf("{name: crm, endpoint: %q, retry: {delays: [%s]}}", url, delays)
}

// find waits for the intake to answer, and keeps by which address. Where tests
// run in a container, the daemon may be that of its host or one of its own; the
// library takes it for the former, and is asked second.
func (s *sender) find(ctx context.Context) {
	GinkgoHelper()
	published, err := s.Host(ctx)
	Expect(err).NotTo(HaveOccurred())
	Eventually(func() (err error) {
		for _, s.address = range []string{"127.0.0.1", published} {
			if _, err = s.stats(ctx); err == nil {
				return nil
			}
		}
		return err
	}, patience, polling).Should(Succeed())
}

// url of the intake. The port is another one after a restart.
func (s *sender) url(ctx context.Context) (string, error) {
	port, err := s.MappedPort(ctx, intakePort)
	return "http://" + net.JoinHostPort(s.address, port.Port()), err
}

// ask does one request of the intake; any other status than 200 is an error.
func (s *sender) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	base, err := s.url(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+intakeToken)
	answer, err := intake.Do(request)
	if err != nil {
		return nil, err
	}
	said, err := io.ReadAll(answer.Body)
	err = errors.Join(err, answer.Body.Close())
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, said)
	}
	return said, err
}

// accept sends updates, one for each profile of a name and a number, and wants
// all of them accepted.
func (s *sender) accept(ctx context.Context, name string, n int) {
	GinkgoHelper()
	var lines bytes.Buffer
	for i := range n {
		profile := fmt.Sprintf("%s-%d", name, i)
		fmt.Fprintf(&lines, "{\"profile\": %q, \"qualify\": \"delorean\", \"set\": {\"n\": %d}, \"addIdentity\": {\"crm\": %q}}\n", profile, i, profile)
		s.accepted = append(s.accepted, profile)
	}
	said, err := s.ask(ctx, http.MethodPost, "/updates", lines.String())
	Expect(err).NotTo(HaveOccurred())
	Expect(said).To(MatchJSON(fmt.Sprintf(`{"accepted": %d}`, n)))
}

func (s *sender) stats(ctx context.Context) (st live.Stats, err error) {
	said, err := s.ask(ctx, http.MethodGet, "/health", "")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(said, &st)
}

// reaches waits until the numbers of the sender are as wanted, and returns them.
func (s *sender) reaches(ctx context.Context, what string, wanted func(live.Stats) bool) (st live.Stats) {
	GinkgoHelper()
	Eventually(func() (bool, error) {
		var err error
		st, err = s.stats(ctx)
		return err == nil && wanted(st), err
	}, patience, polling).Should(BeTrue(), func() string { return fmt.Sprintf("%s: %+v", what, st) })
	return st
}

// settled waits until so many messages are delivered or dead, and none waits.
func (s *sender) settled(ctx context.Context, n int) live.Stats {
	GinkgoHelper()
	return s.reaches(ctx, fmt.Sprintf("%d messages are settled", n), func(st live.Stats) bool {
		return st.Pending == 0 && st.Delivered+st.Dropped >= uint64(n)
	})
}

// waiting waits until n exports have been tried in vain, after so many attempts
// for others, and all wait for a retry.
func (s *sender) waiting(ctx context.Context, n, others int) live.Stats {
	GinkgoHelper()
	return s.reaches(ctx, fmt.Sprintf("%d exports wait for a retry", n), func(st live.Stats) bool {
		return st.UnderWay == 0 && st.Pending == int64(n) && st.Attempts >= uint64(others+n)
	})
}

// dead are its dead letters.
func (s *sender) dead(ctx context.Context) (out []live.Letter) {
	GinkgoHelper()
	said, err := s.ask(ctx, http.MethodGet, "/dead", "")
	Expect(err).NotTo(HaveOccurred())
	for d := json.NewDecoder(bytes.NewReader(said)); ; {
		var l live.Letter
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return out
		} else {
			Expect(err).NotTo(HaveOccurred())
		}
		out = append(out, l)
	}
}
