package ec2api

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// FuzzWire sends form bodies as they come. Nothing panics; the answer is always
// one well-formed document of a known root; each call makes one record; an error
// writes nothing; what is no write changes no table, apart from the switches of
// propagation; and following the tokens comes to an end.
func FuzzWire(f *testing.F) {
	const version = "&Version=" + ec2Version
	for _, body := range []string{
		"", "Action=", "Action=DescribeRouteTables" + version,
		"Action=DescribeRouteTables&MaxResults=5&Filter.1.Name=vpc-id&Filter.1.Value.1=*&RouteTableId.1=rtb-1" + version,
		"Action=DescribeVpnConnections&Filter.1.Name=tag:Name&Filter.1.Value.1=p?r*" + version,
		"Action=SearchTransitGatewayRoutes&TransitGatewayRouteTableId=tgw-rtb-1&MaxResults=5&Filter.1.Name=type&Filter.1.Value.1=static" + version,
		"Action=SearchTransitGatewayRoutes&TransitGatewayRouteTableId=tgw-rtb-1&NextToken=AAAAAAAAAAAAAAAAAAAAAAAAAAAA&Filter.1.Name=route-search.subnet-of-match&Filter.1.Value.1=0.0.0.0/0" + version,
		"Action=SearchTransitGatewayRoutes&TransitGatewayRouteTableId=tgw-rtb-1&Filter.1.Name=route-search.longest-prefix-match&Filter.1.Value.1=::ffff:10.0.0.1%25eth0" + version,
		"Action=CreateRoute&RouteTableId=rtb-1&DestinationCidrBlock=0.0.0.0/0&GatewayId=igw-1" + version,
		"Action=ReplaceRoute&RouteTableId=rtb-1&DestinationIpv6CidrBlock=::ffff:0.0.0.0/96&LocalTarget=true" + version,
		"Action=ReplaceTransitGatewayRoute&TransitGatewayRouteTableId=tgw-rtb-1&DestinationCidrBlock=%00%ff&Blackhole=true" + version,
		"Action=%00%01%ff<>&Version=", "Action=AssumeRole&RoleArn=arn:aws:iam::444455556666:role/&RoleSessionName=%00&Version=" + stsVersion,
		"Action=DescribeTransitGatewayAttachments&TransitGatewayAttachmentIds.1=tgw-attach-vpn1&MaxResults=1000" + version,
		"Action=GetTransitGatewayRouteTableAssociations&TransitGatewayRouteTableId=tgw-rtb-1&DryRun=true" + version,
		"Action=DescribeTransitGateways&Filter.1.Name=options.amazon-side-asn&Filter.1.Value.1=64512&TransitGatewayIds.1=tgw-1" + version,
		"Action=DescribeTransitGatewayConnects&TransitGatewayAttachmentIds.1=tgw-attach-con1" + version,
		"Action=DescribeTransitGatewayConnectPeers&TransitGatewayConnectPeerIds.1=tgw-connect-peer-1&Filter.1.Name=state&Filter.1.Value.1=*" + version,
		"Action=GetTransitGatewayRouteTablePropagations&TransitGatewayRouteTableId=tgw-rtb-1&MaxResults=5" + version,
		"Action=GetTransitGatewayPrefixListReferences&TransitGatewayRouteTableId=tgw-rtb-1&Filter.1.Name=is-blackhole&Filter.1.Value.1=false" + version,
		"Action=CreateTransitGatewayPrefixListReference&TransitGatewayRouteTableId=tgw-rtb-1&PrefixListId=pl-1&TransitGatewayAttachmentId=tgw-attach-vpn1" + version,
		"Action=ModifyTransitGatewayPrefixListReference&TransitGatewayRouteTableId=tgw-rtb-1&PrefixListId=pl-1&Blackhole=true" + version,
		"Action=DeleteTransitGatewayPrefixListReference&TransitGatewayRouteTableId=tgw-rtb-1&PrefixListId=pl-1" + version,
		"Action=EnableTransitGatewayRouteTablePropagation&TransitGatewayRouteTableId=tgw-rtb-1&TransitGatewayAttachmentId=tgw-attach-con1" + version,
		"Action=DisableTransitGatewayRouteTablePropagation&TransitGatewayRouteTableId=tgw-rtb-1&TransitGatewayAttachmentId=tgw-attach-vpc1&DryRun=true" + version,
		"Action=EnableVgwRoutePropagation&RouteTableId=rtb-1&GatewayId=vgw-1" + version,
		"Action=DisableVgwRoutePropagation&RouteTableId=rtb-1&GatewayId=vgw-1" + version,
		"Action=ModifyManagedPrefixList&PrefixListId=pl-1&CurrentVersion=1&AddEntry.1.Cidr=10.9.9.9/8&AddEntry.1.Description=%00&RemoveEntry.7.Cidr=10.7.0.0/16" + version,
		"Action=ModifyManagedPrefixList&PrefixListId=pl-1&MaxEntries=1000&PrefixListName=<&>" + version,
		"Action=GetManagedPrefixListEntries&PrefixListId=pl-1&TargetVersion=1&MaxResults=1" + version,
		"Action=DescribeManagedPrefixLists&PrefixListId.1=pl-1&Filter.1.Name=owner-id&Filter.1.Value.1=*" + version,
		"Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=eni-1&Filter.1.Name=source-dest-check&Filter.1.Value.1=false" + version,
		"Action=DescribeInstanceStatus&IncludeAllInstances=true&MaxResults=5" + version, "Action=DescribeInstances&InstanceId.1=i-9" + version,
		"Action=DescribeVpcs&Filter.1.Name=cidr&Filter.1.Value.1=10.*" + version, "Action=DescribeSubnets" + version, "Action=DescribeVpnGateways&VpnGatewayId.1=vgw-1" + version,
		"Action=CreateRoute&RouteTableId=rtb-1&DestinationPrefixListId=pl-1&InstanceId=i-1" + version,
	} {
		f.Add(body, account, "ec2")
	}
	f.Add("Action=GetCallerIdentity&Version="+stsVersion, account, "sts")
	f.Add("Action=GetCallerIdentity&Version="+stsVersion, "x", "")
	before := worldOf(f, 20).Snapshot()
	f.Fuzz(func(t *testing.T, body, id, service string) {
		world := worldOf(t, 20)
		h := New(world)
		for page := range 20 {
			status, answer := send(h, post(body, id, service))
			root, token := document(t, answer)
			if len(world.Calls()) != page+1 {
				t.Fatalf("%d records after %d calls", len(world.Calls()), page+1)
			}
			record := world.Calls()[page]
			if failed := status != 200; failed != (record.Code != "") || failed && record.Write != nil {
				t.Fatalf("status %d, record %+v", status, record)
			}
			if failed := root == "Response" || root == "ErrorResponse"; failed != (status != 200) || !failed && root != record.Action+"Response" {
				t.Fatalf("root %s, status %d", root, status)
			}
			if record.Write == nil && !strings.HasSuffix(record.Action, "Propagation") && world.Snapshot() != before {
				t.Fatalf("a call without a write left\n%s", world.Snapshot())
			}
			if token == "" {
				return
			}
			params := record.Params
			params.Set("NextToken", token)
			body = params.Encode()
		}
		t.Fatal("the pages do not end")
	})
}

