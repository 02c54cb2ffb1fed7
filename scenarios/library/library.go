// Package library is the scenarios that come with httpdest, a folder per group
// of rules; the file name is the case.
package library

import "embed"

// Files holds the scenarios, which package scenarios reads with FindFS, and
// below payloads/ the example payloads of the documentation.
//
//go:embed */*.yaml payloads/*.json
var Files embed.FS
