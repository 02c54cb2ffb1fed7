package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// playThrough takes in what --through, --longest and --time say.
func (f runFlags) playThrough(o *simulate.Options) error {
	o.Through, o.Longest = simulate.Through(f.through), f.longest
	switch clocks := []string{"", "virtual", "wall"}; {
	case !slices.Contains(clocks, f.clock):
		return failure{exitUsage, fmt.Errorf("--time %q", f.clock), "give virtual or wall"}
	case f.clock != "" && f.through != "":
		return failure{exitUsage, errors.New("--time cannot be combined with --through"), "leave --time out"}
	case f.longest < 0:
		return failure{exitUsage, fmt.Errorf("--longest must be 0 or more, but is %s", f.longest), "give a duration such as 90s, or 0 for no limit"}
	case f.clock == "wall":
		o.Through, o.Longest = simulate.OnTheWall, time.Duration(0)
	case f.through == "":
		o.Through = simulate.Simulation
	case !slices.Contains(simulate.Throughs, o.Through):
		return failure{exitUsage, fmt.Errorf("--through %q", f.through), "give simulation, wall or serve"}
	}
	if o.Through != simulate.Serve {
		return nil
	}
	if runtime.GOOS == "windows" {
		return failure{exitUsage, errors.New("--through serve does not work on Windows, which has no SIGTERM"), "give simulation or wall"}
	}
	own, err := os.Executable()
	if err != nil {
		return failure{exitUnjudged, fmt.Errorf("the path of this program: %w", err), ""}
	}
	o.Serving = simulate.Serving{Path: own, Name: os.Args[0],
		OpenStore: func(dir string) (store.Store, error) { return local.Open(dir, local.Options{}) }}
	return nil
}
