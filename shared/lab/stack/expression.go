package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression is when a schedule is due: in a period, or at the times of a cron
// expression in UTC.
type Expression struct {
	Text string
	// Every is the period; 0 for a cron expression.
	Every time.Duration

	minutes, hours, days, months, weekdays, years []int
}

// horizon is how far Next looks: a 29th of February may be eight years away.
const horizon = 9 * 366

// ParseExpression reads rate(…) and cron(…) (EventBridge Scheduler User Guide,
// "Schedule types in EventBridge Scheduler"). The letters L, W and #, and names of
// months and days, are not modelled.
func ParseExpression(text string) (Expression, error) {
	e := Expression{Text: text}
	kind, inner, _ := strings.Cut(text, "(")
	inner, closed := strings.CutSuffix(inner, ")")
	fields := strings.Fields(inner)
	switch {
	case closed && kind == "rate" && len(fields) == 2:
		return e, e.rate(fields[0], fields[1])
	case closed && kind == "cron" && len(fields) == 6:
		return e, e.cron(fields)
	default:
		return e, fmt.Errorf("is %q; write rate(N UNIT), or cron(…) with six fields", text)
	}
}

// maxRate keeps a period far from the end of a time.Duration.
const maxRate = 100_000

func (e *Expression) rate(number, unit string) error {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxRate {
		return fmt.Errorf("is %q; write a number of 1 to %d", e.Text, maxRate)
	}
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	one, known := units[strings.TrimSuffix(unit, "s")]
	if !known {
		return fmt.Errorf("is %q; write minutes, hours or days", e.Text)
	}
	e.Every = time.Duration(n) * one
	return nil
}

func (e *Expression) cron(fields []string) error {
	for i, part := range []struct {
		name        string
		first, last int
		into        *[]int
	}{
		{"minutes", 0, 59, &e.minutes},
		{"hours", 0, 23, &e.hours},
		{"day of month", 1, 31, &e.days},
		{"month", 1, 12, &e.months},
		{"day of week", 1, 7, &e.weekdays}, // 1 is Sunday.
		{"year", 1970, 2199, &e.years},
	} {
		values, err := cronField(fields[i], part.first, part.last)
		if err != nil {
			return fmt.Errorf("is %q, whose %s: %w", e.Text, part.name, err)
		}
		*part.into = values
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return fmt.Errorf("is %q; write ? as the day of month or as the day of week", e.Text)
	}
	return nil
}

// cronField reads numbers, ranges, steps and lists of them; * and ? are all.
func cronField(text string, first, last int) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		low, high, step := first, last, 1
		var err error
		if stepped {
			if step, err = cronNumber(stepText, 1, last); err != nil {
				return nil, err
			}
		}
		if span != "*" && span != "?" {
			from, to, isRange := strings.Cut(span, "-")
			if low, err = cronNumber(from, first, last); err != nil {
				return nil, err
			}
			switch {
			case isRange:
				if high, err = cronNumber(to, low, last); err != nil {
					return nil, err
				}
			case !stepped:
				high = low
			}
		}
		for v := low; v <= high; v += step {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func cronNumber(text string, first, last int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < first || n > last {
		return 0, fmt.Errorf("%q is not modelled; write a number of %d to %d", text, first, last)
	}
	return n, nil
}

// Next is the first time after t at which a cron expression is due; false: there
// is none within nine years. For a period it is t and the period.
func (e Expression) Next(t time.Time) (time.Time, bool) {
	if e.Every > 0 {
		return t.Add(e.Every), true
	}
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	for range horizon {
		if e.on(day) {
			for _, hour := range e.hours {
				for _, minute := range e.minutes {
					if at := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute); at.After(t) {
						return at, true
					}
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// on reports whether the expression is due at some time of the day.
func (e Expression) on(day time.Time) bool {
	return slices.Contains(e.years, day.Year()) && slices.Contains(e.months, int(day.Month())) &&
		slices.Contains(e.days, day.Day()) && slices.Contains(e.weekdays, int(day.Weekday())+1)
}
