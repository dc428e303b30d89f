package controller_test

import (
	"testing"
	"time"

	"detour/shared/config"
	"detour/shared/controller"
)

// TestSettingsFromTheDefaults: a run's limits are those of the configuration.
func TestSettingsFromTheDefaults(t *testing.T) {
	got := controller.SettingsFrom(config.New().Normalize())
	got.Never.Tables, got.Never.Destinations = nil, nil
	want(t, "the settings", got, controller.Settings{
		MaxMoves: 10, MoveWindow: 5 * time.Minute, Lease: 20 * time.Second, CallTimeout: 5 * time.Second, Skew: 2 * time.Second, Settle: 10 * time.Second,
	})
}
