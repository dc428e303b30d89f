// Package handler is what a Lambda function does: raw JSON in; an answer, a
// retry or a drop out. It decodes, asks the controller, and is the only place
// that logs and writes metrics. There is one file for each function.
//
// What each trigger makes of an outcome (Lambda Developer Guide, "How Lambda
// handles errors and retries with asynchronous invocation" and "Handling errors
// for an SQS event source in Lambda"):
//
//	EventBridge, Scheduler   invoke asynchronously and read no answer. An error
//	                         leads to two more tries, after one and after two
//	                         minutes, and then to the on-failure destination.
//	SQS                      reads the answer: the messages in batchItemFailures
//	                         come again after the visibility timeout, all others
//	                         are deleted. An error would bring the whole batch
//	                         again, so a batch is never answered with one.
//
// A message that cannot be worked on is dropped: no error, no item failure, one
// log line. It would fail the same way each time, and a batch of such messages
// would come again for ever. A run that the function's timeout kills counts as an
// error for every trigger.
//
// What an event says is never believed to be more than a hint of where to look.
// That goes for the account as well: Network Manager events carry the account of
// the global network's owner, so the account of the envelope proves nothing. A
// subject counts as watched only if kind, id, account and Region of its ARN are
// those of the configuration; for all else the event is dropped, or leads to a
// look at everything, at most once a minute.
package handler
