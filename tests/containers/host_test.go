package containers

import (
	"bytes"
	"context"
	"net/netip"

	containertypes "github.com/moby/moby/api/types/container"
	networktypes "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
)

// labels are what `make clean-containers` finds by what a killed run left.
var labels = map[string]string{"httpdest.test": "true"}

// private is a network that leads nowhere else.
func private(ctx context.Context) *testcontainers.DockerNetwork {
	GinkgoHelper()
	return newNetwork(ctx, network.WithInternal())
}

func newNetwork(ctx context.Context, options ...network.NetworkCustomizer) *testcontainers.DockerNetwork {
	GinkgoHelper()
	n, err := network.New(ctx, append(options, network.WithLabels(labels))...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(n.Remove)
	return n
}

// subnet is the addresses of a network.
func subnet(ctx context.Context, n *testcontainers.DockerNetwork) netip.Prefix {
	GinkgoHelper()
	found, err := docker.NetworkInspect(ctx, n.ID, client.NetworkInspectOptions{})
	Expect(err).NotTo(HaveOccurred())
	Expect(found.Network.IPAM.Config).NotTo(BeEmpty())
	return found.Network.IPAM.Config[0].Subnet
}

// host is a container of the image.
type host struct {
	*testcontainers.DockerContainer
}

// startHost runs a command of the binary, and waits for what ready says.
func startHost(ctx context.Context, ready wait.Strategy, arguments []string, options ...testcontainers.ContainerCustomizer) host {
	GinkgoHelper()
	options = append(options, testcontainers.WithLabels(labels), testcontainers.WithCmd(arguments...), testcontainers.WithWaitStrategyAndDeadline(patience, ready))
	c, err := testcontainers.Run(ctx, image, options...)
	h := host{c}
	if c != nil {
		DeferCleanup(func(ctx SpecContext) {
			if CurrentSpecReport().Failed() {
				AddReportEntry(arguments[0], h.said(ctx))
			}
			// Containers that still run have no more output.
			Expect(c.Terminate(ctx, testcontainers.StopTimeout(0))).To(Succeed())
		})
	}
	Expect(err).NotTo(HaveOccurred())
	return h
}

// file is a file of a host that everybody may read.
func file(path string, content []byte) testcontainers.ContainerCustomizer {
	return testcontainers.WithFiles(testcontainers.ContainerFile{Reader: bytes.NewReader(content), ContainerFilePath: path, FileMode: 0o444})
}

// said is all the host wrote.
func (h host) said(ctx context.Context) string {
	GinkgoHelper()
	logs, err := h.Logs(ctx)
	Expect(err).NotTo(HaveOccurred())
	return string(all(logs))
}

// pause stops all of its processes; the kernel still takes connections for it.
func (h host) pause(ctx context.Context) {
	GinkgoHelper()
	_, err := docker.ContainerPause(ctx, h.ID, client.ContainerPauseOptions{})
	Expect(err).NotTo(HaveOccurred())
}

func (h host) goOn(ctx context.Context) {
	GinkgoHelper()
	_, err := docker.ContainerUnpause(ctx, h.ID, client.ContainerUnpauseOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// kill ends it as a power cut of the process does: without a word. A host that
// is paused does nothing more before its end.
func (h host) kill(ctx context.Context) {
	GinkgoHelper()
	_, err := docker.ContainerKill(ctx, h.ID, client.ContainerKillOptions{Signal: "KILL"})
	Expect(err).NotTo(HaveOccurred())
	Eventually(h.state).WithContext(ctx).WithTimeout(patience).WithPolling(polling).Should(HaveField("Running", BeFalse()))
}

// restart starts it again with the files that it left. Its published port is
// another one then.
func (h host) restart(ctx context.Context) {
	GinkgoHelper()
	_, err := docker.ContainerStart(ctx, h.ID, client.ContainerStartOptions{})
	Expect(err).NotTo(HaveOccurred())
}

// end tells it to end, and wants a clean end.
func (h host) end(ctx context.Context) {
	GinkgoHelper()
	seconds := int(patience.Seconds())
	_, err := docker.ContainerStop(ctx, h.ID, client.ContainerStopOptions{Timeout: &seconds})
	Expect(err).NotTo(HaveOccurred())
	Expect(h.state(ctx)).To(HaveField("ExitCode", 0))
}

func (h host) state(ctx context.Context) (*containertypes.State, error) { return h.State(ctx) }

// cut takes it off a network.
func (h host) cut(ctx context.Context, n *testcontainers.DockerNetwork) {
	GinkgoHelper()
	_, err := docker.NetworkDisconnect(ctx, n.ID, client.NetworkDisconnectOptions{Container: h.ID})
	Expect(err).NotTo(HaveOccurred())
}

// heal puts it back by the name it had: without it nobody would find it.
func (h host) heal(ctx context.Context, n *testcontainers.DockerNetwork, name string) {
	GinkgoHelper()
	_, err := docker.NetworkConnect(ctx, n.ID, client.NetworkConnectOptions{Container: h.ID, EndpointConfig: &networktypes.EndpointSettings{Aliases: []string{name}}})
	Expect(err).NotTo(HaveOccurred())
}
