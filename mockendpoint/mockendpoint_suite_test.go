package mockendpoint_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestMockEndpoint(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "the mock endpoint, over TCP")
}
