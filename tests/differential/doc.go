// Package differential plays histories that nobody thought of against the
// engine and has the oracle say of each export whether it had to be: two
// statements of the rules in different shapes, and whatever they do not agree
// on is a counter-example.
//
// The captures of these histories judge the judge of somebody else's sender as
// well: a right one must break nothing, and one that is broken in one of fifty
// ways must be found under the rule of that way, with no other documented rule
// failed. (Where another reading of the documentation explains what was sent, it is
// found once the readings are chosen; a few that anything else explains are listed.)
// `make wrong-senders` prints a line for each way: how often it was
// tried and found, and under which rules. A right sender that has another reading
// of what the documentation leaves open is never failed; `make other-readings`
// plays many.
//
// Everything is in its tests. `make differential` plays ten thousand histories
// on the model wire, and two hundred of them over mTLS too, and prints how often
// everything that matters occurred; `make differential-mutants` builds every
// wrong decider of package mutants and shows that the histories alone find it.
// A counter-example is made small and written as a scenario for httpdest run.
package differential
