package awsdynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"detour/shared/controller"
)

// DefaultKeep is how long a line of the journal is kept.
const DefaultKeep = 90 * 24 * time.Hour

// Options say where the records are and how long things last. Table, Clock,
// Lease and CallTimeout are required.
type Options struct {
	// Table is the name of the table, in the account and Region of the
	// configuration.
	Table string
	Clock controller.Clock
	// Lease is how long a lease lasts from each Take or Renew.
	Lease time.Duration
	// Skew is how far clocks may be apart: a lease that ran out is left alone for
	// so much longer.
	Skew time.Duration
	// CallTimeout bounds every single API call.
	CallTimeout time.Duration
	// Keep is how long a line of the journal is kept; 0: DefaultKeep. DynamoDB
	// deletes it some time later, within a few days (DynamoDB developer guide,
	// Using time to live).
	Keep time.Duration
}

// Store implements controller.Records on a DynamoDB table. It may be used from
// several goroutines.
type Store struct {
	api     *dynamodb.Client
	options Options
}

var _ controller.Records = (*Store)(nil)

// New returns the store in the table that the options name. It makes no call.
// The configuration must not retry: the controller decides what is tried again.
// The error names each option that is wrong.
func New(config aws.Config, options Options) (*Store, error) {
	var errs []error
	wrong := func(is bool, format string, values ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, values...))
		}
	}
	wrong(options.Table == "", "option Table is missing: pass the table's name")
	wrong(options.Clock == nil, "option Clock is missing: pass a controller.Clock")
	wrong(options.Lease <= 0, "option Lease is %s: pass a positive time", options.Lease)
	wrong(options.Skew < 0, "option Skew is %s: pass zero or a positive time", options.Skew)
	wrong(options.CallTimeout <= 0, "option CallTimeout is %s: pass a positive time", options.CallTimeout)
	wrong(options.Keep < 0, "option Keep is %s: pass a positive time, or zero for %s", options.Keep, DefaultKeep)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("opening the record store: %w", err)
	}
	if options.Keep == 0 {
		options.Keep = DefaultKeep
	}
	return &Store{api: dynamodb.NewFromConfig(config), options: options}, nil
}

// call makes one API call under the timeout. An error of a call whose time ran
// out says so, whatever the transport made of it.
func call[In, Out any](ctx context.Context, s *Store, input In, method func(*dynamodb.Client, context.Context, In, ...func(*dynamodb.Options)) (Out, error)) (Out, error) {
	ctx, cancel := s.options.Clock.Timeout(ctx, s.options.CallTimeout)
	defer cancel()
	output, err := method(s.api, ctx, input)
	if over := ctx.Err(); err != nil && over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return output, s.explained(err)
}

// explained adds the remedy to an error that has one which DynamoDB does not
// tell.
func (s *Store) explained(err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("table %q: %w: check the name, the account and the Region, and that the deployment has finished", s.options.Table, err)
	}
	return err
}

// conditionFailed reports whether a single call was refused by its condition,
// and returns the item as it stood. A nil item does not exist.
func conditionFailed(err error) (attributes, bool) {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return nil, false
	}
	return failed.Item, true
}

// update changes one item with one call, and returns the item as it is then.
func (s *Store) update(ctx context.Context, input *dynamodb.UpdateItemInput) (attributes, error) {
	input.TableName = aws.String(s.options.Table)
	if input.ConditionExpression != nil {
		input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	output, err := call(ctx, s, input, (*dynamodb.Client).UpdateItem)
	if err != nil {
		return nil, err
	}
	return output.Attributes, nil
}

// updateAndControl changes a record's item and reads the control item at the
// same time. A control item that cannot be read fails the whole; what the
// update answered comes first.
func (s *Store) updateAndControl(ctx context.Context, key controller.Key, input *dynamodb.UpdateItemInput) (controller.Item, controller.Control, error) {
	var control controller.Control
	var controlErr error
	wait := s.options.Clock.Go(ctx, func(ctx context.Context) { control, controlErr = s.readControl(ctx) })
	input.ReturnValues = types.ReturnValueAllNew
	found, err := s.update(ctx, input)
	wait()
	if err == nil {
		err = controlErr
	}
	if err != nil {
		return controller.Item{}, controller.Control{}, err
	}
	item, err := decodeItem(key, found)
	if err != nil {
		return controller.Item{}, controller.Control{}, err
	}
	return item, control, nil
}

func (s *Store) readControl(ctx context.Context) (controller.Control, error) {
	output, err := call(ctx, s, &dynamodb.GetItemInput{
		TableName: aws.String(s.options.Table), Key: controlKey(), ConsistentRead: aws.Bool(true),
	}, (*dynamodb.Client).GetItem)
	if err != nil {
		return controller.Control{}, fmt.Errorf("reading the control item: %w", err)
	}
	return decodeControl(output.Item)
}
