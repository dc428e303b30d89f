// Package handler is what a Lambda function does: raw JSON in; a value, a retry
// or a drop out. It decodes, asks the controller, and is the only place that
// logs. There is one file for each function.
package handler
