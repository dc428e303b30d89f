package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"detour/shared/adapter/awsclient"
	"detour/shared/adapter/systemclock"
	"detour/shared/blueprint"
	"detour/shared/config"
	"detour/shared/config/source"
	"detour/shared/controller"
)

// openAWS reads the configuration, and finds the credentials as the AWS CLI does:
// variables, profiles, single sign-on.
func (f *placeFlags) openAWS(ctx context.Context, changes bool) (opened, error) {
	cfg, err := readConfig(cmp.Or(f.config, os.Getenv(envConfig)))
	if err != nil {
		return opened{}, err
	}
	queue := cmp.Or(f.queue, os.Getenv(envQueue))
	filterQueue := cmp.Or(f.filterQueue, os.Getenv(envFilterQueue), filterQueueBeside(queue))
	if queue == "" && filterQueue == "" && changes {
		return opened{}, fmt.Errorf("the queue of the wake-ups is missing; give its URL with --wake-queue or in %s", envQueue)
	}
	if err := errors.Join(checkQueue("--wake-queue", queue), checkQueue("--filter-wake-queue", filterQueue)); err != nil {
		return opened{}, err
	}
	machine := cmp.Or(f.machine, os.Getenv(envStates), defaultMachine)
	if err := checkMachine(machine); err != nil {
		return opened{}, err
	}
	options := awsclient.Options{ExternalID: cmp.Or(f.id, os.Getenv(envID)), BaseEndpoint: os.Getenv("AWS_ENDPOINT_URL")}
	if template := cmp.Or(f.role, os.Getenv(envRole)); template != "" {
		if options.Role, err = awsclient.RoleTemplate(template); err != nil {
			return opened{}, fmt.Errorf("--role: %w", err)
		}
	}
	if options.BaseEndpoint != "" {
		if _, err := httpAddress("AWS_ENDPOINT_URL", options.BaseEndpoint); err != nil {
			return opened{}, err
		}
	}
	if err := f.signIn(ctx, cfg, &options); err != nil {
		return opened{}, failure{err}
	}
	known, err := identify(ctx, systemclock.New(), options)
	if err != nil {
		return opened{}, failure{fmt.Errorf("%w; see whether aws sts get-caller-identity answers, and sign in (aws sso login) if it does not", err)}
	}
	options.HomeAccount = known.Account
	clients, err := awsclient.New(options)
	if err != nil {
		return opened{}, err
	}
	table := cmp.Or(f.table, os.Getenv(envTable), defaultTable)
	return opened{
		name: "AWS", config: cfg, who: known.ARN + " (" + claimed() + ")",
		home: func(account, region string) (reached, error) {
			at := strings.NewReplacer("{account}", account, "{region}", region, "{partition}", partition(known.ARN))
			return reached{
				clients: clients, table: table, queue: at.Replace(queue), filterQueue: at.Replace(filterQueue), machine: at.Replace(machine),
			}, nil
		},
	}, nil
}

// signIn finds the credentials and their Region.
func (f *placeFlags) signIn(ctx context.Context, cfg config.Config, options *awsclient.Options) error {
	settings := controller.SettingsFrom(cfg)
	options.Doer = awsclient.NewHTTPClient(awsclient.HTTPOptions{Response: settings.CallTimeout})
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) { o.TokenProvider = askToken }),
	}
	if f.profile != "" {
		load = append(load, awsconfig.WithSharedConfigProfile(f.profile))
	}
	if f.region != "" {
		load = append(load, awsconfig.WithRegion(f.region))
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return fmt.Errorf("finding AWS credentials: %w; see aws configure list", err)
	}
	options.HomeCredentials, options.HomeRegion = loaded.Credentials, loaded.Region
	if homes := homesOf(cfg.Groups(), cfg.Filters()); options.HomeRegion == "" && len(homes) > 0 {
		options.HomeRegion = homes[0].Region
	}
	return nil
}

// askToken asks for the code of a profile that wants a second factor. The question
// goes to standard error, so that the output stays whole.
func askToken() (string, error) {
	if !asksPerson(os.Stdin) {
		return "", errors.New("the profile asks for an MFA code, and there is no terminal to ask for it at; sign in beforehand, and pass on the session's variables")
	}
	fmt.Fprint(os.Stderr, "MFA code: ")
	line, err := readLine(os.Stdin)
	return strings.TrimSpace(line), err
}

// readConfig reads detour.yaml, or the normalized JSON, which is YAML as well.
func readConfig(file string) (config.Config, error) {
	if file == "" {
		return config.Config{}, fmt.Errorf("the configuration is missing; name it with --config FILE or in %s, or work on a served lab with --lab", envConfig)
	}
	data, err := os.ReadFile(file) //nolint:gosec // Whoever runs the command names the file.
	if errors.Is(err, fs.ErrNotExist) {
		return config.Config{}, fmt.Errorf("there is no configuration %s; name it with --config FILE or in %s", file, envConfig)
	}
	if err != nil {
		return config.Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	cfg, err := source.Read(data, file)
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	return cfg, nil
}

// defaultMachine is the state machine that Detour deploys.
const defaultMachine = "arn:{partition}:states:{region}:{account}:stateMachine:" + blueprint.StateMachine

// checkMachine checks the ARN of the state machine.
func checkMachine(arn string) error {
	if parts := strings.Split(arn, ":"); len(parts) != 7 || parts[0] != "arn" || parts[2] != "states" || parts[5] != "stateMachine" || parts[6] == "" {
		return fmt.Errorf("--state-machine is %q, which is not the ARN of a state machine; write it as arn:aws:states:{region}:{account}:stateMachine:NAME", arn)
	}
	return nil
}

// partition is that of an ARN.
func partition(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 1 && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// filterQueueBeside is the queue for the wake-ups of filters beside the one for those of
// groups, as a deployment names them.
func filterQueueBeside(queue string) string {
	if queue == "" {
		return ""
	}
	return queue + strings.TrimPrefix(blueprint.QueueFilterWake, blueprint.QueueWake)
}

// checkQueue checks the URL of a queue, which may be missing.
func checkQueue(flag, queue string) error {
	if queue == "" {
		return nil
	}
	_, err := httpAddress(flag, strings.NewReplacer("{account}", "1", "{region}", "r").Replace(queue))
	return err
}
