package scenarios

// Nearest is the known word closest to a mistyped one, or "" when none is
// close: what the hints of the loader suggest, for the names of commands.
func Nearest(word string, known []string) string { return nearest(word, known) }
