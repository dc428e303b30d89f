package ec2api

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"detour/shared/sim"
)

// instancePages are the page limits of the calls about instances and interfaces.
// Source: EC2 API reference, DescribeInstances, DescribeInstanceStatus (5 to 1000),
// DescribeNetworkInterfaces; what a call without MaxResults gets is UNVERIFIED.
func instancePages() bounds { return bounds{least: 5, most: 1000, usual: 1000} }

func instanceIDs(filter string) ids {
	return ids{
		param: "InstanceId", filter: filter, marker: "i-",
		malformed: expecting("InvalidInstanceID.Malformed", "i-"),
		notFound:  refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist"),
		alone:     true,
	}
}

func interfaceIDs() ids {
	return ids{
		param: "NetworkInterfaceId", filter: "network-interface-id", marker: "eni-",
		malformed: expecting("InvalidNetworkInterfaceId.Malformed", "eni-"),
		notFound:  refuse("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"),
		alone:     true,
	}
}

const (
	running    = "running"
	terminated = "terminated"
)

// stateCode is the number of an instance's state. Source: EC2 API reference, type
// InstanceState.
func stateCode(state string) int {
	switch state {
	case running:
		return 16
	case "shutting-down":
		return 32
	case terminated:
		return 48
	case "stopping":
		return 64
	case "stopped":
		return 80
	}
	return 0 // pending
}

// reachability is the detail of a status check: passed, failed, initializing.
// Source: EC2 API reference, type InstanceStatusDetails.
func reachability(status string) string {
	switch status {
	case "ok":
		return "passed"
	case "impaired":
		return "failed"
	}
	return status
}

// instanceField answers the filters that the calls about instances share.
func instanceField(v sim.InstanceView, name, zone string) []string {
	switch name {
	case "instance-id":
		return []string{v.ID}
	case "instance-state-name":
		return []string{v.State}
	case "instance-state-code":
		return []string{strconv.Itoa(stateCode(v.State))}
	case "availability-zone":
		return []string{zone}
	case "vpc-id":
		return []string{v.VPC}
	case "subnet-id":
		return nonEmpty(v.Subnet)
	case "private-ip-address":
		return []string{v.Address.String()}
	case "owner-id":
		return []string{v.Account}
	case "source-dest-check", "network-interface.source-dest-check":
		return []string{strconv.FormatBool(v.SourceDestCheck)}
	case "network-interface.network-interface-id":
		if v.State != terminated {
			return []string{v.Interface}
		}
	}
	return nameTag(name, v.Name)
}

// instanceKind selects for DescribeInstances. Source of the filters: EC2 API
// reference, DescribeInstances.
func instanceKind(zone string) kind[sim.InstanceView] {
	return kind[sim.InstanceView]{
		id: func(v sim.InstanceView) string { return v.ID },
		names: []string{
			"instance-id", "instance-state-name", "instance-state-code", "availability-zone", "vpc-id", "subnet-id", "private-ip-address",
			"owner-id", "source-dest-check", "network-interface.source-dest-check", "network-interface.network-interface-id", "tag-key",
		},
		unsupported: []string{"instance-type", "image-id", "tenancy", "architecture", "launch-time", "instance-lifecycle", "iam-instance-profile.arn", "instance.group-id"},
		tagged:      true,
		badName:     badFilter,
		field:       func(v sim.InstanceView, name string) []string { return instanceField(v, name, zone) },
	}
}

// statusKind selects for DescribeInstanceStatus. Source of the filters: EC2 API
// reference, DescribeInstanceStatus.
func statusKind(zone string) kind[sim.InstanceView] {
	return kind[sim.InstanceView]{
		id: func(v sim.InstanceView) string { return v.ID },
		names: []string{
			"instance-state-name", "instance-state-code", "availability-zone", "instance-status.status", "system-status.status",
			"instance-status.reachability", "system-status.reachability",
		},
		unsupported: []string{"availability-zone-id", "attached-ebs-status.status", "event.code", "event.description", "event.not-after", "event.not-before", "operator.managed"},
		badName:     badFilter,
		field: func(v sim.InstanceView, name string) []string {
			switch name {
			case "instance-status.status":
				return []string{v.InstanceStatus}
			case "system-status.status":
				return []string{v.SystemStatus}
			case "instance-status.reachability":
				return []string{reachability(v.InstanceStatus)}
			case "system-status.reachability":
				return []string{reachability(v.SystemStatus)}
			}
			return instanceField(v, name, zone)
		},
	}
}

