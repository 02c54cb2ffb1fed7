package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/httpdest/httpdest/engine/store/local"
)

// Whatever is wrong with the folder of a store, both commands that open it say
// what, where and what to do, touch nothing, and end with status 2.
func TestTroubleWithTheStoreIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  []string
	}{
		"cut in half": {func(t *testing.T, dir string) {
			found, err := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
			if err != nil || len(found) == 0 {
				t.Fatalf("no manifest: %v", err)
			}
			for _, file := range found {
				info, err := os.Stat(file)
				if err == nil {
					err = os.Truncate(file, info.Size()/2)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}, []string{"the store is damaged", "MANIFEST-", "is cut: ", "hint: nothing in the folder was changed", "httpdest store check"}},
		"without its inventory": {func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "INVENTORY")); err != nil {
				t.Fatal(err)
			}
		}, []string{"the store is damaged", "INVENTORY is missing", "httpdest store check"}},
		"of the first version": {func(t *testing.T, dir string) {
			db, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: quiet{}})
			if err == nil {
				err = errors.Join(db.Set([]byte("v"), []byte("httpdest/store/v1"), pebble.Sync), db.Close(), os.Remove(filepath.Join(dir, "INVENTORY")))
			}
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"httpdest/store/v1", "hint: use the version of httpdest that wrote it; or `httpdest store repair --data DIR`"}},
		"in use": {func(t *testing.T, dir string) {
			s, err := local.Open(dir, local.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
		}, []string{"hint: stop the other httpdest first, or use another folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			data := filepath.Join(dir, "data")
			s, err := local.Open(data, local.Options{})
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(t, data)
			write(t, filepath.Join(dir, "serve.yaml"), "audiences: {a: {}}\ndestination: {name: crm, endpoint: \"https://receiver.test/\"}\ndataflow: {audiences: [a]}\n")
			for _, args := range [][]string{{"serve", "--config", filepath.Join(dir, "serve.yaml"), "--data", data}, {"dead", "list", "--data", data}} {
				var stdout, stderr bytes.Buffer
				if got := run(t.Context(), args, &stdout, &stderr, func(string) string { return "" }); got != exitUsage {
					t.Errorf("%s: exit status %d; want %d", args[0], got, exitUsage)
				}
				for _, want := range append(c.want, data) {
					if !strings.Contains(stderr.String(), want) {
						t.Errorf("%s: stderr = %q; want %q", args[0], stderr.String(), want)
					}
				}
				if stdout.Len() > 0 {
					t.Errorf("%s: stdout = %q", args[0], stdout.String())
				}
			}
		})
	}
}

// quiet is a logger of Pebble that says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)      {}
func (quiet) Errorf(string, ...any)     {}
func (quiet) Fatalf(f string, _ ...any) { panic(f) }
