package check

// diagnosis is one way to break a rule: the words for what was expected, and
// how to fix it. The zero value has the words of the rule itself.
type diagnosis struct{ title, want, fix string }

// The diagnoses of the ledger of a capture.
var (
	notRetried = diagnosis{"retry a message that failed", "another attempt after each failure, as often as the policy has it",
		"Schedule the next attempt when one fails, and keep the message until it is delivered or has had its last attempt."}
	oneMore = diagnosis{"make at most three attempts", "no more attempts than the policy has",
		"Count the attempts where they are made, and look for a client library or a queue that sends requests again on its own."}
	changedBody = diagnosis{"retry the same request", "the body of the first attempt",
		"Store the bytes of the body with the message when it is built, and send those again."}
	changedRequest = diagnosis{"retry the same request", "the method, the URL and the headers of the first attempt",
		"Build a retry by the code that builds the first attempt, with all its headers."}
	regrouped = diagnosis{"retry the same request", "the profiles of the first attempt, no more and no fewer",
		"Repeat the whole message: a response does not distinguish profiles."}
	resent = diagnosis{"stop at the first success", "nothing after a 2xx",
		"Settle a message when its 2xx arrives, before its next attempt is scheduled, and take it off the queue."}
	givenUp = diagnosis{"drop a message after its last failure", "nothing after the last attempt",
		"Take the message off the queue when its last attempt fails."}
	twiceInOne = diagnosis{"put every export into exactly one message", "a profile once in a message",
		"Take an export off the queue when it enters a message, and look for a queue that holds it twice."}
	stranger = diagnosis{"export only the profiles that changed", "exports of profiles that the history has",
		"Compare the identities of the export with those of the scenario: none of its profiles has one of them."}
	uncalled = diagnosis{"export only the profiles that changed", "an export for each change that calls for one, and no other",
		"Look for code that exports without a change: a loop over a whole audience, a timer, or a replayed queue."}
	tooLate = diagnosis{"send without waiting", "an export as soon as its profile changed, within ten minutes as a rule",
		"Look for a batch job, a timer or a full queue between the change and its first attempt."}
	outOfOrder = diagnosis{"keep the exports of a profile in order", "each export of a profile after the one before it is settled",
		"Send the next export of a profile when the one before it is delivered or dropped."}
	forgotten = diagnosis{"export every change that calls for it", "an export for each change that calls for one",
		"Look for changes that are lost between the profile and the queue: merged with others, or filtered."}
)
