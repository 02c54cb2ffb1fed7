// Package library is the scenarios that come with httpdest, a folder per group
// of rules; the file name is the case.
package library

import "embed"

// Files holds the scenarios; package scenarios reads them with FindFS.
//
//go:embed */*.yaml
var Files embed.FS
