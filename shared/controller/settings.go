package controller

import (
	"time"

	"detour/shared/config"
	"detour/shared/plan"
)

// SettingsFrom takes a run's limits from the configuration, whose defaults must
// have been filled in (config.Config.Normalize).
func SettingsFrom(c config.Config) Settings {
	tables, destinations := c.NeverTouch()
	return Settings{
		MaxMoves: c.Limits.MaxMoves, MoveWindow: time.Duration(c.Limits.Window),
		Lease: time.Duration(c.Timers.Lease), CallTimeout: time.Duration(c.Timers.CallTimeout),
		Skew: time.Duration(c.Timers.ClockSkew), Settle: time.Duration(c.Timers.SettleTime),
		Never: plan.NeverTouch{Tables: tables, Destinations: destinations},
	}
}
