package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/httpdest/httpdest/scenarios/recording"
)

const (
	receiverName = "receiver.test"
	recordFile   = "/data/record.jsonl"
)

// receiver is httpdest mock on a host of its own.
type receiver struct {
	host
	before []recording.Line // of the lives before this one
}

// startReceiver starts it on networks, where it is receiver.test. Nothing of it
// is published: only a host of these networks reaches it.
func startReceiver(ctx context.Context, arguments []string, files []testcontainers.ContainerCustomizer, on ...*testcontainers.DockerNetwork) *receiver {
	GinkgoHelper()
	options := files
	for _, n := range on {
		options = append(options, network.WithNetwork([]string{receiverName}, n))
	}
	arguments = append([]string{"mock", "--force", "--record", recordFile}, arguments...) // forced: it is restarted in place
	return &receiver{host: startHost(ctx, wait.ForLog("listening on "), arguments, options...)}
}

// inTheClear starts a receiver without TLS.
func inTheClear(ctx context.Context, on ...*testcontainers.DockerNetwork) *receiver {
	GinkgoHelper()
	return startReceiver(ctx, []string{"--tls", "plain", "--listen", "0.0.0.0:8080"}, nil, on...)
}

const clearURL = "http://" + receiverName + ":8080/profiles"

// record is what arrived in this life so far.
func (r *receiver) record(ctx context.Context) []recording.Line {
	GinkgoHelper()
	content, err := r.CopyFileFromContainer(ctx, recordFile)
	Expect(err).NotTo(HaveOccurred())
	var lines []recording.Line
	for reader := recording.NewReader(bytes.NewReader(all(content))); ; {
		line, err := reader.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, recording.ErrCutOff) {
			return lines
		}
		Expect(err).NotTo(HaveOccurred())
		lines = append(lines, line)
	}
}

// kill also keeps what arrived: the next life begins the file anew.
func (r *receiver) kill(ctx context.Context) {
	GinkgoHelper()
	r.host.kill(ctx)
	r.before = append(r.before, r.record(ctx)...)
}

// finish ends it, and returns everything that ever arrived.
func (r *receiver) finish(ctx context.Context) []recording.Line {
	GinkgoHelper()
	r.end(ctx)
	last := r.record(ctx)
	Expect(last[len(last)-1].End).NotTo(BeNil(), "the recording of a clean end is whole")
	return append(r.before, last...)
}

// requests are those that carry exports.
func requests(lines []recording.Line) (out []recording.Request) {
	for _, l := range lines {
		if l.Request != nil && l.Request.Method == "POST" {
			out = append(out, *l.Request)
		}
	}
	return out
}

// refusals are the reasons of connections that ended in the handshake.
func refusals(lines []recording.Line) (out []string) {
	for _, l := range lines {
		if l.Handshake != nil {
			out = append(out, l.Handshake.Reason)
		}
	}
	return out
}

// arrived waits for a receiver to have recorded so many requests.
func (r *receiver) arrived(ctx context.Context, n int) {
	GinkgoHelper()
	Eventually(func() int { return len(requests(r.record(ctx))) }, patience, polling).Should(BeNumerically(">=", n), fmt.Sprintf("%d requests", n))
}
