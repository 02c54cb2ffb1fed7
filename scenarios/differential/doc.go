// Package differential plays histories that nobody thought of against the
// engine and has the oracle say of each export whether it had to be: two
// statements of the rules in different shapes, and whatever they do not agree
// on is a counter-example.
//
// Everything is in its tests. `make differential` plays ten thousand histories
// on the model wire, and two hundred of them over mTLS too, and prints how often
// everything that matters occurred; `make differential-mutants` builds every
// wrong decider of package mutants and shows that the histories alone find it.
// A counter-example is made small and written as a scenario for httpdest run.
package differential
