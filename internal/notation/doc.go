// Package notation reads what scenario files, the admin API of the mock and the
// faults of both write as text: durations, and names of profiles with their ranges. PURE.
package notation

// Short is the beginning of a text, short enough for a message.
func Short(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
