package failback

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
)

// namePrefix starts the name of an execution that the operator's tool starts.
const namePrefix = "failback-"

// Name is the name of an execution for the group: unique by the epoch of the decision
// that it begins on and by the attempt, from 1. Step Functions keeps a name for 90
// days. A group's name that is too long is cut, and told apart by a hash.
func Name(group string, epoch int64, attempt int) string {
	tail := fmt.Sprintf("-%d-%d", epoch, attempt)
	if room := maxName - len(namePrefix) - len(tail); len(group) > room {
		sum := sha256.Sum256([]byte(group))
		hash := hex.EncodeToString(sum[:4])
		group = group[:room-len(hash)-1] + "-" + hash
	}
	return namePrefix + group + tail
}

var nameTail = regexp.MustCompile(`-([0-9]{1,19})-([0-9]{1,6})$`)

// Attempt reports whether the name is one that Name makes for the group, and says for
// which epoch and attempt. In the console an execution can get any name.
func Attempt(name, group string) (epoch int64, attempt int, ok bool) {
	found := nameTail.FindStringSubmatch(name)
	if found == nil {
		return 0, 0, false
	}
	epoch, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		return 0, 0, false
	}
	attempt, err = strconv.Atoi(found[2])
	return epoch, attempt, err == nil && Name(group, epoch, attempt) == name
}
