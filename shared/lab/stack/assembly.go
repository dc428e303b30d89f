package stack

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// The limits of an assembly: far more stacks than Detour has, and as many
// resources as CloudFormation takes (user guide, "Understand CloudFormation
// quotas").
const (
	maxStacks    = 1000
	maxResources = 500
)

// manifestFile is the file that makes a folder a cloud assembly.
const manifestFile = "manifest.json"

// Read reads the cloud assembly in a folder. The error has a line for each
// problem. Nothing outside of the folder is read.
func Read(folder string) (*Assembly, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("the templates in %s: %w; make synth CONFIG=FILE writes them to cdk.out", folder, err)
	}
	defer func() { _ = root.Close() }() // It was only read.
	return ReadFS(root.FS())
}

// ReadFS reads the cloud assembly that is a file system.
func ReadFS(folder fs.FS) (*Assembly, error) {
	manifest, err := readTree(folder, manifestFile, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the folder has no %s, so it is no cloud assembly; make synth CONFIG=FILE writes one to cdk.out: %w", manifestFile, err)
	}
	if err != nil {
		return nil, err
	}
	all := &problems{}
	stacks, lists := readManifest(manifest, all)
	code := assets{folders: map[string]string{}, in: folder}
	for _, name := range lists {
		code.read(name, all)
	}
	out := &Assembly{}
	for _, a := range stacks {
		out.Stacks = append(out.Stacks, readStack(folder, a, code, all))
	}
	if len(stacks) == 0 && all.err() == nil {
		all.add("%s names no stack; run make synth anew", manifestFile)
	}
	if err := all.err(); err != nil {
		return nil, err
	}
	out.check(all)
	if err := all.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// artifact is a stack of the manifest.
type artifact struct {
	name, template string
	at             Site
}

// readManifest finds the stacks, sorted by name, and the lists of assets.
func readManifest(manifest map[string]any, all *problems) (stacks []artifact, lists []string) {
	if missing, there := manifest["missing"].([]any); there && len(missing) > 0 {
		all.add("%s: context is missing, so the templates are not what would be deployed; run make synth until nothing is missing", manifestFile)
	}
	artifacts, ok := manifest["artifacts"].(map[string]any)
	if !ok {
		all.add("%s: artifacts is %s; run make synth anew", manifestFile, describe(manifest["artifacts"]))
		return nil, nil
	}
	for _, name := range slices.Sorted(maps.Keys(artifacts)) {
		object, _ := artifacts[name].(map[string]any)
		properties, _ := object["properties"].(map[string]any)
		kind, _ := object["type"].(string)
		switch kind {
		case "cdk:tree", "cdk:feature-flag-report": // For people.
		case "cdk:asset-manifest":
			file, _ := properties["file"].(string)
			lists = append(lists, file)
		case "aws:cloudformation:stack":
			file, _ := properties["templateFile"].(string)
			environment, _ := object["environment"].(string)
			at, err := readEnvironment(environment)
			if err != nil {
				all.add("stack %s: %v", name, err)
				continue
			}
			stacks = append(stacks, artifact{name, file, at})
		default:
			all.add("%s: artifact %s is of type %q, which is not modelled by the lab; the app has stacks with file assets only", manifestFile, name, kind)
		}
	}
	if len(stacks) > maxStacks {
		all.add("%s: it has %d stacks; the lab takes %d", manifestFile, len(stacks), maxStacks)
		stacks = nil
	}
	return stacks, lists
}

// readEnvironment reads aws://ACCOUNT/REGION.
func readEnvironment(text string) (Site, error) {
	rest, ok := strings.CutPrefix(text, "aws://")
	account, region, _ := strings.Cut(rest, "/")
	digits := len(account) == 12 && strings.Trim(account, "0123456789") == ""
	letters := region != "" && strings.Trim(region, "abcdefghijklmnopqrstuvwxyz-0123456789") == ""
	if !ok || !digits || !letters {
		return Site{}, fmt.Errorf("its environment is %q; the stack must name its account and Region", text)
	}
	return Site{account, region}, nil
}

// assets are the folders of code by the bucket and key that templates name.
type assets struct {
	in      fs.FS
	folders map[string]string
}

// read reads a list of assets.
func (a assets) read(name string, all *problems) {
	list, err := readTree(a.in, name, maxManifest)
	if err != nil {
		all.add("the list of assets: %v", err)
		return
	}
	files, _ := list["files"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(files)) {
		file, _ := files[id].(map[string]any)
		source, _ := file["source"].(map[string]any)
		where, _ := source["path"].(string)
		if source["packaging"] != "zip" {
			continue // The template itself is an asset too.
		}
		destinations, _ := file["destinations"].(map[string]any)
		for _, to := range slices.Sorted(maps.Keys(destinations)) {
			destination, _ := destinations[to].(map[string]any)
			bucket, _ := destination["bucketName"].(string)
			key, _ := destination["objectKey"].(string)
			a.folders[bucket+"/"+key] = where
		}
	}
}

// folder finds the folder of a function's code, and bootstrap in it.
func (a assets) folder(bucket, key string) (string, error) {
	where, known := a.folders[bucket+"/"+key]
	if !known {
		return "", fmt.Errorf("is %s in %s, and no list of assets has it; run make synth anew", key, bucket)
	}
	if !fs.ValidPath(where) {
		return "", fmt.Errorf("leads to %q, which is not in the assembly", where)
	}
	info, err := fs.Stat(a.in, path.Join(where, "bootstrap"))
	if err != nil {
		return "", fmt.Errorf("lies in %s, which has no bootstrap (%w); run make build and make synth anew", where, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("lies in %s, whose bootstrap is no file", where)
	}
	return where, nil
}

// readStack reads a stack's template into the model.
func readStack(folder fs.FS, a artifact, code assets, all *problems) Stack {
	out := Stack{Name: a.name, Site: a.at, Outputs: map[string]string{}}
	template, err := readTree(folder, a.template, maxTemplate)
	if err != nil {
		all.add("stack %s: %v", a.name, err)
		return out
	}
	b := &builder{stack: &out, kinds: kinds(), resources: map[string]*resource{}, assets: code, problems: all}
	for _, section := range slices.Sorted(maps.Keys(template)) {
		switch section {
		case "AWSTemplateFormatVersion", "Description", "Metadata", "Resources", "Outputs":
		default:
			all.add("stack %s: section %s is not modelled by the lab; synthesize without it", a.name, section)
		}
	}
	b.gather(template["Resources"])
	for _, id := range slices.Sorted(maps.Keys(b.resources)) {
		r := b.resources[id]
		b.kinds[r.kind].add(b, r)
	}
	for _, fn := range b.later {
		fn()
	}
	b.outputs(template["Outputs"])
	return out
}

// gather finds the template's resources, those that are of no known type apart.
func (b *builder) gather(section any) {
	objects, ok := section.(map[string]any)
	if !ok || len(objects) == 0 || len(objects) > maxResources {
		b.add("stack %s: Resources is %s with %d keys; write an object with 1 to %d", b.stack.Name, describe(section), len(objects), maxResources)
		return
	}
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		object, _ := objects[id].(map[string]any)
		r := &resource{id: id}
		r.kind, _ = object["Type"].(string)
		if _, known := b.kinds[r.kind]; !known {
			b.problem(r, "", fmt.Sprintf("type %q is not modelled by the lab; leave the resource out, or teach shared/lab/stack and shared/lab/live what it does", r.kind))
			continue
		}
		if properties, there := object["Properties"]; there {
			r.properties, ok = properties.(map[string]any)
			if !ok {
				b.problem(r, "Properties", "is "+describe(properties)+"; write an object")
				continue
			}
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			switch key {
			case "Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy":
			default:
				b.problem(r, key, "is no attribute of a resource that the lab models; leave it out")
			}
		}
		for _, on := range dependencies(object["DependsOn"]) {
			if _, there := objects[on]; !there {
				b.problem(r, "DependsOn", fmt.Sprintf("names %q, and the stack has no resource of that logical id", on))
			}
		}
		if r.properties == nil {
			r.properties = map[string]any{}
		}
		b.resources[id] = r
	}
}

// dependencies reads a logical id, or a list of them.
func dependencies(value any) []string {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	list, _ := value.([]any)
	var out []string
	for _, each := range list {
		id, _ := each.(string)
		out = append(out, id)
	}
	return out
}

// outputs reads the outputs. Stacks know of one another by names, so an export is
// an error.
func (b *builder) outputs(section any) {
	objects, _ := section.(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		r := &resource{id: id, kind: "output"}
		object, _ := objects[id].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if key != "Value" && key != "Description" {
				b.problem(r, key, "is not modelled by the lab; use names across stacks")
			}
		}
		value, ok := b.resolve(r, "Value", object["Value"]).(string)
		if !ok {
			b.problem(r, "Value", "is "+describe(object["Value"])+"; write a string")
		}
		b.stack.Outputs[id] = value
	}
}

// Compare orders sites by account and Region.
func (s Site) Compare(other Site) int {
	return cmp.Or(cmp.Compare(s.Account, other.Account), cmp.Compare(s.Region, other.Region))
}
