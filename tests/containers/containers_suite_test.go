package containers

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/moby/client"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

const (
	// patience is for what a daemon does on a busy machine; nothing takes it
	// unless something is wrong.
	patience = time.Minute
	polling  = 20 * time.Millisecond
)

// Ryuk, which would remove what a killed run leaves, is an image of a registry;
// `make clean-containers` does without. The library reads the environment once,
// at its first call.
func TestMain(m *testing.M) {
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func TestContainers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Receiver and sender on hosts of their own", Label("containers"))
}

var (
	docker client.APIClient
	image  string // of this run: others may run at the same time
)

var _ = BeforeSuite(func(ctx SpecContext) {
	log.SetDefault(GinkgoWriter) // what the library does is seen where a spec fails
	provider, err := testcontainers.NewDockerProvider()
	if err == nil {
		err = provider.Health(ctx)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			Fail("CI must have a Docker daemon, and there is none: " + err.Error())
		}
		// Standard error, since the output of a suite that is skipped is not shown.
		fmt.Fprintln(os.Stderr, "NOT proved here, because no Docker daemon answers: receiver and sender in containers")
		Skip("NOT proved here: no Docker daemon answers; start one to run this: " + err.Error())
	}
	DeferCleanup(func() { _ = provider.Close() }) // nothing is read from it any more
	docker = provider.Client()
	var said bytes.Buffer
	image, err = provider.BuildImage(ctx, &testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		ContextArchive: bytes.NewReader(buildContext(ctx)), Repo: "httpdest-test", BuildLogWriter: &said}})
	Expect(err).NotTo(HaveOccurred(), said.String())
	DeferCleanup(func(ctx SpecContext) {
		_, err := docker.ImageRemove(ctx, image, client.ImageRemoveOptions{PruneChildren: true})
		Expect(err).NotTo(HaveOccurred())
	})
})

// buildContext is the archive that the image is built from: the Dockerfile, the
// binary of this tree, and an empty folder.
func buildContext(ctx context.Context) []byte {
	GinkgoHelper()
	binary := filepath.Join(GinkgoT().TempDir(), "httpdest")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/httpdest/httpdest/cmd/httpdest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	said, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))

	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, f := range []struct{ name, path string }{{"Dockerfile", "Dockerfile"}, {"httpdest", binary}} {
		content, err := os.ReadFile(f.path)
		Expect(err).NotTo(HaveOccurred())
		Expect(archive.WriteHeader(&tar.Header{Name: f.name, Mode: 0o755, Size: int64(len(content))})).To(Succeed())
		_, err = archive.Write(content)
		Expect(err).NotTo(HaveOccurred())
	}
	Expect(archive.WriteHeader(&tar.Header{Name: "data/", Typeflag: tar.TypeDir, Mode: 0o755})).To(Succeed())
	Expect(archive.Close()).To(Succeed())
	return out.Bytes()
}

// all reads to the end, and closes.
func all(r io.ReadCloser) []byte {
	GinkgoHelper()
	content, err := io.ReadAll(r)
	Expect(err).NotTo(HaveOccurred())
	Expect(r.Close()).To(Succeed())
	return content
}
