// Package states is a small interpreter of the Amazon States Language: what AWS
// Step Functions does with a Standard state machine of the states that Detour
// uses, in the time of a sim.Timekeeper.
//
// It runs Task (a Lambda function through the integration arn:aws:states:::lambda:invoke,
// also with .waitForTaskToken), Choice, Wait, Pass, Succeed and Fail, in the query
// language JSONPath with reference paths only ($.a.b, and $$.a.b for the context
// object). All else is an error when a definition is loaded, which names the state
// and the field: what the interpreter does not know it must not guess.
//
// Sources: the Amazon States Language specification (states-language.net/spec.html);
// the Step Functions Developer Guide, of which each comment names the page; and
// histories that LocalStack's tests have recorded from AWS
// (localstack/localstack, tests/aws/services/stepfunctions/v2).
//
// The package imports neither the AWS SDK nor what it is there to check.
package states
