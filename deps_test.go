package callama_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const modulePath = "github.com/callama/callama"

// allowedImports is the direction of the house: for each package (the key is its folder),
// which packages of ours it may import outside of tests. "x/..." is x and all below it.
// A package that is not listed is an error: new rooms get their place here.
var allowedImports = map[string][]string{
	".":                          {"engine", "chat", "grammar/...", "sampler", "gguf", "internal/ojson"},
	"grammar":                    {"grammar/..."},
	"grammar/gbnf":               {},
	"grammar/vocab":              {"internal/texts"},
	"grammar/regex":              {"grammar/gbnf"},
	"grammar/schema":             {"grammar/gbnf", "grammar/regex", "internal/ojson", "internal/slab"},
	"grammar/schema/ruletest":    {"grammar/gbnf"},
	"grammar/explain":            {"grammar", "grammar/gbnf", "grammar/schema", "grammar/vocab", "internal/ojson"},
	"grammar/internal/automaton": {"grammar/gbnf", "grammar/regex", "grammar/vocab", "internal/slab"},
	"grammar/internal/jsonscan":  {},
	"grammar/internal/mask":      {"grammar/internal/automaton", "grammar/internal/jsonscan", "grammar/vocab", "internal/slab"},
	"sampler":                    {"grammar/vocab"},
	"engine":                     {"grammar", "grammar/vocab", "sampler", "cuda", "engine/llama", "engine/runtimes", "gguf"},
	"engine/llama":               {},
	"engine/runtimes":            {"cuda"},
	"cuda":                       {},
	"gguf":                       {"gguf/bpe", "internal/texts"},
	"gguf/bpe":                   {},
	"gguf/builtin":               {},
	"chat":                       {"grammar/...", "chat/internal/...", "internal/ojson"},
	"chat/internal/jinja":        {"internal/ojson"},
	"server":                     {".", "engine", "chat", "grammar/...", "internal/ojson"},
	"bench":                      {".", "bench/bfcl", "engine", "engine/runtimes", "chat", "grammar/...", "sampler", "gguf", "cuda", "internal/ojson", "internal/printable"},
	"bench/bfcl":                 {"chat", "grammar/schema", "internal/ojson"},
	"demo":                       {"chat", "internal/ojson"},
	"train/corpus":               {"grammar", "grammar/gbnf", "grammar/schema", "grammar/vocab", "chat", "internal/inorder", "internal/ojson"},
	"train/tokenizer":            {"chat", "gguf", "gguf/bpe", "train/corpus"},
	"cmd/callama":                {"..."},
	"internal/inorder":           {},
	"internal/ojson":             {"internal/slab"},
	"internal/printable":         {},
	"internal/slab":              {},
	"internal/texts":             {},
}

// embedded are the packages that stand on the standard library alone: a program that
// embeds the grammar engine takes on nothing else with it.
var embedded = []string{"grammar", "grammar/gbnf", "grammar/vocab", "grammar/regex", "grammar/schema",
	"grammar/explain", "grammar/internal/automaton", "grammar/internal/jsonscan", "grammar/internal/mask", "sampler", "gguf", "gguf/bpe", "gguf/builtin", "internal/inorder", "internal/ojson", "internal/printable", "internal/slab", "internal/texts"}

// pureGo are the packages that build with CGO_ENABLED=0, with all that they import.
var pureGo = []string{"grammar", "grammar/gbnf", "grammar/vocab", "grammar/regex", "grammar/schema",
	"grammar/explain", "sampler", "chat", "gguf", "gguf/bpe", "gguf/builtin", "demo", "bench/bfcl", "cuda", "engine/runtimes", "internal/inorder", "internal/ojson", "internal/printable", "internal/slab", "internal/texts"}

// cgoPackage is the only package that may import "C".
const cgoPackage = "engine/llama"

// unsafePackages are those that may import "unsafe" outside of tests.
var unsafePackages = []string{cgoPackage, "cuda"}

// forbiddenNames say nothing about what is inside.
var forbiddenNames = []string{"util", "utils", "common", "base", "types", "helper", "helpers", "misc", "shared", "lib"}

// maxFileLines bounds a source file: what is longer holds two things.
const maxFileLines = 600

