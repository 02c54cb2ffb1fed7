package local_test

import (
	"testing"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
	"github.com/httpdest/httpdest/engine/store/storetest"
)

func TestLocal(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, err := local.Open(t.TempDir(), local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
