package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// secretForms is what the help of a flag for a secret says.
const secretForms = "${NAME} reads it from the environment, @FILE from a file"

// variableName is a secret that is read from the environment.
var variableName = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// secretOf reads the value of a flag for a secret: ${NAME} from the environment,
// @FILE from a file without its last line break, and any other text as it is. A
// text is visible to whoever lists the processes of this machine, so that a
// warning follows. The error names the flag and never the value.
func (a *app) secretOf(flag, text string) (string, error) {
	value, named, err := a.secretNamed(flag, text)
	if err == nil && !named && text != "" {
		fmt.Fprintf(a.stderr, "httpdest: %s: other users of this machine can see a secret on the command line; use ${NAME} or @FILE\n", flag)
	}
	return value, err
}

// secretNamed is secretOf for a flag whose text need not be a secret: there is no
// warning. named reports whether it came from elsewhere.
func (a *app) secretNamed(flag, text string) (value string, named bool, err error) {
	wrong := func(err error) (string, bool, error) {
		return "", true, failure{exitUsage, fmt.Errorf("%s: %w", flag, err), "write ${NAME} for a variable of the environment, or @FILE for a file"}
	}
	if m := variableName.FindStringSubmatch(text); m != nil {
		value := a.getenv(m[1])
		if value == "" {
			return wrong(fmt.Errorf("the variable %s is not set", m[1]))
		}
		return value, true, nil
	}
	file, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, false, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return wrong(err)
	}
	value = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case value == "":
		return wrong(fmt.Errorf("%s is empty", file))
	case strings.ContainsAny(value, "\r\n\x00"):
		return wrong(errors.New("the file has more than one line"))
	}
	return value, true, nil
}

// readSecrets replaces the values of flags by the secrets that they name. The
// first error is that of the first flag in order.
func (a *app) readSecrets(flags map[string]*string) (err error) {
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		text := flags[flag]
		if *text, _, err = a.secretNamed(flag, *text); err != nil {
			return err
		}
	}
	return nil
}
