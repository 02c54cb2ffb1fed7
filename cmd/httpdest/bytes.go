package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteUnits are the units that a number of bytes may have.
var byteUnits = []struct {
	name string
	size int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// byteCount is a flag for a number of bytes, such as 512MiB.
type byteCount int64

// Set implements pflag.Value.
func (b *byteCount) Set(text string) error {
	unit := int64(1)
	digits := text
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return fmt.Errorf("%q is not a number of bytes such as 512MiB", text)
	}
	*b = byteCount(n * unit)
	return nil
}

// String implements pflag.Value.
func (b *byteCount) String() string {
	for _, u := range []struct {
		name string
		size byteCount
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}} {
		if *b >= u.size && *b%u.size == 0 {
			return fmt.Sprintf("%d%s", *b/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type implements pflag.Value.
func (b *byteCount) Type() string { return "bytes" }
