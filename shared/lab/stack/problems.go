package stack

import (
	"errors"
	"fmt"
	"slices"
)

// maxProblems is how many problems are told; what comes after is counted.
const maxProblems = 50

// problems collects what is wrong with an assembly.
type problems struct {
	list []string
	more int
}

func (p *problems) add(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case slices.Contains(p.list, text):
	case len(p.list) < maxProblems:
		p.list = append(p.list, text)
	default:
		p.more++
	}
}

// err is all that is wrong, one on each line, or nil.
func (p *problems) err() error {
	var errs []error
	for _, text := range p.list {
		errs = append(errs, errors.New(text))
	}
	if p.more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", p.more))
	}
	return errors.Join(errs...)
}
