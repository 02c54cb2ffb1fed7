package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
	"go.yaml.in/yaml/v4"
)

// released builds the image of a release from what .ci/image-context prepares.
func released(ctx context.Context) string {
	GinkgoHelper()
	dir := filepath.Join(GinkgoT().TempDir(), "context")
	prepare := exec.CommandContext(ctx, "../../.ci/image-context", dir)
	prepare.Env = append(os.Environ(), "VERSION=v0.0.0-test", "COMMIT=0123456789abcdef")
	said, err := prepare.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))

	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	Expect(w.AddFS(os.DirFS(dir).(fs.ReadDirFS))).To(Succeed())
	Expect(w.Close()).To(Succeed())
	provider, err := testcontainers.NewDockerProvider()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(provider.Close)
	var log bytes.Buffer
	built, err := provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		ContextArchive: bytes.NewReader(archive.Bytes()), Repo: "httpdest-test", BuildLogWriter: &log}})
	Expect(err).NotTo(HaveOccurred(), log.String())
	DeferCleanup(func(ctx SpecContext) {
		_, err := docker.ImageRemove(ctx, built, client.ImageRemoveOptions{PruneChildren: true})
		Expect(err).NotTo(HaveOccurred())
	})
	return built
}

// service is what the tests read of a service of a Compose file.
type service struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	NetworkMode string            `yaml:"network_mode"`
	DependsOn   []string          `yaml:"depends_on"`
	Profiles    []string          `yaml:"profiles"`
}

// start runs the service as Compose does.
func (s service) start(ctx context.Context, ready wait.Strategy, options ...testcontainers.ContainerCustomizer) host {
	GinkgoHelper()
	Expect(s.Image).To(Equal("httpdest:latest"))
	return startHost(ctx, ready, s.Command, append(options, testcontainers.WithEnv(s.Environment))...)
}

// services reads the Compose file of the examples as Compose does: a variable has
// its default, and two dollar signs are one.
func services() map[string]service {
	GinkgoHelper()
	content, err := os.ReadFile("../../examples/compose/compose.yaml")
	Expect(err).NotTo(HaveOccurred())
	content = regexp.MustCompile(`\$\{\w+:-([^}]*)\}`).ReplaceAll(content, []byte("$1"))
	content = bytes.ReplaceAll(content, []byte("$$"), []byte("$"))
	var file struct{ Services map[string]service }
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true) // a key that the tests do not play must not be there
	Expect(decoder.Decode(&file)).To(Succeed())
	return file.Services
}

var _ = Describe("the image of a release", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		bare := image
		image = released(ctx)
		DeferCleanup(func() { image = bare })
	})

	It("has labels, no root, and nothing to run but the binary", func(ctx SpecContext) {
		found, err := docker.ImageInspect(ctx, image)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Config.User).To(Equal("65532:65532"))
		Expect(found.Config.Entrypoint).To(HaveExactElements("/httpdest"))
		Expect(found.Config.Labels).To(And(
			HaveKeyWithValue("org.opencontainers.image.version", "v0.0.0-test"),
			HaveKeyWithValue("org.opencontainers.image.revision", "0123456789abcdef"),
			HaveKeyWithValue("org.opencontainers.image.licenses", "Apache-2.0")))
		status, said := once(ctx, []string{"version"})
		Expect(status).To(BeZero(), said)
		Expect(said).To(And(ContainSubstring("httpdest v0.0.0-test"), ContainSubstring("commit 0123456789abcdef")))
	})

	It("plays scenarios, and writes reports to the one folder that can be written to", func(ctx SpecContext) {
		status, said := once(ctx, []string{"run", "--label", "max-3", "--out", "out"})
		Expect(status).To(BeZero(), said)
		Expect(said).To(ContainSubstring("verdict: pass"))
	})

	It("carries certificate authorities: an https endpoint needs no --ca", func(ctx SpecContext) {
		h := startHost(ctx, wait.ForLog("listening on "), []string{"serve", "--config", "/serve.yaml", "--data", "store", "--listen", "127.0.0.1:8080"},
			file("/serve.yaml", configuration(to("https://"+receiverName+"/profiles", soon))))
		Expect(h.said(ctx)).NotTo(ContainSubstring("certificate authorities"))
		h.end(ctx)
	})

	It("generates load", func(ctx SpecContext) {
		status, said := once(ctx, []string{"load", "mock", "--rate", "20", "--for", "2s", "--profiles", "100"})
		Expect(said).To(MatchRegexp(`(?m)^attempts: 200×[1-9]`))
		Expect(status).To(BeElementOf(0, 1, 3)) // the verdict is the machine's
	})

	It("plays the Compose file: the mock serves, and the receiver passes the probe", func(ctx SpecContext) {
		file := services()
		Expect(file).To(HaveLen(3))
		file["mock"].start(ctx, wait.ForLog("listening on "))
		for _, port := range file["mock"].Ports {
			Expect(port).To(HavePrefix("127.0.0.1:"), "a mock is for this machine alone")
			Expect(file["mock"].Command).To(ContainElement("0.0.0.0:" + port[strings.LastIndex(port, ":")+1:]))
		}

		receiver := file["receiver"].start(ctx, wait.ForLog("listening on "))
		Expect(file["probe"].NetworkMode).To(Equal("service:receiver"))
		Expect(file["probe"].DependsOn).To(HaveExactElements("receiver"))
		probe := file["probe"].start(ctx, wait.ForExit(), testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.NetworkMode = container.NetworkMode("container:" + receiver.ID)
		}))
		state, err := probe.State(ctx)
		Expect(err).NotTo(HaveOccurred())
		said := probe.said(ctx)
		Expect(state.ExitCode).To(BeZero(), said)
		Expect(said).To(MatchRegexp(`[1-9]\d* rules proved`))
	})
})
