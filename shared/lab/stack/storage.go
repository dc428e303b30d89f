package stack

import (
	"fmt"
	"time"
)

type queueProperties struct {
	KmsDataKeyReusePeriodSeconds  int
	KmsMasterKeyId                string //nolint:revive // It is the property's name.
	MaximumMessageSize            int
	MessageRetentionPeriod        *int
	QueueName                     string
	ReceiveMessageWaitTimeSeconds int
	RedriveAllowPolicy            any
	RedrivePolicy                 *struct {
		DeadLetterTargetArn string `name:"deadLetterTargetArn" must:"name the queue's ARN"`
		MaxReceiveCount     int    `name:"maxReceiveCount" must:"write how often a message is received"`
	}
	SqsManagedSseEnabled bool
	Tags                 tags
	VisibilityTimeout    *int
}

// The defaults of a queue (SQS API reference, CreateQueue).
const (
	defaultVisibility = 30            // seconds
	defaultRetention  = 4 * 24 * 3600 // seconds
)

func addQueue(b *builder, r *resource, own Resource, w queueProperties) {
	queue := Queue{
		Resource: own, URL: b.stack.QueueURL(own.Name),
		Visibility: seconds(b.within(r, "VisibilityTimeout", w.VisibilityTimeout, defaultVisibility, 1, 43200)),
		Retention:  seconds(b.within(r, "MessageRetentionPeriod", w.MessageRetentionPeriod, defaultRetention, 60, 14*24*3600)),
	}
	if len(own.Name) > 80 {
		b.problem(r, "QueueName", "is longer than 80 characters")
	}
	if w.RedrivePolicy != nil {
		queue.DeadLetter = w.RedrivePolicy.DeadLetterTargetArn
		queue.MaxReceives = b.within(r, "RedrivePolicy.maxReceiveCount", &w.RedrivePolicy.MaxReceiveCount, 0, 1, 1000)
	}
	b.stack.Queues = append(b.stack.Queues, queue)
}

type queuePolicyProperties struct {
	PolicyDocument any      `must:"write the policy"`
	Queues         []string `must:"name the queues' URLs"`
}

func addQueuePolicy(b *builder, r *resource, own Resource, w queuePolicyProperties) {
	b.stack.QueuePolicies = append(b.stack.QueuePolicies, ResourcePolicy{Resource: own, Of: w.Queues, Policy: b.policy(r, "PolicyDocument", w.PolicyDocument)})
}

type tableProperties struct {
	AttributeDefinitions []struct {
		AttributeName, AttributeType string `must:"name and type each key"`
	} `must:"type the keys"`
	BillingMode               string
	DeletionProtectionEnabled bool
	KeySchema                 []struct {
		AttributeName, KeyType string `must:"name and type each key"`
	} `must:"name the keys"`
	PointInTimeRecoverySpecification struct {
		PointInTimeRecoveryEnabled bool
		RecoveryPeriodInDays       int
	}
	SSESpecification struct {
		KMSMasterKeyId string //nolint:revive // It is the property's name.
		SSEEnabled     bool
		SSEType        string
	}
	TableClass              string
	TableName               string
	Tags                    tags
	TimeToLiveSpecification struct {
		AttributeName string
		Enabled       bool
	}
}

func addTable(b *builder, r *resource, own Resource, w tableProperties) {
	b.oneOf(r, "BillingMode", w.BillingMode, "PAY_PER_REQUEST")
	keys := map[string]string{}
	for _, key := range w.KeySchema {
		keys[key.KeyType] = key.AttributeName
	}
	// The simulated DynamoDB has tables with these keys only.
	if len(w.KeySchema) != 2 || keys["HASH"] != "pk" || keys["RANGE"] != "sk" {
		b.problem(r, "KeySchema", fmt.Sprintf("is %v; the lab models the hash key pk and the range key sk", w.KeySchema))
	}
	for _, key := range w.AttributeDefinitions {
		b.oneOf(r, "AttributeDefinitions."+key.AttributeName, key.AttributeType, "S")
	}
	table := Table{Resource: own, Recovery: w.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled, Protected: w.DeletionProtectionEnabled}
	if w.TimeToLiveSpecification.Enabled {
		table.Expires = w.TimeToLiveSpecification.AttributeName
	}
	b.stack.Tables = append(b.stack.Tables, table)
}

type dimension struct {
	Name  string `must:"name the dimension"`
	Value string `must:"give the dimension a value"`
}

type alarmProperties struct {
	ActionsEnabled                                   *bool
	AlarmActions, OKActions, InsufficientDataActions []string
	AlarmDescription, AlarmName                      string
	ComparisonOperator                               string `must:"say how the metric is compared"`
	DatapointsToAlarm                                *int
	Dimensions                                       []dimension
	EvaluationPeriods                                int `must:"say how many periods are looked at"`
	ExtendedStatistic                                string
	MetricName                                       string
	Metrics                                          []alarmMetric
	Namespace                                        string
	Period                                           int
	Statistic                                        string
	Tags                                             tags
	Threshold                                        float64
	ThresholdMetricId                                string //nolint:revive // It is the property's name.
	TreatMissingData, Unit                           string
}

// alarmMetric is one of the metrics and expressions of an alarm over several. The
// lab keeps their number.
type alarmMetric struct {
	AccountId, Expression, Label string //nolint:revive // They are the properties' names.
	ID                           string `name:"Id" must:"name the metric"`
	MetricStat                   *struct {
		Metric struct {
			Dimensions            []dimension
			MetricName, Namespace string
		}
		Period     int
		Stat, Unit string
	}
	Period     int
	ReturnData *bool
}

func addAlarm(b *builder, r *resource, own Resource, w alarmProperties) {
	if (w.MetricName == "") == (len(w.Metrics) == 0) {
		b.problem(r, "MetricName", "and Metrics are both there or both missing; write one of them")
	}
	alarm := Alarm{
		Resource: own, Description: w.AlarmDescription, Actions: w.AlarmActions, OK: w.OKActions, Insufficient: w.InsufficientDataActions,
		ActionsEnabled: w.ActionsEnabled == nil || *w.ActionsEnabled, Namespace: w.Namespace, Metric: w.MetricName, Statistic: w.Statistic,
		Dimensions: map[string]string{}, Period: time.Duration(w.Period) * time.Second, Comparison: w.ComparisonOperator, Missing: w.TreatMissingData,
		Threshold: w.Threshold, Periods: w.EvaluationPeriods, Datapoints: b.within(r, "DatapointsToAlarm", w.DatapointsToAlarm, w.EvaluationPeriods, 1, 1440),
		Expressions: len(w.Metrics),
	}
	for _, d := range w.Dimensions {
		alarm.Dimensions[d.Name] = d.Value
	}
	b.stack.Alarms = append(b.stack.Alarms, alarm)
}
