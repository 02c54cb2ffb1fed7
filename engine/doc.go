// Package engine decides what is exported and when it is sent. PURE: it takes
// now and what happened, and returns effects for a driver to perform.
//
// From an update to an attempt, with the room of each step:
//
//	intake     reads a line as a profile.Update
//	profile    Apply: the update changes the profile
//	export     Determine: what changed is a reason to export, or is not; Body
//	engine     Decide: both of them, and the export is numbered; parallel by profile
//	store      Commit: the new state, and the export as accepted
//	engine     Dispatcher: queues, in-flight limit, retries, token, mTLS decision, batching
//	retry      Policy: a failed attempt is repeated then, or given up
//	monitor    counts what became of it by the hour; alerts
//	flow       Runtime: joins all of them for every dataflow, and takes actions of people
//	delivery   performs an attempt on the wire
//	live       drives the runtime on the wall clock; scenarios/simulate in virtual time
//
// A driver calls the runtime with one event at a time and performs the
// effects: what is to be durable first, then the wire. The Example is a driver
// in twenty lines.
package engine
