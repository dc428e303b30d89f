package sim

import (
	"net/url"
	"strings"
)

// Propagations lists the attachments that teach the table, sorted by id. They
// are shown as they stand now, however stale the read is. Errors:
// InvalidRouteTableID.NotFound, InvalidRouteTableId.Malformed.
func (w *World) Propagations(c Caller, table string) ([]AttachmentRef, *APIError) {
	return w.attachmentsOf(c, table, func(t *tgwTable, a *attachment) bool { return t.propagating[a] })
}

// EnablePropagation has an attachment teach the table its routes, at once.
// Errors: those of the table's id, InvalidTransitGatewayAttachmentID.NotFound,
// IncorrectState, TransitGatewayRouteTablePropagation.Duplicate, and for a
// peering, which propagates nothing, OperationNotPermitted (UNVERIFIED).
func (w *World) EnablePropagation(c Caller, table, attachment string) (AttachmentRef, *APIError) {
	return w.switchPropagation(c, table, attachment, true)
}

// DisablePropagation takes all routes that the attachment teaches out of this
// one table; its statics and its association stay (Transit Gateway guide). Where
// it teaches the table nothing the error is
// TransitGatewayRouteTablePropagation.NotFound, or what a live probe saw, see
// Options.PropagationErrorAsProbed.
func (w *World) DisablePropagation(c Caller, table, attachment string) (AttachmentRef, *APIError) {
	return w.switchPropagation(c, table, attachment, false)
}

func (w *World) switchPropagation(c Caller, table, attachment string, on bool) (ref AttachmentRef, refused *APIError) {
	refused = w.writeTGWTable(c, table, func(s *step, t *tgwTable) (func(), *APIError) {
		a := t.gateway.attachment(attachment)
		return func() {
			if on {
				t.propagating[a] = true
			} else {
				delete(t.propagating, a)
			}
			w.relearn(s, a)
			ref = a.ref()
		}, w.propagationFits(t, a, attachment, on)
	})
	return ref, refused
}

func (w *World) propagationFits(t *tgwTable, a *attachment, id string, on bool) *APIError {
	switch {
	case !strings.HasPrefix(id, "tgw-attach-"):
		return badRequest(codeAttachmentMalformed, "Invalid Transit Gateway Attachment id.")
	case a == nil || a.state == attachmentDeleted:
		return errAttachmentNotFound(id)
	case on && t.propagating[a]:
		return badRequest(codePropagationDuplicate, "Propagation %s already exists in Transit Gateway Route Table %s.", id, t.id)
	case !on && !t.propagating[a] && w.options.PropagationErrorAsProbed:
		return badRequest(codePropagationProbed, "Propagation %s does not exist in Transit Gateway Route Table %s.", id, t.id)
	case !on && !t.propagating[a]:
		return badRequest(codePropagationNotFound, "Propagation %s does not exist in Transit Gateway Route Table %s.", id, t.id)
	case on && a.peering != nil:
		return badRequest(codeNotPermitted, "Transit Gateway Attachment %s is a peering, which does not propagate routes.", id)
	case on && a.state != attachmentAvailable:
		return badRequest(codeIncorrectState, "%s is in invalid state", id)
	}
	return nil
}

// ForcePropagation is a person or another program switching a propagation, as
// ForceRoute is one writing a route.
func (w *World) ForcePropagation(by, table, attachment string, on bool) error {
	c, transit, err := w.writerOf(by, table)
	if err != nil {
		return err
	}
	action, run := "DisableTransitGatewayRouteTablePropagation", w.DisablePropagation
	if on {
		action, run = "EnableTransitGatewayRouteTablePropagation", w.EnablePropagation
	}
	refused := errTGWTableNotFound(table)
	if transit {
		_, refused = run(c, table, attachment)
	}
	params := url.Values{"TransitGatewayRouteTableId": {table}, "TransitGatewayAttachmentId": {attachment}}
	return w.recordForced(c, action, params, nil, refused)
}
