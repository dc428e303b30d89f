package operator

import "detour/shared/protection"

// meanings says in a sentence what a reason means.
var meanings = map[protection.Reason]string{ //nolint:gochecknoglobals // An immutable table.
	protection.ReasonLockout:                "an operator takes the path in use out of use",
	protection.ReasonForcedSwitch:           "an operator forces this path",
	protection.ReasonSignalFail:             "the path that was in use is down",
	protection.ReasonSignalDegrade:          "the path that was in use is degraded, and another one is up",
	protection.ReasonManualSwitch:           "an operator wants this path",
	protection.ReasonManualToWorking:        "an operator wants the working path again",
	protection.ReasonWaitToRestore:          "the group goes back once the working path has been up for the wait-to-restore time",
	protection.ReasonRestored:               "the working path has been up for the wait-to-restore time",
	protection.ReasonDoNotRevert:            "the group is not revertive, and stays until an operator asks",
	protection.ReasonNoRequest:              "nothing asks for a change",
	protection.ReasonNoUsablePath:           "no path is alive, so there is nowhere to go",
	protection.ReasonMassFailure:            "too many groups want to move at once; see whether the failures are true, then run detour release",
	protection.ReasonSensor:                 "nothing is known of the path in use, and that is no reason to leave it",
	protection.ReasonIncomplete:             "a table could not be read whole, and nothing is written without that",
	protection.ReasonFirstSight:             "what stood in the tables was taken over",
	protection.ReasonMovedByHand:            "somebody moved all routes to this path, and Detour follows",
	protection.ReasonAdoptRequested:         "an operator had what stands in the tables taken over",
	protection.ReasonDone:                   "it is done",
	protection.ReasonSuperseded:             "something of the same or a higher priority took its place",
	protection.ReasonUnknownPath:            "the group has no such path",
	protection.ReasonTargetDown:             "the path that it asks for is down; --ignore-health forces it all the same",
	protection.ReasonTargetLocked:           "the path that it asks for is locked out; clear the lockout first",
	protection.ReasonTargetNotUp:            "the path that it asks for is not up",
	protection.ReasonListChanged:            "a prefix list has changed since the plan was shown; look at it and ask again",
	protection.ReasonNoObservation:          "nothing shows whether the learned routes of the path would come: it has no observation table; declare one, or ask with --unproven",
	protection.ReasonObservationUnreadable:  "the observation table that is to prove the learned routes could not be read; what was asked for waits for it",
	protection.ReasonObservationStale:       "what the observation table showed is too old to prove the learned routes",
	protection.ReasonObservationNotFed:      "the path's attachment does not propagate into its observation table, so the table proves nothing",
	protection.ReasonObservationShared:      "another attachment propagates into the path's observation table, so the table proves nothing",
	protection.ReasonObservationAssociated:  "an attachment is associated with the path's observation table, so the table proves nothing",
	protection.ReasonObservationHidden:      "a static route stands before the expected one in the path's observation table",
	protection.ReasonNotPropagated:          "the path's attachment does not propagate into the table of an entry, so its route cannot come, with --unproven neither; enable its propagation",
	protection.ReasonPropagationsUnreadable: "what propagates into the tables of the learned routes could not be read; what was asked for waits for it",
	protection.ReasonPropagationsStale:      "what was read of the propagations into the tables of the learned routes is too old to go by",
	protection.ReasonRouteNotLearned:        "a route that the path's attachment should have taught is not learned; detour explain lists what may be the matter",
	protection.ReasonFailback:               "a failback has the group where it is; see detour failback status",
	protection.ReasonFailbackUnderWay:       "another failback of the group goes on; see detour failback status",
	protection.ReasonFailbackOver:           "the failback has no authority any more",
	protection.ReasonObserveMode:            "the group is in mode observe, where no route is written",
	protection.ReasonOnWorking:              "the group is on its working path already",
	protection.ReasonFrozen:                 "the group is frozen; see detour unfreeze",
	protection.ReasonPartlyMoved:            "the group stands on two paths; it is not gone back from there",
	protection.ReasonNotSettled:             "the last move has not settled: no later reading has shown every route in place yet",
	protection.ReasonNotStable:              "the working path has not been up for long enough without a break",
	protection.ReasonContended:              "somebody keeps undoing routes of the group; find out who, then run detour release",
	protection.ReasonForeign:                "routes stand there that are not Detour's to overwrite",
	protection.ReasonBlocked:                "a prefix list may not be written",
	protection.ReasonPlanChanged:            "the tables are not any more as they were when the plan was shown",
	protection.ReasonNotApproved:            "no plan was shown, or another one was approved",
	protection.ReasonUndone:                 "somebody else changed what the failback had written",
	protection.ReasonConfiguration:          "the configuration of the group has changed meanwhile",
	protection.ReasonSilence:                "its workflow was not heard of for too long",
	protection.ReasonAborted:                "an operator aborted it",
	protection.ReasonRejected:               "it was rejected",
	protection.ReasonApprovalTimeout:        "nobody approved it in time",
	protection.ReasonVerifyFailed:           "what was written did not stand, or did not work, when it was looked at again",
	protection.ReasonTaskFailed:             "a task of its workflow failed",
	protection.ReasonUnknownGroup:           "the configuration that is deployed has no such group",
	protection.ReasonBusy:                   "another run has the group",
	protection.ReasonSuppressed:             "the path that it asks for has flapped and is suppressed; wait, or use detour force",
}

// Meaning says in a sentence what a reason means; a reason without one stands for
// itself.
func Meaning(reason protection.Reason) string {
	if text, ok := meanings[reason]; ok {
		return text
	}
	return string(reason)
}