// interfaceKind selects for DescribeNetworkInterfaces. Source of the filters: EC2
// API reference, DescribeNetworkInterfaces.
func interfaceKind(zone string) kind[sim.InstanceView] {
	return kind[sim.InstanceView]{
		id: func(v sim.InstanceView) string { return v.Interface },
		names: []string{
			"network-interface-id", "status", "attachment.status", "attachment.instance-id", "attachment.instance-owner-id", "addresses.private-ip-address",
			"availability-zone", "vpc-id", "subnet-id", "private-ip-address", "owner-id", "source-dest-check", "tag-key",
		},
		unsupported: []string{"group-id", "description", "mac-address", "requester-id", "interface-type", "attachment.attachment-id", "private-dns-name"},
		tagged:      true,
		badName:     badFilter,
		field: func(v sim.InstanceView, name string) []string {
			switch name {
			case "network-interface-id":
				return []string{v.Interface}
			case "status":
				return []string{"in-use"}
			case "attachment.status":
				return []string{"attached"}
			case "attachment.instance-id":
				return []string{v.ID}
			case "attachment.instance-owner-id":
				return []string{v.Account}
			case "addresses.private-ip-address":
				return []string{v.Address.String()}
			}
			return instanceField(v, name, zone)
		},
	}
}

// tellAbsent notes for the call log that the call was told of something's absence.
func (rq *request) tellAbsent(field string, missing []string) {
	for _, id := range missing {
		rq.absent = append(rq.absent, sim.Told{Resource: id, Field: field})
	}
}

func (rq *request) tell(resource, field, value string) {
	rq.record.Told = append(rq.record.Told, sim.Told{Resource: resource, Field: field, Value: value})
}

// describeInstances answers DescribeInstances: one reservation per instance.
func describeInstances(rq *request) (any, *sim.APIError) {
	page, token, missing, err := read(rq, instanceKind(rq.zone()), instanceIDs("instance-id"), instancePages(), rq.world.Instances(rq.caller))
	rq.tellAbsent("instance-state", missing)
	if err != nil {
		return nil, err
	}
	answer := &instancesXML{NextToken: token}
	for _, v := range page {
		rq.tell(v.ID, "instance-state", v.State)
		answer.Reservations.Items = append(answer.Reservations.Items, reservation{
			ID: "r-" + strings.TrimPrefix(v.ID, "i-"), Owner: v.Account, Instances: list[instance]{Items: []instance{instanceXML(v, rq.zone())}},
		})
	}
	return answer, nil
}

// describeInstanceStatus answers DescribeInstanceStatus: of running instances, or
// of all. An id of one that is not running is no error, and shows nothing.
func describeInstanceStatus(rq *request) (any, *sim.APIError) {
	all, err := rq.boolean("IncludeAllInstances")
	if err != nil {
		return nil, err
	}
	k := statusKind(rq.zone())
	k.hidden = func(v sim.InstanceView) bool { return !all && v.State != running }
	page, token, missing, err := read(rq, k, instanceIDs(""), instancePages(), rq.world.Instances(rq.caller))
	rq.tellAbsent("instance-state", missing)
	if err != nil {
		return nil, err
	}
	answer := &instanceStatusesXML{NextToken: token}
	for _, v := range page {
		rq.tell(v.ID, "instance-state", v.State)
		rq.tell(v.ID, "instance-status", v.InstanceStatus)
		rq.tell(v.ID, "system-status", v.SystemStatus)
		answer.Statuses.Items = append(answer.Statuses.Items, instanceStatus{
			ID: v.ID, Zone: rq.zone(), State: stateXML(v.State),
			Instance: summaryXML(v.InstanceStatus, v.InstanceSince), System: summaryXML(v.SystemStatus, v.SystemSince),
		})
	}
	return answer, nil
}

// describeInterfaces answers DescribeNetworkInterfaces with the interfaces that
// are not deleted.
func describeInterfaces(rq *request) (any, *sim.APIError) {
	known := slices.DeleteFunc(rq.world.Instances(rq.caller), func(v sim.InstanceView) bool { return v.State == terminated })
	page, token, missing, err := read(rq, interfaceKind(rq.zone()), interfaceIDs(), instancePages(), known)
	rq.tellAbsent("interface-status", missing)
	if err != nil {
		return nil, err
	}
	answer := &interfacesXML{NextToken: token}
	for _, v := range page {
		rq.record.Told = append(rq.record.Told, v.InterfaceFacts()...)
		shown := interfaceXML(v)
		shown.Zone = rq.zone()
		answer.Interfaces.Items = append(answer.Interfaces.Items, shown)
	}
	return answer, nil
}

type instancesXML struct {
	stamped
	Reservations list[reservation] `xml:"reservationSet"`
	NextToken    *string           `xml:"nextToken"`
}

type reservation struct {
	ID        string         `xml:"reservationId"`
	Owner     string         `xml:"ownerId"`
	Instances list[instance] `xml:"instancesSet"`
}

