package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
)

// recordFlags say where a server writes what happens.
type recordFlags struct {
	file  string
	force bool
}

func (f *recordFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.file, "record", "", "file to write the recording to, as it happens; it must not exist")
	flags.BoolVar(&f.force, "force", false, "replace the file of --record")
}

// check refuses --force alone.
func (f recordFlags) check() error {
	if f.force && f.file == "" {
		return failure{exitUsage, errors.New("--force without --record"), "name the file that may be replaced"}
	}
	return nil
}

// open makes the file of --record. A recording that is there stays, unless --force
// replaces it; a device or a pipe is written to.
func (f recordFlags) open() (*os.File, error) { return f.openFor(os.O_WRONLY) }

// reopenable is open for a file that is read as well.
func (f recordFlags) reopenable() (*os.File, error) { return f.openFor(os.O_RDWR) }

func (f recordFlags) openFor(access int) (*os.File, error) {
	mode := access | os.O_CREATE | os.O_EXCL
	info, err := os.Stat(f.file)
	switch {
	case err == nil && !info.Mode().IsRegular():
		mode = access
	case err == nil && !f.force:
		return nil, failure{exitUsage, fmt.Errorf("--record %s already exists", f.file), "give --force to replace it, or another file"}
	case err == nil:
		mode = access | os.O_TRUNC
	}
	file, err := os.OpenFile(f.file, mode, privateFile)
	if err != nil {
		return nil, failure{exitUsage, err, "give --record the path of a file that can be written"}
	}
	return file, nil
}
