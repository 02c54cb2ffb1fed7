// Package loadtest measures the rate that a receiver, or the whole engine,
// holds: numbers that a planner can defend.
//
// Decision: a latency runs from the moment a request was due, not from the
// moment a worker was free to send it, and nothing passes that a generator
// which fell behind has measured. Reason: otherwise a test slows down with
// what it tests, and reports the calm of its own making (coordinated
// omission). Cost: a test on a machine that is too small says inconclusive,
// and no number.
//
// Vegeta paces and sends; what is due when, what is measured and what it is
// worth is decided here.
package loadtest
