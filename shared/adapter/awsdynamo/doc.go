// Package awsdynamo keeps Detour's records in one DynamoDB table. It implements
// the controller's Records port; package memory is the reference for what each
// method answers. It makes each call once: retries are the controller's.
//
// # The table
//
// The keys are pk and sk, both strings. There are three kinds of item. Times
// that people read are RFC 3339 in UTC, with nanoseconds. What this package does
// not know it ignores.
//
// A record: pk is the controller.Key ("group#NAME", "filter#NAME", "everything",
// "every-filter" or "filters"), sk is "record". That of "filters" has requests only: one for each filter of
// which measures stand.
//
//	leaseToken   S  the holder of the lease; not there: the lease is free
//	leaseUntil   N  when the lease runs out, in Unix nanoseconds
//	leaseFrom    S  the token of the lease that ran out and was taken over;
//	                "": the lease was free
//	releasedBy   S  the token of the last lease that was given back
//	dirty        N  how often a request or a late-comer asked for one more run
//	revision     N  how many times the record was committed
//	record       S  the record as JSON: a group's (protection.Record), or a
//	                filter's (filter.Record)
//	recordGzip   B  the same, compressed, in place of record where that is large
//	wakes        S  the wake-ups that are armed ([]time.Time) as JSON, earliest
//	                first
//	wakeAt       S  the one that the last run asked for, as earlier versions wrote
//	                it; read where there is no wakes
//	lookedAt     S  when everything was last looked at ("everything"), or all filters
//	                were ("every-filter")
//	request#ID   S  a standing request (protection.Request) as JSON
//
// The control item: pk and sk are "control".
//
//	revision     N  how many times the item was changed
//	freeze       S  the global freeze (protection.FreezeState) as JSON
//	moves        S  the starts of recent moves ([]controller.Move) as JSON
//	releasedAt   S  when an operator last released all mass-failure holds
//
// A line of the journal: pk is the controller.Key, sk is "journal#", the time in
// Unix nanoseconds, the revision, and the number of the line within its commit,
// all padded with zeros so that their order is that of time. A line about what an
// operator did belongs to no commit: its revision is 0, and a digest of the line
// follows, since another operator may have acted at the same instant.
//
//	entry        S  the line (controller.JournalEntry) as JSON
//	expires      N  when DynamoDB may delete the line, in Unix seconds: the
//	                table's TTL attribute
//
// # By hand
//
// A lease is freed by removing leaseToken; it also frees itself, a clock skew
// after leaseUntil. A request is withdrawn by
// removing its attribute. A record that was deleted is made anew by the next
// run, which takes the routes as they stand.
package awsdynamo
