//go:build !race

package loadtest

const raced = false
