package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release and commit are set by the build of a release:
// -ldflags "-X main.release=v1.2.3 -X main.commit=…".
var release, commit string

// newest is the newest version in CHANGELOG.md; a test compares them.
const newest = "v0.1.0"

// version is the release, the module's version where go install fetched one, or
// the newest version with "-devel". A pseudo-version of the go command is not a
// version of the changelog; the commit is shown apart.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && released.MatchString(info.Main.Version) {
		return info.Main.Version
	}
	return newest + "-devel"
}

// released are the versions of tags.
var released = regexp.MustCompile(`^v\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$`)

// revision is the commit that this binary was built from, with "+changes" where
// the tree had more than the commit; "" where nobody knows.
func revision() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.modified"] == "true" {
		return settings["vcs.revision"] + "+changes"
	}
	return settings["vcs.revision"]
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print version, platform and commit",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				OS      string `json:"os"`
				Commit  string `json:"commit,omitempty"`
			}{version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, revision()}
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			built := v.Go + ", " + v.OS
			if v.Commit != "" {
				built += ", commit " + v.Commit
			}
			_, err := fmt.Fprintf(a.stdout, "httpdest %s (%s)\n", v.Version, built)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}
