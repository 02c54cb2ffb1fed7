// Package examples has no code but a test that runs the examples in other
// languages. README.md says what is in each folder.
package examples