func TestArchitecture(t *testing.T) {
	packages, err := readPackages(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 10 {
		t.Fatalf("only %d packages found", len(packages))
	}
	for _, fault := range packages.faults() {
		t.Error(fault)
	}
}

// TestArchitectureFindsFaults plants one fault of each kind.
func TestArchitectureFindsFaults(t *testing.T) {
	file := func(pkg string, imports ...string) *fstest.MapFile {
		var sb strings.Builder
		fmt.Fprintln(&sb, "package", pkg)
		for _, imp := range imports {
			fmt.Fprintf(&sb, "import %q\n", strings.Replace(imp, "@", modulePath, 1))
		}
		return &fstest.MapFile{Data: []byte(sb.String())}
	}
	long := file("gguf")
	long.Data = append(long.Data, bytes.Repeat([]byte("// line\n"), maxFileLines)...)
	packages, err := readPackages(fstest.MapFS{
		"callama.go":              file("callama", "@/engine", "@/server"),
		"sampler/sampler.go":      file("sampler", "@/grammar/vocab", "@/engine"),
		"sampler/unsafe.go":       file("sampler", "unsafe"),
		"sampler/sampler_test.go": file("sampler", "@/engine", "unsafe"), // tests may
		"grammar/c.go":            file("grammar", "C"),
		"grammar/dep.go":          file("grammar", "example.org/dep"),
		"chat/chat.go":            file("chat", "@/grammar"),
		"engine/engine.go":        file("engine", "@/engine/llama"),
		"engine/llama/llama.go":   file("llama", "C", "unsafe"),
		"server/server.go":        file("server", "@", "@/chat"),
		"attic/attic.go":          file("attic"),
		"gguf/long.go":            long,
		"cuda/common/common.go":   file("common"),
		"gguf/testdata/x/x.go":    file("util", "C"), // not part of the build
		".hidden/x.go":            file("util", "C"), // nor this
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`.: imports server, which the table does not allow`,
		`attic: not in the table of allowed imports`,
		`chat: must build without cgo, but imports grammar, which imports "C"`,
		`cuda/common: not in the table of allowed imports`,
		`cuda/common: the name "common" says nothing`,
		`gguf/long.go: 601 lines, more than 600`,
		`grammar/c.go: imports "C", which only engine/llama may`,
		`grammar/dep.go: imports example.org/dep: the package stands on the standard library alone`,
		`grammar: must build without cgo, but imports "C"`,
		`sampler/unsafe.go: imports "unsafe", which only engine/llama, cuda may`,
		`sampler: imports engine, which the table does not allow`,
		`sampler: must build without cgo, but imports engine, which imports engine/llama, which imports "C"`,
	}
	if got := packages.faults(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sourceFile is one file outside of tests.
type sourceFile struct {
	path    string
	lines   int
	imports []string // ours as folders ("." is the root), others as they are
}

// house holds the packages of the module by folder, each with its files.
type house map[string][]sourceFile

// readPackages parses the imports of every Go file that the go command would see, for
// any build tags.
func readPackages(tree fs.FS) (house, error) {
	h := make(house)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := path.Base(name); base != "." && (strings.ContainsAny(base[:1], "._") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := readSource(tree, name)
		h[path.Dir(name)] = append(h[path.Dir(name)], file)
		return err
	})
	return h, err
}

func readSource(tree fs.FS, name string) (sourceFile, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return sourceFile{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
	if err != nil {
		return sourceFile{}, err
	}
	file := sourceFile{path: name, lines: bytes.Count(text, []byte("\n"))}
	for _, spec := range parsed.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return sourceFile{}, err
		}
		if imp == modulePath {
			imp = "."
		}
		file.imports = append(file.imports, strings.TrimPrefix(imp, modulePath+"/"))
	}
	return file, nil
}

// faults returns what is wrong, sorted.
func (h house) faults() []string {
	found := make(map[string]bool)
	report := func(format string, args ...any) { found[fmt.Sprintf(format, args...)] = true }
	for dir, files := range h {
		allowed, listed := allowedImports[dir]
		if !listed {
			report("%s: not in the table of allowed imports", dir)
		}
		if base := path.Base(dir); slices.Contains(forbiddenNames, base) {
			report("%s: the name %q says nothing", dir, base)
		}
		for _, file := range files {
			h.fileFaults(dir, file, report)
			for _, imp := range file.imports {
				if _, ours := h[imp]; (ours || allowedImports[imp] != nil) && listed && !matches(imp, allowed) {
					report("%s: imports %s, which the table does not allow", dir, imp)
				}
			}
		}
	}
	for _, dir := range pureGo {
		if chain := h.cgoChain(dir, make(map[string]bool)); chain != "" {
			report("%s: must build without cgo, but %s", dir, chain)
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// fileFaults reports what is wrong with one file by itself.
func (h house) fileFaults(dir string, file sourceFile, report func(string, ...any)) {
	if file.lines > maxFileLines {
		report("%s: %d lines, more than %d", file.path, file.lines, maxFileLines)
	}
	for _, imp := range file.imports {
		first, _, _ := strings.Cut(imp, "/")
		switch {
		case imp == "C" && dir != cgoPackage:
			report("%s: imports \"C\", which only %s may", file.path, cgoPackage)
		case imp == "unsafe" && !slices.Contains(unsafePackages, dir):
			report("%s: imports \"unsafe\", which only %s may", file.path, strings.Join(unsafePackages, ", "))
		case strings.Contains(first, ".") && first != "." && slices.Contains(embedded, dir):
			report("%s: imports %s: the package stands on the standard library alone", file.path, imp)
		}
	}
}

// cgoChain tells how a package comes to need cgo, "" if it does not.
func (h house) cgoChain(dir string, seen map[string]bool) string {
	if seen[dir] {
		return ""
	}
	seen[dir] = true
	for _, file := range h[dir] {
		if slices.Contains(file.imports, "C") {
			return `imports "C"`
		}
	}
	for _, file := range h[dir] {
		for _, imp := range file.imports {
			if chain := h.cgoChain(imp, seen); chain != "" {
				return "imports " + imp + ", which " + chain
			}
		}
	}
	return ""
}

// matches reports whether a folder is one of the patterns.
func matches(dir string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		under, all := strings.CutSuffix(pattern, "...")
		return dir == pattern || all && (under == "" || dir+"/" == under || strings.HasPrefix(dir, under))
	})
}
