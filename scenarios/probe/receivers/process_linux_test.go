package receivers

import (
	"os/exec"
	"syscall"
)

// endWithUs ends a process with the test, also where the test is killed.
func endWithUs(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