type instance struct {
	ID              string             `xml:"instanceId"`
	State           instanceState      `xml:"instanceState"`
	Address         string             `xml:"privateIpAddress,omitempty"`
	VPC             string             `xml:"vpcId,omitempty"`
	Subnet          string             `xml:"subnetId,omitempty"`
	Zone            string             `xml:"placement>availabilityZone"`
	SourceDestCheck bool               `xml:"sourceDestCheck"`
	Interfaces      list[netInterface] `xml:"networkInterfaceSet"`
	Tags            list[tag]          `xml:"tagSet"`
}

type instanceState struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateXML(state string) instanceState { return instanceState{Code: stateCode(state), Name: state} }

// instanceXML shows an instance. A terminated one has lost VPC, address and
// interface.
func instanceXML(v sim.InstanceView, zone string) instance {
	shown := instance{ID: v.ID, State: stateXML(v.State), Zone: zone, Tags: tags(v.Name)}
	if v.State != terminated {
		shown.Address, shown.VPC, shown.Subnet, shown.SourceDestCheck = v.Address.String(), v.VPC, v.Subnet, v.SourceDestCheck
		shown.Interfaces.Items = []netInterface{interfaceXML(v)}
	}
	return shown
}

type instanceStatusesXML struct {
	stamped
	Statuses  list[instanceStatus] `xml:"instanceStatusSet"`
	NextToken *string              `xml:"nextToken"`
}

type instanceStatus struct {
	ID       string        `xml:"instanceId"`
	Zone     string        `xml:"availabilityZone"`
	State    instanceState `xml:"instanceState"`
	System   statusSummary `xml:"systemStatus"`
	Instance statusSummary `xml:"instanceStatus"`
}

type statusSummary struct {
	Status  string             `xml:"status"`
	Details list[statusDetail] `xml:"details"`
}

type statusDetail struct {
	Name   string `xml:"name"`
	Status string `xml:"status"`
	Since  string `xml:"impairedSince,omitempty"`
}

func summaryXML(status string, since time.Time) statusSummary {
	shown := statusSummary{Status: status}
	if status != "not-applicable" {
		shown.Details.Items = []statusDetail{{Name: "reachability", Status: reachability(status), Since: instant(since)}}
	}
	return shown
}

type interfacesXML struct {
	stamped
	Interfaces list[netInterface] `xml:"networkInterfaceSet"`
	NextToken  *string            `xml:"nextToken"`
}

type netInterface struct {
	ID              string          `xml:"networkInterfaceId"`
	Subnet          string          `xml:"subnetId,omitempty"`
	VPC             string          `xml:"vpcId"`
	Zone            string          `xml:"availabilityZone,omitempty"`
	Owner           string          `xml:"ownerId"`
	Status          string          `xml:"status"`
	Address         string          `xml:"privateIpAddress,omitempty"`
	Addresses       list[address]   `xml:"privateIpAddressesSet"`
	IPv6            list[address6]  `xml:"ipv6AddressesSet"`
	SourceDestCheck bool            `xml:"sourceDestCheck"`
	Attachment      interfaceHolder `xml:"attachment"`
	Tags            list[tag]       `xml:"tagSet"`
}

type address struct {
	IP      string `xml:"privateIpAddress"`
	Primary bool   `xml:"primary"`
}

type address6 struct {
	IP string `xml:"ipv6Address"`
}

type interfaceHolder struct {
	ID       string `xml:"attachmentId"`
	Instance string `xml:"instanceId"`
	Owner    string `xml:"instanceOwnerId"`
	Device   int    `xml:"deviceIndex"`
	Status   string `xml:"status"`
	Deletes  bool   `xml:"deleteOnTermination"`
}

// interfaceXML shows an interface. The id of its attachment is made from its
// own, because the World has none.
func interfaceXML(v sim.InstanceView) netInterface {
	shown := netInterface{
		ID: v.Interface, Subnet: v.Subnet, VPC: v.VPC, Owner: v.Account, Status: "in-use",
		SourceDestCheck: v.SourceDestCheck, Tags: tags(v.Name),
		Attachment: interfaceHolder{
			ID: "eni-attach-" + strings.TrimPrefix(v.Interface, "eni-"), Instance: v.ID, Owner: v.Account, Status: "attached", Deletes: true,
		},
	}
	if v.Address.Is4() {
		shown.Address, shown.Addresses.Items = v.Address.String(), []address{{IP: v.Address.String(), Primary: true}}
	} else if v.Address != (netip.Addr{}) {
		shown.IPv6.Items = []address6{{IP: v.Address.String()}}
	}
	return shown
}
