package main

import "testing"

func TestByteCount(t *testing.T) {
	for text, want := range map[string]byteCount{"0": 0, "1024": 1024, "64KiB": 64 << 10, "512MiB": 512 << 20, "2 GiB": 2 << 30, "1GB": 1e9, "5B": 5} {
		var b byteCount
		if err := b.Set(text); err != nil || b != want {
			t.Errorf("%q is read as %d, %v; want %d", text, b, err, want)
		}
		var again byteCount
		if err := again.Set(b.String()); err != nil || again != b {
			t.Errorf("%d is written as %q", b, b.String())
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "1TiB", "9223372036854775807GiB"} {
		var b byteCount
		if err := b.Set(text); err == nil {
			t.Errorf("%q is read as %d", text, b)
		}
	}
}
