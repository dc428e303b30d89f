//go:build !linux

package lambdahost

import (
	"errors"
	"os/exec"
	"runtime"
)

// supported answers an error where environments cannot be hosted. Start asks it
// first, so that nothing else of this file is reached.
func supported() error {
	return errors.New("lambdahost: functions can be hosted on linux only, and this is " + runtime.GOOS + ": use a Linux machine, a virtual one or a container")
}

func dieWithParent(*exec.Cmd)              {}
func onFirstThread() bool                  { return false }
func killGroup(int) error                  { return errors.ErrUnsupported }
func freezeGroup(int) error                { return errors.ErrUnsupported }
func thawGroup(int) error                  { return errors.ErrUnsupported }
func readNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
func peakMemory(int) (int64, error)        { return 0, errors.ErrUnsupported }
