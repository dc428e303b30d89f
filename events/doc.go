// Package events has the wire shapes of everything that Detour receives: the EventBridge envelope, the details that AWS
// services put into it, SQS batches, and Detour's own two messages. There is one small file per AWS event.
//
// It says how a message is spelled, never what it means. What to look at because of a message is the business of package
// ingest.
//
// Decoding fills every field that it can and then reports the ones that it cannot, as *ShapeError, so that a caller who
// has to act on half an event can. JSON null counts as a missing key. Unknown keys are ignored: AWS adds some now and then.
package events
