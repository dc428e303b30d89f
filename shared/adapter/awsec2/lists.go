package awsec2

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"detour/shared/controller"
	"detour/shared/route"
)

const (
	// prefixListID starts the codes of errors about a prefix list's id.
	prefixListID = "InvalidPrefixListID"
	// listPage is the most that GetManagedPrefixListEntries gives in one page (EC2
	// API, GetManagedPrefixListEntries).
	listPage = 100
)

// Lists reads managed prefix lists.
type Lists struct {
	client *Client
	// withEntries says that the entries are read, too.
	withEntries bool
}

var _ controller.PrefixLists = (*Lists)(nil)

// Read implements controller.PrefixLists in one round trip: a call for each
// hundred lists of an account and Region, with entries one for each list at the same
// time, and further pages after them. The version and the entries are not
// read at one instant, so a list that changes in between can show the entries of
// the version before or after. A list that is asked for twice is read once.
// Source: EC2 API, DescribeManagedPrefixLists, GetManagedPrefixListEntries.
func (l *Lists) Read(ctx context.Context, lists []route.ListRef) []route.ListReading {
	unique := slices.Clone(lists)
	slices.SortFunc(unique, route.ListRef.Compare)
	unique = slices.Compact(unique)
	described, entries := make([]route.ListReading, len(unique)), make([]route.ListReading, len(unique))
	for i, list := range unique {
		described[i] = route.ListReading{List: list, StartedAt: l.client.clock.Now()}
	}
	jobs := spans(len(unique), len(unique), func(i, j int) bool {
		return unique[i].Account == unique[j].Account && unique[i].Region == unique[j].Region
	})
	calls := len(jobs)
	if l.withEntries {
		calls += len(unique)
	}
	l.client.together(ctx, calls, func(ctx context.Context, i int) {
		if i < len(jobs) {
			l.describe(ctx, unique[jobs[i].from:jobs[i].to], described[jobs[i].from:jobs[i].to])
		} else {
			entries[i-len(jobs)] = l.entriesOf(ctx, unique[i-len(jobs)])
		}
	})
	out := make([]route.ListReading, len(lists))
	for i, list := range lists {
		at, _ := slices.BinarySearchFunc(unique, list, route.ListRef.Compare)
		out[i] = described[at]
		out[i].Entries, out[i].EntriesUnread = slices.Clone(entries[at].Entries), !l.withEntries
		if out[i].Problem == route.NoProblem {
			out[i].Problem = entries[at].Problem
		}
		out[i].Complete = out[i].Problem == route.NoProblem
	}
	return out
}

// describe fills in all but the entries of lists of one account and Region, which
// are sorted by id. A page that fails spoils nothing that was shown before it.
func (l *Lists) describe(ctx context.Context, lists []route.ListRef, readings []route.ListReading) {
	ids := make([]string, len(lists))
	for i, list := range lists {
		ids[i] = list.ID
	}
	seen := make([]bool, len(lists))
	at := endpoint{account: lists[0].Account, region: lists[0].Region}
	errs := l.client.inquire(ctx, at, prefixListID, ids, func(ctx context.Context, api *ec2.Client, asked []string) error {
		input := &ec2.DescribeManagedPrefixListsInput{PrefixListIds: asked}
		first, _ := slices.BinarySearch(ids, asked[0])
		return follow(func(token *string) (*string, error) {
			input.NextToken = token
			output, err := call(ctx, l.client, api, input, (*ec2.Client).DescribeManagedPrefixLists)
			if err != nil {
				return nil, err
			}
			for _, shown := range output.PrefixLists {
				if i, known := slices.BinarySearch(asked, aws.ToString(shown.PrefixListId)); known {
					seen[first+i] = true
					describe(&readings[first+i], shown)
				}
			}
			return output.NextToken, nil
		})
	})
	for i := range readings {
		if !seen[i] {
			readings[i].Problem = cmp.Or(problemOf(errs[i]), route.ProblemGone)
		}
	}
}

// describe fills in what DescribeManagedPrefixLists shows of a list. A list that
// was deleted is shown for a while.
func describe(r *route.ListReading, shown types.ManagedPrefixList) {
	if shown.State == types.PrefixListStateDeleteComplete {
		r.Problem = route.ProblemGone
		return
	}
	r.Owner, r.Version = aws.ToString(shown.OwnerId), aws.ToInt64(shown.Version)
	r.MaxEntries, r.IPAM = int(aws.ToInt32(shown.MaxEntries)), aws.ToBool(shown.IpamPrefixListResolverSyncEnabled)
}

// entriesOf reads the entries of one list. Only Entries and Problem of the answer
// are set.
func (l *Lists) entriesOf(ctx context.Context, list route.ListRef) route.ListReading {
	var out route.ListReading
	api, err := l.client.api(list.Account, list.Region)
	if err != nil {
		out.Problem = problemOf(err)
		return out
	}
	input := &ec2.GetManagedPrefixListEntriesInput{PrefixListId: aws.String(list.ID), MaxResults: aws.Int32(listPage)}
	out.Problem = problemOf(follow(func(token *string) (*string, error) {
		input.NextToken = token
		output, err := call(ctx, l.client, api, input, (*ec2.Client).GetManagedPrefixListEntries)
		if err != nil {
			return nil, err
		}
		for _, shown := range output.Entries {
			prefix, err := netip.ParsePrefix(aws.ToString(shown.Cidr))
			if err != nil {
				return nil, fmt.Errorf("%w: %q", errNoCIDR, aws.ToString(shown.Cidr))
			}
			out.Entries = append(out.Entries, prefix.Masked())
		}
		return output.NextToken, nil
	}))
	slices.SortFunc(out.Entries, func(a, b netip.Prefix) int { return route.CIDR(a).Compare(route.CIDR(b)) })
	out.Entries = slices.Compact(out.Entries)
	return out
}
