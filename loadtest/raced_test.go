//go:build race

package loadtest

const raced = true
