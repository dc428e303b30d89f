package stack

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const (
	oneAccount = "testdata/one-account"
	controller = "controller-111122223333-us-west-2"
)

// read reads an assembly of testdata.
func read(t testing.TB, folder string) *Assembly {
	t.Helper()
	a, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// copied is an assembly of testdata in memory, which a test can change.
func copied(t testing.TB, folder string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		out[filepath.ToSlash(name)] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func find[T any](t testing.TB, list []T, what string, is func(T) bool) T {
	t.Helper()
	i := slices.IndexFunc(list, is)
	if i < 0 {
		t.Fatalf("there is no %s in %+v", what, list)
	}
	return list[i]
}

func TestTheModelOfOneAccount(t *testing.T) {
	a := read(t, oneAccount)
	if len(a.Stacks) != 1 {
		t.Fatalf("there are %d stacks", len(a.Stacks))
	}
	s := a.Stacks[0]
	if s.Name != controller || s.Site != (Site{"111122223333", "us-west-2"}) || s.Outputs["Mode"] != "observe: 0 groups, enforce: 1" {
		t.Errorf("the stack is %s, %s, %v", s.Name, s.Site, s.Outputs)
	}
	const arns = "us-west-2:111122223333:"
	f := find(t, s.Functions, "function", func(f Function) bool { return f.Name == "detour-switchover" })
	if f.ARN != "arn:aws:lambda:"+arns+"function:detour-switchover" || f.Asset != "asset.switchover" || f.Architecture != "arm64" ||
		f.Role != "arn:aws:iam::111122223333:role/detour-switchover-us-west-2" || f.Timeout != 5*time.Minute || f.MemoryMB != 256 || f.Reserved != 0 ||
		f.LogGroup != "/aws/lambda/detour-switchover" ||
		f.Environment["DETOUR_WAKE_QUEUE"] != "https://sqs.us-west-2.amazonaws.com/111122223333/detour-wake" || f.Environment["DETOUR_TABLE"] != "detour" {
		t.Errorf("the function is %+v", f)
	}
	config := find(t, s.InvokeConfigs, "invoke config", func(i InvokeConfig) bool { return i.Function == f.ARN })
	if config.Retries != 2 || config.MaxAge != time.Hour || config.OnFailure != "arn:aws:sqs:"+arns+"detour-dead" {
		t.Errorf("asynchronous invocations: %+v", config)
	}
	m := s.Mappings[0]
	if m.Queue != "arn:aws:sqs:"+arns+"detour-wake" || m.Function != f.ARN || m.BatchSize != 10 || m.Concurrency != 2 || !m.Partial || !m.Enabled {
		t.Errorf("the mapping is %+v", m)
	}
	q := find(t, s.Queues, "queue", func(q Queue) bool { return q.Name == "detour-wake" })
	if q.Visibility != 30*time.Minute || q.MaxReceives != 5 || q.DeadLetter != "arn:aws:sqs:"+arns+"detour-wake-dead" {
		t.Errorf("the queue is %+v", q)
	}
	rule := find(t, s.Rules, "rule", func(r Rule) bool { return r.Name == "detour-network-manager-status" })
	if len(rule.Targets) != 1 || rule.Targets[0].ARN != f.ARN || rule.Targets[0].DeadLetter != "arn:aws:sqs:"+arns+"detour-dead" || rule.Targets[0].Retries != 185 ||
		rule.Targets[0].MaxAge != time.Hour || !rule.Enabled || rule.Bus != DefaultBus {
		t.Errorf("the rule is %+v", rule)
	}
	if p := find(t, s.Permissions, "permission", func(p Permission) bool { return p.SourceARN == rule.ARN }); !p.MayInvoke(rule, "111122223333") || p.MayInvoke(rule, "444455556666") {
		t.Errorf("the permission is %+v", p)
	}
	sweep := find(t, s.Schedules, "schedule", func(e Schedule) bool { return e.Name == "detour-sweep" })
	if sweep.Expression.Every != time.Minute || string(sweep.Input) != `{"detour":"sweep"}` || sweep.Retries != 1 || sweep.MaxAge != time.Minute || !strings.HasSuffix(sweep.Target, "detour-sweep") {
		t.Errorf("the schedule is %+v", sweep)
	}
	if table := s.Tables[0]; table.Name != "detour" || table.Expires != "ttl" || !table.Recovery || !table.Protected {
		t.Errorf("the table is %+v", table)
	}
	if topic := s.Topics[0]; topic.ARN != "arn:aws:sns:"+arns+"detour" || topic.Key != s.Keys[0].ARN || !slices.Equal(s.Keys[0].Aliases, []string{"alias/detour"}) {
		t.Errorf("the topic is %+v, the key %+v", topic, s.Keys[0])
	}
	watched := 0
	for _, alarm := range s.Alarms {
		if _, ok := alarm.Tunnels(); ok {
			watched++
		}
	}
	if len(s.Alarms) != 4 || watched != 2 || len(s.LogGroups) != 9 || s.LogGroups[0].Days != 90 || len(s.Subscriptions) != 1 {
		t.Errorf("%d alarms, %d of tunnels; log groups %+v", len(s.Alarms), watched, s.LogGroups)
	}
	if body := string(s.Dashboards[0].Body); !strings.Contains(body, "Detour in us-west-2, ${not}") {
		t.Errorf("the dashboard is %s", body)
	}
}

// TestRolesAreWhole: nothing of a policy is lost, and what is read of it is right.
func TestTheStateMachineOfOneAccount(t *testing.T) {
	s := read(t, oneAccount).Stacks[0]
	if len(s.StateMachines) != 1 {
		t.Fatalf("there are %d state machines", len(s.StateMachines))
	}
	m := s.StateMachines[0]
	const arns = "us-west-2:111122223333:"
	if m.Name != "detour-failback" || m.ARN != "arn:aws:states:"+arns+"stateMachine:detour-failback" || m.Role != "arn:aws:iam::111122223333:role/detour-failback-us-west-2" ||
		m.LogGroup != "arn:aws:logs:"+arns+"log-group:/aws/vendedlogs/states/detour-failback:*" {
		t.Errorf("the state machine is %+v", m)
	}
	functions := m.Definition.Functions()
	if len(functions) != 6 || functions[0] != "arn:aws:lambda:"+arns+"function:detour-failback-advance" || !slices.Contains(m.Definition.States(), "Precheck") {
		t.Errorf("it invokes %v", functions)
	}
}

func TestRolesAreWhole(t *testing.T) {
	a := read(t, "testdata/hub")
	access := find(t, a.Stacks, "stack", func(s Stack) bool { return strings.HasPrefix(s.Name, "access-") })
	role := access.Roles[0]
	if role.ARN != "arn:aws:iam::444455556666:role/detour-access-111122223333-eu-central-1" {
		t.Errorf("the role is %s", role.ARN)
	}
	trust := role.Trust.Statements[0]
	if len(trust.Principals) != 1 || trust.Principals[0] != (Principal{"AWS", "arn:aws:iam::111122223333:root"}) ||
		!slices.Equal(trust.Conditions["StringEquals"]["sts:ExternalId"], []string{"detour-111122223333-eu-central-1"}) || len(trust.Conditions["ArnEquals"]["aws:PrincipalArn"]) != 2 {
		t.Errorf("the trust is %+v", trust)
	}
	if !strings.Contains(string(role.Trust.Document), `"sts:ExternalId":"detour-111122223333-eu-central-1"`) {
		t.Errorf("the document is %s", role.Trust.Document)
	}
	write := role.Policies[0].Statements[1]
	if role.Policies[0].Name != "detour" || write.Sid != "Write" || !slices.Equal(write.Actions, []string{"ec2:CreateRoute", "ec2:ReplaceRoute"}) ||
		!slices.Equal(write.Resources, []string{"arn:aws:ec2:eu-central-1:444455556666:route-table/rtb-0d000000000000002"}) {
		t.Errorf("the policy is %+v", write)
	}
}

// TestWhatIsNotModelledIsNamed: one change of the template each, and what the
// error must say.
func TestWhatIsNotModelledIsNamed(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"AWS::SQS::QueuePolicy"`, `"AWS::SQS::QueuPolicy"`, `: DeadPolicy (AWS::SQS::QueuPolicy): type "AWS::SQS::QueuPolicy" is not modelled by the lab; leave the resource out`},
		{`"MemorySize": 256`, `"VpcConfig": {}`, `Switchover (AWS::Lambda::Function): VpcConfig is not modelled by the lab`},
		{`"Id": "switchover",`, `"Id": "switchover", "KinesisParameters": {},`, `NetworkManagerStatusRule (AWS::Events::Rule): Targets[0].KinesisParameters is not modelled`},
		{`"LogFormat": "Text",`, `"logFormat": "Text",`, `LoggingConfig.logFormat is not modelled`},
		{`"Runtime": "provided.al2023"`, `"Runtime": "nodejs22.x"`, `Switchover (AWS::Lambda::Function): Runtime is "nodejs22.x"; the lab models provided.al2023`},
		{`"Timeout": 300`, `"Timeout": "300"`, `Timeout is a string; write a whole number`},
		{`"Timeout": 300`, `"Timeout": 901`, `Timeout is 901; write 1 to 900`},
		{`"Timeout": 300`, `"Timeout": 3.5`, `Timeout is 3.5; write a whole number`},
		{`"FunctionName": "detour-sweep",`, ``, `Sweep (AWS::Lambda::Function): FunctionName is missing; name it`},
		{`"Ref": "Wake"`, `"Ref": "Wakes"`, `DETOUR_WAKE_QUEUE refers to "Wakes", and the stack has no resource of that logical id`},
		{`"Ref": "Wake"`, `"Ref": "AWS::StackId"`, `refers to AWS::StackId, which is not modelled`},
		{`"Ref": "Wake"`, `"Fn::ImportValue": "Wake"`, `uses Fn::ImportValue, which is not modelled by the lab`},
		{`"Ref": "Wake"`, `"Ref": "Mapping"`, `is a Ref to Mapping (AWS::Lambda::EventSourceMapping), whose Ref is not modelled`},
		{`"SweepRole",` + "\n" + `      "Arn"`, `"SweepRole", "RoleId"`, `Role wants RoleId of SweepRole (AWS::IAM::Role), which is not modelled`},
		{`"DependsOn": [` + "\n" + `    "SweepRole"`, `"DependsOn": ["Nobody"`, `Sweep (AWS::Lambda::Function): DependsOn names "Nobody"`},
		{`"UpdateReplacePolicy"`, `"UpdatePolicy"`, `Table (AWS::DynamoDB::Table): UpdatePolicy is no attribute of a resource`},
		{`"Description": "Detour",`, `"Parameters": {},`, `section Parameters is not modelled`},
		{`"rate(1 minute)"`, `"rate(1 week)"`, `SweepSchedule (AWS::Scheduler::Schedule): ScheduleExpression is "rate(1 week)"; write minutes, hours or days`},
		{`"AttributeName": "sk",` + "\n" + `      "KeyType"`, `"AttributeName": "x", "KeyType"`, `Table (AWS::DynamoDB::Table): KeySchema`},
		{`"aws.networkmanager"`, `{"prefix": "aws."}`, `NetworkManagerStatusRule (AWS::Events::Rule): EventPattern cannot be matched by the lab`},
		{`<group>`, `<groop>`, `InputTransformer has a template with the variable <groop>, which InputPathsMap does not define`},
		{`"$.detail.group"`, `"$..group"`, `has path group "$..group"`},
		{`"switchover.zip"`, `"other.zip"`, `Code is other.zip in cdk-hnb659fds-assets-111122223333-us-west-2, and no list of assets has it`},
		{`"TableName": "detour"`, `"TableName": {"Ref": "Table"}`, `makes the name of Table depend on itself`},
		{`"DETOUR_TABLE": {` + "\n" + `       "Ref": "Table"`, `"DETOUR_TABLE": {"Fn::Sub": "other"`, `DETOUR_TABLE is "other", which leads to nothing`},
		{`"RoleName": "detour-scheduler-us-west-2"`, `"RoleName": "detour-scheduler-us-west-2", "ManagedPolicyArns": []`, `ManagedPolicyArns is not modelled`},
		{`"sqs:*",`, `"sqs:*", "NotResource": "x",`, `DeadPolicy (AWS::SQS::QueuePolicy): PolicyDocument.Statement[0].NotResource is no element of a statement that the lab models`},
		{`"QueueName": "detour-wake-dead"`, `"QueueName": "detour-dead"`, `detour-dead is in stack ` + controller + ` already`},
		{`"FunctionResponseTypes"`, `"MaximumBatchingWindowInSeconds": 5, "FunctionResponseTypes"`, `MaximumBatchingWindowInSeconds is not modelled by the lab unless it is 0`},
		{`"Value": "observe: 0 groups, enforce: 1"`, `"Value": "x", "Export": {}`, `Mode (output): Export is not modelled`},
		{`"Description": "Detour",`, `"Description": "Detour", "Description": "x",`, `key "Description" stands twice in one object`},
		{`"StateMachineType": "STANDARD"`, `"StateMachineType": "EXPRESS"`, `FailbackMachine (AWS::StepFunctions::StateMachine): StateMachineType is "EXPRESS"; the lab models STANDARD`},
		{`"StateMachineType": "STANDARD"`, `"EncryptionConfiguration": {}`, `EncryptionConfiguration is not modelled by the lab`},
		{`\"StartAt\": \"Precheck\"`, `\"StartAt\": \"Start\"`, `DefinitionString cannot be run by the lab: StartAt leads to the state "Start", which does not exist`},
		{`\"TimeoutSeconds\": 330`, `\"HeartbeatSeconds\": 330`, `cannot be run by the lab: state Precheck: HeartbeatSeconds: this field is not supported here`},
		{`"DefinitionSubstitutions": {`, `"DefinitionSubstitutions": {"Other": "x",`, `there is a substitution for ${Other}, which the definition does not have`},
		{`\"${Ask}\"`, `\"${Ask}x\"`, `DefinitionString is "arn:aws:lambda:us-west-2:111122223333:function:detour-failback-askx", which leads to nothing`},
		{`\"${Ask}\"`, `\"${Ask}x\"`, `which the role detour-failback-us-west-2 may not invoke; allow lambda:InvokeFunction on it`},
		{`"Sid": "Tasks",` + "\n" + `         "Effect": "Allow"`, `"Sid": "Tasks", "Effect": "Deny"`, `which the role detour-failback-us-west-2 may not invoke`},
		{`"Service": "states.amazonaws.com"`, `"Service": "lambda.amazonaws.com"`, `which Step Functions may not assume; let the role trust states.amazonaws.com for it`},
		{`stateMachine:detour-failback"`, `stateMachine:detour-other"`, `which Step Functions may not assume`},
		{`"FailbackLog",` + "\n" + `          "Arn"`, `"FailbackRole", "Arn"`, `LoggingConfiguration.Destinations is "arn:aws:iam::111122223333:role/detour-failback-us-west-2", which is no ARN that the lab models here`},
		{`"TargetKeyId": {` + "\n" + `     "Ref": "Key"`, `"TargetKeyId": {"Fn::Sub": "x"`, `KeyAlias (AWS::KMS::Alias): TargetKeyId is "x", which is no key of the stack`},
	} {
		folder := copied(t, oneAccount)
		file := folder[controller+".template.json"]
		changed := strings.Replace(string(file.Data), c.old, c.new, 1)
		if changed == string(file.Data) {
			t.Fatalf("the template has no %s", c.old)
		}
		file.Data = []byte(changed)
		if _, err := ReadFS(folder); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "stack "+controller) {
			t.Errorf("%s: %v\nwant %q", c.new, err, c.want)
		}
	}
}

// TestWrongAssemblies: what is wrong with the folder itself.
func TestWrongAssemblies(t *testing.T) {
	change := func(file, old, replacement string) func(fstest.MapFS) {
		return func(folder fstest.MapFS) {
			before := string(folder[file].Data)
			after := strings.ReplaceAll(before, old, replacement)
			if before == after {
				t.Fatalf("%s has no %s", file, old)
			}
			folder[file].Data = []byte(after)
		}
	}
	for want, spoil := range map[string]func(fstest.MapFS){
		"the folder has no manifest.json, so it is no cloud assembly; make synth":             func(f fstest.MapFS) { delete(f, manifestFile) },
		"manifest.json: it is no JSON":                                                        change(manifestFile, "{", "["),
		`stack ` + controller + `: its environment is "aws://unknown-account/unknown-region"`: change(manifestFile, "aws://111122223333/us-west-2", "aws://unknown-account/unknown-region"),
		`artifact ` + controller + `.assets is of type "cdk:cloud-assembly"`:                  change(manifestFile, "cdk:asset-manifest", "cdk:cloud-assembly"),
		`manifest.json names no stack; run make synth anew`:                                   change(manifestFile, "aws:cloudformation:stack", "cdk:tree"),
		`context is missing`: change(manifestFile, `"artifacts"`, `"missing": [{}], "artifacts"`),
		`open ` + controller + `.template.json: file does not exist`:                              func(f fstest.MapFS) { delete(f, controller+".template.json") },
		`Code lies in asset.sweep, which has no bootstrap`:                                        func(f fstest.MapFS) { delete(f, "asset.sweep/bootstrap") },
		`leads to "../asset.sweep", which is not in the assembly`:                                 change(controller+".assets.json", `"asset.sweep"`, `"../asset.sweep"`),
		`it is nested deeper than 64`:                                                             change(controller+".template.json", `"Outputs": {`, `"Outputs": `+strings.Repeat(`{"a":`, 70)+"1"+strings.Repeat("}", 70)+`, "X": {`),
		controller + `.template.json is longer than 1048576 bytes`:                                change(controller+".template.json", `"Outputs": {`, strings.Repeat(" ", maxTemplate)+`"Outputs": {`),
		`Targets home0 Arn is "arn:aws:events:eu-central-1:111122223333:event-bus/own", which le`: nil,
	} {
		source := oneAccount
		if spoil == nil {
			source = "testdata/hub"
			spoil = change("forward-777788889999-us-west-2.template.json", "event-bus/default", "event-bus/own")
		}
		folder := copied(t, source)
		spoil(folder)
		if _, err := ReadFS(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	if _, err := Read("testdata/nothing"); err == nil || !strings.Contains(err.Error(), "make synth CONFIG=FILE writes them to cdk.out") {
		t.Errorf("no folder: %v", err)
	}
}

// TestNothingOutsideIsRead: a link out of the assembly leads nowhere.
func TestNothingOutsideIsRead(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.json")
	if err := os.WriteFile(outside, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(folder, manifestFile)); err != nil {
		t.Skipf("this machine makes no symbolic links, and so has none to follow: %v", err)
	}
	if _, err := Read(folder); err == nil || !strings.Contains(err.Error(), "escapes") {
		t.Errorf("got %v", err)
	}
}

// TestManyProblemsAreCounted: a template of another program has no end of them.
func TestManyProblemsAreCounted(t *testing.T) {
	p := &problems{}
	for i := range maxProblems + 7 {
		p.add("%d", i)
		p.add("%d", 0)
	}
	if err := p.err(); !strings.HasSuffix(err.Error(), "\nand 7 more") || strings.Count(err.Error(), "\n") != maxProblems {
		t.Errorf("got %v", err)
	}
}

// TestTextsAreBounded: names that double each other end.
func TestTextsAreBounded(t *testing.T) {
	var out strings.Builder
	out.WriteString(`{"Resources":{"Q0":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"` + strings.Repeat("x", 64) + `"}}`)
	for i := 1; i < 64; i++ {
		before := "Q" + string(rune('0'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		if i == 1 {
			before = "Q0"
		}
		name := "Q" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		out.WriteString(`,"` + name + `":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Fn::Join":["",[{"Fn::GetAtt":["` + before + `","QueueName"]},{"Fn::GetAtt":["` + before + `","QueueName"]}]]}}}`)
	}
	out.WriteString("}}")
	folder := copied(t, oneAccount)
	folder[controller+".template.json"].Data = []byte(out.String())
	if _, err := ReadFS(folder); err == nil || !strings.Contains(err.Error(), "becomes longer than 1048576 bytes") {
		t.Errorf("got %.300v", err)
	}
}

func FuzzReadFS(f *testing.F) {
	folder := copied(f, oneAccount)
	template := folder[controller+".template.json"].Data
	manifest, list := folder[manifestFile].Data, folder[controller+".assets.json"].Data
	f.Add(template, manifest, list)
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{"RoleName":{"Fn::Sub":["${a}${A.Arn}",{"a":{"Ref":"A"}}]}}}}}`), manifest, list)
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::Events::Rule","Properties":{"EventPattern":{},"Targets":[null]}}}}`), manifest, []byte(`{"files":[]}`))
	f.Fuzz(func(t *testing.T, template, manifest, list []byte) {
		folder := fstest.MapFS{
			manifestFile: {Data: manifest}, controller + ".template.json": {Data: template}, controller + ".assets.json": {Data: list},
			"asset.failback/bootstrap": {}, "asset.sweep/bootstrap": {}, "asset.switchover/bootstrap": {},
		}
		a, err := ReadFS(folder)
		if (a == nil) == (err == nil) {
			t.Fatalf("got %v and %v", a, err)
		}
		if err != nil {
			if len(err.Error()) > 64*len(template)*maxProblems+1<<20 {
				t.Fatalf("the error is %d bytes long", len(err.Error()))
			}
			return
		}
		for _, s := range a.Stacks {
			for _, r := range s.resources() {
				if r.ARN == "" || r.Name == "" || r.LogicalID == "" && r.Name == "" {
					t.Fatalf("a resource has no name: %+v", r)
				}
			}
		}
	})
}
