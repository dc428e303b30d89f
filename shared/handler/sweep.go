package handler

import "context"

// Sweep handles the schedule: it looks at every group, whatever the message
// says, since a sweep needs no event.
func (h *Handler) Sweep(ctx context.Context, _ []byte) Outcome {
	return h.finish(ctx, h.controller.Sweep(ctx, "sweep"))
}
