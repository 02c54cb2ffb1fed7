package loadtest

import "testing"

// Volume is volume for the tests that see nothing else of this package.
func Volume(t *testing.T) { volume(t) }
