package witness

import (
	"os"
	"os/exec"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

func TestWitness(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The engine before servers that we did not write")
}

var _ = AfterSuite(gexec.CleanupBuildArtifacts)

// needs skips where a program is missing on a user's machine; in CI it must be
// there. It returns its path.
func needs(program, install string) string {
	GinkgoHelper()
	path, err := exec.LookPath(program)
	if err != nil && program == "nginx" { // Debian keeps it from ordinary users' paths
		path, err = exec.LookPath("/usr/sbin/nginx")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			Fail(program + " is missing, and CI must have it: install " + install)
		}
		Skip("NOT proved here: " + program + " is missing; install " + install + " to run this")
	}
	return path
}