// FuzzToken opens any token: it is either what sealToken made, or refused.
func FuzzToken(f *testing.F) {
	print1 := sum("a read")
	f.Add("", "")
	f.Add(sealToken(print1, "4/x/8"), "4/x/8")
	f.Fuzz(func(t *testing.T, token, after string) {
		if got, refusal := openToken(token, print1); refusal == "" && sealToken(print1, got) != token {
			t.Fatalf("%q was taken for the token of %q", token, got)
		}
		if after == "" {
			return
		}
		sealed := sealToken(print1, after)
		if got, refusal := openToken(sealed, print1); got != after || refusal != "" {
			t.Fatalf("%q came back as %q, %s", after, got, refusal)
		}
		if _, refusal := openToken(sealed, sum("another")); refusal == "" {
			t.Fatal("a foreign token was taken")
		}
	})
}

// document checks that the answer is one well-formed XML document, and returns
// the name of its root and the text of its nextToken.
func document(t *testing.T, answer string) (root, token string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(answer))
	depth, roots, inToken := 0, 0, false
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %q", err, answer)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if depth == 0 {
				root, roots = tok.Name.Local, roots+1
			}
			depth++
			inToken = tok.Name.Local == "nextToken"
		case xml.EndElement:
			depth--
			inToken = false
		case xml.CharData:
			if inToken {
				token += string(tok)
			}
		}
	}
	if roots != 1 {
		t.Fatalf("%d roots in %q", roots, answer)
	}
	return root, token
}
