package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestDocumentedCommandsExist: what README.md and the files of docs tell people to
// type is understood, with its flags and arguments. Nothing is run.
func TestDocumentedCommandsExist(t *testing.T) {
	root := rootCommand(streams{})
	root.InitDefaultHelpCmd()
	files := []string{"../../README.md"}
	err := filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	runbooks := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			if strings.Contains(file, "runbook") {
				runbooks++
			}
			if err := understood(root, line.words, line.whole); err != nil {
				t.Errorf("%s: detour %s: %v", strings.TrimPrefix(file, "../../"), strings.Join(line.words, " "), err)
			}
		}
	}
	if runbooks < 40 {
		t.Errorf("the runbooks have %d commands of detour; the test does not find them", runbooks)
	}
}

// TestWrongCommandsAreFound: the test above can fail.
func TestWrongCommandsAreFound(t *testing.T) {
	root := rootCommand(streams{})
	text := "```\ndetour stauts\ndetour freeze\ndetour switch a --to\n$ detour release a --wy \"b c\"\n```\n" +
		"Ask `detour statuss GROUP` or `detour freeze --al`.\n\n    detour explain a b # two\n"
	lines := commandLines(text)
	if len(lines) != 7 {
		t.Fatalf("found %v", lines)
	}
	for _, line := range lines {
		if err := understood(root, line.words, line.whole); err == nil {
			t.Errorf("detour %s is understood", strings.Join(line.words, " "))
		}
	}
	for _, text := range []string{
		"`detour status` and `detour switch GROUP --to-working`, or `detour.yaml`, or `Detour`",
		"```\ndetour config json detour.yaml | jq .\n  detour release a --why 'b c' # d\nDETOUR_TABLE=x detour status \\\n  --check\n```",
	} {
		for _, line := range commandLines(text) {
			if err := understood(root, line.words, line.whole); err != nil {
				t.Errorf("detour %s: %v", strings.Join(line.words, " "), err)
			}
		}
	}
}

// documented is a command in a text. whole says that it stands in a block to be
// typed as it is; within a sentence arguments may be left out.
type documented struct {
	words []string
	whole bool
}

var (
	// A command at the begin of a line, perhaps with a prompt, variables, or run
	// from the source.
	commandLine = regexp.MustCompile(`^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:detour|go run \./cmd/detour|bin/detour) (.*)$`)
	inSentence  = regexp.MustCompile("`(?:detour|go run \\./cmd/detour) ([^`…]+)`")
)

// commandLines returns the commands of a text in Markdown: those in blocks, and
// those in sentences.
func commandLines(text string) []documented {
	var out []documented
	fenced := false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if fenced || strings.HasPrefix(line, "    ") {
			if found := commandLine.FindStringSubmatch(line); found != nil {
				if words := shellWords(found[1]); len(words) > 0 {
					out = append(out, documented{words, true})
				}
			}
			continue
		}
		for _, found := range inSentence.FindAllStringSubmatch(line, -1) {
			out = append(out, documented{shellWords(found[1]), false})
		}
	}
	return out
}

// shellWords splits a line as a shell would, up to a comment, a pipe or whatever
// else ends a command.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, open = r, true
		case r == ' ' || r == '\t':
			end()
		case strings.ContainsRune("|;&>)", r), r == '#' && !open:
			end()
			return words
		default:
			open = true
			word.WriteRune(r)
		}
	}
	end()
	return words
}

// understood looks a command up and parses its flags, and if it is whole checks its
// arguments too. The commands of root are as they were afterwards.
func understood(root *cobra.Command, words []string, whole bool) error {
	cmd, args, err := root.Find(words)
	if err != nil {
		return err
	}
	if cmd == root && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return errors.New("there is no such command")
	}
	cmd.InitDefaultHelpFlag()
	defer cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if list, ok := f.Value.(pflag.SliceValue); ok {
			_ = list.Replace(nil)
		} else if f.Changed {
			_ = f.Value.Set(f.DefValue) // A default can be set.
		}
		f.Changed = false
	})
	if err := cmd.ParseFlags(args); err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
		return errors.New("there is no such command below " + cmd.CommandPath())
	}
	if !whole {
		return nil
	}
	return validate(cmd)
}

func validate(cmd *cobra.Command) error {
	if err := cmd.ValidateRequiredFlags(); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
