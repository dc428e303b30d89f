package awsec2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"detour/shared/controller"
	"detour/shared/health"
	"detour/shared/route"
)

// What starts the codes of errors about ids (EC2 Developer Guide, Error codes for
// the Amazon EC2 API).
const (
	connectionID  = "InvalidVpnConnectionID"
	attachmentID  = "InvalidTransitGatewayAttachmentID"
	connectPeerID = "InvalidTransitGatewayConnectPeerID"
	interfaceID   = "InvalidNetworkInterfaceID"
	instanceID    = "InvalidInstanceID"
)

// Evidence reads facts about VPN connections, transit gateway attachments,
// Connect peers, network interfaces and instances. Other subjects are unreadable.
type Evidence struct{ client *Client }

var _ controller.Evidence = (*Evidence)(nil)

// EvidenceKinds returns the kinds of subject that Evidence reads.
func EvidenceKinds() []health.SubjectKind {
	return []health.SubjectKind{
		health.SubjectVPN, health.SubjectAttachment, health.SubjectConnectPeer, health.SubjectInterface, health.SubjectInstance,
	}
}

// inquiry is how EC2 is asked about subjects of one kind.
type inquiry struct {
	source health.Source
	// ids starts the codes of errors about an id of the kind.
	ids string
	// ask makes one call for all ids, and one for each further page, and tells what
	// it is shown of each. The facts name neither subject nor source nor time.
	ask func(ctx context.Context, c *Client, api *ec2.Client, ids []string, tell func(id string, facts ...health.Fact)) error
}

// inquiryOf returns how EC2 is asked about subjects of the kind, if it can be.
func inquiryOf(kind health.SubjectKind) (inquiry, bool) {
	switch kind {
	case health.SubjectVPN:
		return inquiry{health.SourceDescribeVPNConnections, connectionID, askConnections}, true
	case health.SubjectAttachment:
		return inquiry{health.SourceDescribeAttachments, attachmentID, askAttachments}, true
	case health.SubjectConnectPeer:
		return inquiry{health.SourceDescribeConnectPeers, connectPeerID, askConnectPeers}, true
	case health.SubjectInterface:
		return inquiry{health.SourceDescribeInterfaces, interfaceID, askInterfaces}, true
	case health.SubjectInstance:
		return inquiry{health.SourceDescribeInstanceStatus, instanceID, askInstances}, true
	default:
		return inquiry{}, false
	}
}

// Read implements controller.Evidence with one call for each hundred subjects of
// a kind, account and Region, all at the same time, and one for each further
// page. The facts of each subject
// stand together, sorted, the subjects in the order asked; a subject that is
// asked for twice is answered once.
func (e *Evidence) Read(ctx context.Context, subjects []health.Subject) []health.Fact {
	unique := slices.Clone(subjects)
	slices.SortFunc(unique, health.Subject.Compare)
	unique = slices.Compact(unique)
	facts := make([][]health.Fact, len(unique))
	jobs := spans(len(unique), len(unique), func(i, j int) bool {
		a, b := unique[i], unique[j]
		return a.Kind == b.Kind && a.Account == b.Account && a.Region == b.Region
	})
	e.client.together(ctx, len(jobs), func(ctx context.Context, i int) {
		job := jobs[i]
		asked, answers := unique[job.from:job.to], facts[job.from:job.to]
		if in, ok := inquiryOf(asked[0].Kind); ok {
			e.read(ctx, in, asked, answers)
			return
		}
		for i, subject := range asked {
			answers[i] = []health.Fact{unreadable(route.ProblemMalformed, "EC2 has no facts about a subject of this kind")}
			answers[i][0].Subject, answers[i][0].ObservedAt = subject, e.client.clock.Now()
		}
	})
	var out []health.Fact
	for _, subject := range subjects {
		at, _ := slices.BinarySearchFunc(unique, subject, health.Subject.Compare)
		out = append(out, facts[at]...)
		facts[at] = nil
	}
	return out
}

// read reads subjects of one kind, account and Region, which are sorted by id. A
// page that fails spoils nothing that was shown before it. What is shown was true
// at the earliest when the first call began.
func (e *Evidence) read(ctx context.Context, in inquiry, subjects []health.Subject, answers [][]health.Fact) {
	began := e.client.clock.Now()
	ids := make([]string, len(subjects))
	for i, subject := range subjects {
		ids[i] = subject.ID
	}
	at := endpoint{account: subjects[0].Account, region: subjects[0].Region}
	errs := e.client.inquire(ctx, at, in.ids, ids, func(ctx context.Context, api *ec2.Client, asked []string) error {
		shown := make([][]health.Fact, len(asked))
		err := in.ask(ctx, e.client, api, asked, func(id string, facts ...health.Fact) {
			i, known := slices.BinarySearch(asked, id)
			switch {
			case !known:
			case shown[i] == nil || slices.Equal(shown[i], facts):
				shown[i] = facts
			default:
				shown[i] = malformed("the answer shows it twice, and not the same")
			}
		})
		first, _ := slices.BinarySearch(ids, asked[0])
		copy(answers[first:], shown)
		return err
	})
	for i, subject := range subjects {
		switch {
		case answers[i] != nil:
		case errs[i] != nil:
			answers[i] = []health.Fact{unreadable(problemOf(errs[i]), errs[i].Error())}
		default:
			answers[i] = []health.Fact{unreadable(route.ProblemGone, "the answer leaves it out")}
		}
		for n := range answers[i] {
			fact := &answers[i][n]
			fact.Subject, fact.Source, fact.ObservedAt = subject, in.source, began
		}
		slices.SortStableFunc(answers[i], health.Fact.Compare)
	}
}

func unreadable(problem route.Problem, note string) health.Fact {
	return health.Fact{Kind: health.FactUnreadable, Problem: problem, Note: note}
}
