package simulate

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestSimulate(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "the virtual-time driver")
}

// The engine of serve asks the machine for the time: what depends on its zone shows
// east of Greenwich and a quarter of an hour off.
func init() { time.Local = time.FixedZone("Kathmandu", 5*3600+45*60) }
