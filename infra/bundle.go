package main

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"detour/shared/config"
)

// What a function's asset holds: the binary that Lambda starts, and the
// configuration that it reads beside itself.
const (
	bootstrapFile = "bootstrap"
	detourFile    = "detour.json"
)

// stage checks the binaries of the functions and puts each into a folder of its
// own below into, with the configuration. It returns the folders by the name of
// the function. All problems are told together.
func stage(root, into string, c config.Config, functions []string) (map[string]string, error) {
	normalized, err := c.JSON()
	if err != nil {
		return nil, err
	}
	folders := map[string]string{}
	var problems []error
	for _, function := range functions {
		folder := filepath.Join(into, function)
		folders[function] = folder
		problems = append(problems, stageFunction(root, folder, shortName(function), normalized))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return folders, nil
}

// shortName is a name without what all names begin with. The folders functions/ and
// dist/ call functions so.
func shortName(function string) string { return strings.TrimPrefix(function, "detour-") }

func stageFunction(root, folder, name string, normalized []byte) error {
	shown := path.Join("dist", name, bootstrapFile)
	file := filepath.Join(root, filepath.FromSlash(shown))
	binary, err := os.ReadFile(file) //nolint:gosec // The names are those of the functions.
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist; run make build, which builds the functions", shown)
	} else if err != nil {
		return fmt.Errorf("reading a function: %w", err)
	}
	if err := checkBinary(file, shown, name); err != nil {
		return err
	}
	if err := checkFresh(root, file, shown, name); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("making the asset of %s: %w", name, err)
	}
	// Lambda runs the files as another user than the one who unpacks them.
	if err := os.WriteFile(filepath.Join(folder, bootstrapFile), binary, 0o755); err != nil { //nolint:gosec // Lambda executes it.
		return fmt.Errorf("making the asset of %s: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(folder, detourFile), normalized, 0o644); err != nil { //nolint:gosec // It holds no secret, and Lambda reads it.
		return fmt.Errorf("making the asset of %s: %w", name, err)
	}
	return nil
}

// checkBinary checks that the file is what Lambda runs on arm64, made from the
// function's own main.
func checkBinary(file, shown, name string) error {
	const remedy = "run make build"
	image, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("%s is no program for Linux (%w); %s", shown, err, remedy)
	}
	machine := image.Machine
	_ = image.Close() // It was only read.
	if machine != elf.EM_AARCH64 {
		return fmt.Errorf("%s is built for %s, and Lambda runs it on arm64; %s", shown, machine, remedy)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s was not built by Go (%w); %s", shown, err, remedy)
	}
	for _, setting := range info.Settings {
		if setting.Key == "GOOS" && setting.Value != "linux" {
			return fmt.Errorf("%s is built for %s, and Lambda runs linux; %s", shown, setting.Value, remedy)
		}
	}
	if want := "detour/functions/" + name; info.Path != want {
		return fmt.Errorf("%s is built from %s, not from %s; %s", shown, info.Path, want, remedy)
	}
	return nil
}

// checkFresh finds a source file of the function that was changed after the
// binary was built.
func checkFresh(root, file, shown, name string) error {
	built, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("reading a function: %w", err)
	}
	newest, at, err := newestSource(root, name)
	if err != nil {
		return fmt.Errorf("looking for changed source files: %w", err)
	}
	if at.After(built.ModTime()) {
		return fmt.Errorf("%s is older than %s; run make build", shown, newest)
	}
	return nil
}

// notLinked are the folders below shared that no function is made from.
func notLinked(folder string) bool {
	switch folder {
	case "shared/sim", "shared/lab", "shared/arch", "shared/blueprint", "shared/config/source", "shared/operator":
		return true
	default:
		return path.Base(folder) == "testdata"
	}
}

// newestSource returns the file that was changed last of those that the function
// is made from, with slashes, and when.
func newestSource(root, name string) (newest string, at time.Time, err error) {
	look := func(file string, info fs.FileInfo) {
		if newest == "" || info.ModTime().After(at) {
			newest, at = file, info.ModTime()
		}
	}
	info, err := os.Stat(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", time.Time{}, err
	}
	look("go.mod", info)
	for _, folder := range []string{"functions/" + name, "events", "shared"} {
		err := fs.WalkDir(os.DirFS(root), folder, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && notLinked(file):
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
				return nil
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			look(file, info)
			return nil
		})
		if err != nil {
			return "", time.Time{}, err
		}
	}
	return newest, at, nil
}
