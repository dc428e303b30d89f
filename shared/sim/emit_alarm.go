package sim

import (
	"fmt"
	"time"
)

// alarmTime is the format of a time in an alarm's event.
const alarmTime = "2006-01-02T15:04:05.000-0700"

// alarmEvent is the detail of an alarm's change of state.
type alarmEvent struct {
	name          string
	vpn           string // the connection whose metric the alarm watches, if any
	before, after AlarmView
}

func (e alarmEvent) fill(detail object) error {
	for _, change := range []struct {
		key  string
		view AlarmView
	}{{"previousState", e.before}, {"state", e.after}} {
		state, ok := detail[change.key].(map[string]any)
		if !ok {
			return fmt.Errorf("the sample's detail.%s is no object", change.key)
		}
		delete(state, "reasonData") // It tells of datapoints, which the World has none of; it may be absent.
		err := object(state).overwriteAll(
			"value", change.view.State, "reason", change.view.Reason,
			"timestamp", change.view.UpdatedAt.UTC().Format(alarmTime),
		)
		if err != nil {
			return err
		}
	}
	if e.vpn == "" {
		return detail.overwrite("alarmName", e.name)
	}
	dimensions, err := dimensionsOf(detail)
	if err != nil {
		return err
	}
	if err := dimensions.overwrite("VpnId", e.vpn); err != nil {
		return err
	}
	return detail.overwrite("alarmName", e.name)
}

// dimensionsOf finds the dimensions of the first metric of an alarm's event.
func dimensionsOf(detail object) (object, error) {
	configuration, _ := detail["configuration"].(map[string]any)
	metrics, _ := configuration["metrics"].([]any)
	if len(metrics) == 0 {
		return nil, fmt.Errorf("the sample's detail.configuration.metrics is no list with a metric")
	}
	first, _ := metrics[0].(map[string]any)
	stat, _ := first["metricStat"].(map[string]any)
	metric, _ := stat["metric"].(map[string]any)
	dimensions, ok := metric["dimensions"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the sample's first metric has no object dimensions")
	}
	return dimensions, nil
}

func alarmARN(a *metricAlarm) string {
	return fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", a.owner.region, a.owner.account, a.name)
}

// announceAlarm emits the change of an alarm's state on the default bus of the
// alarm's account and Region, EventDelay after it.
func (w *World) announceAlarm(s *step, a *metricAlarm, before, after AlarmView) {
	name := sampleAlarm
	if a.vpn != "" {
		name = sampleTunnelAlarm
	}
	head := eventHead{at: s.now.Truncate(time.Second), account: a.owner.account, region: a.owner.region, resource: alarmARN(a)}
	w.emitAs(s, name, head, alarmEvent{name: a.name, vpn: a.vpn, before: before, after: after}.fill)
}
