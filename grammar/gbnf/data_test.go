package gbnf

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testData returns a folder of the test data, which is kept beside the repository.
func testData(t testing.TB, sub string) string {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	dir := filepath.Join(root, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no test data (%v); CALLAMA_TESTDATA names its folder", err)
	}
	return dir
}

// jsonArray is the grammar that function calling with GBNF commonly starts from.
const jsonArray = `root   ::= arr
value  ::= object | array | string | number | ("true" | "false" | "null") ws
arr  ::=
  "[\n" ws (
            value
    (",\n" ws value)*
  )? "]"
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::=
  "[" ws (
            value
    ("," ws value)*
  )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F]) # escapes
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]*)) ("." [0-9]+)? ([eE] [-+]? [0-9]+)? ws
# Optional space: by convention, applied in this grammar after literal chars when allowed
ws ::= ([ \t\n] ws)?
`

func TestJSONArray(t *testing.T) {
	g := mustParse(t, jsonArray)
	for text, want := range map[string]bool{
		"[\n]": true, "[\n1,\n \"a\\n\"]": true, "[\n{\"a\": [true , null]}]": true,
		"[]": false, "[\n1,]": false, "[\n01]": false, "[\n\"\n\"]": false,
	} {
		if got := accepts(g, text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	back := mustParse(t, g.String())
	if again := back.String(); again != g.String() {
		t.Errorf("not stable:\n%s\nthen\n%s", g, again)
	}
}

// TestCollectedGrammars reads every grammar of the collections and holds that it prints
// and reads back. Each file must be readable: a refusal would need its reason here.
func TestCollectedGrammars(t *testing.T) {
	dir := testData(t, "gbnf")
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || ext != ".gbnf" && ext != ".ebnf" {
			return err
		}
		files++
		name, _ := filepath.Rel(dir, path)
		t.Run(strings.ReplaceAll(name, string(filepath.Separator), "_"), func(t *testing.T) { checkCollected(t, path) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 30 {
		t.Errorf("%d grammars in %s, want at least 30", files, dir)
	}
}

func checkCollected(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(g); err != nil {
		t.Fatal(err)
	}
	printed := g.String()
	back, err := Parse(printed)
	if err != nil {
		t.Fatalf("printed text: %v\n%s", err, printed)
	}
	if again := back.String(); again != printed {
		t.Errorf("not stable:\n%s\nthen\n%s", printed, again)
	}
	if why := llamaRefuses(back); why != "" {
		t.Errorf("llama.cpp would refuse %s in\n%s", why, printed)
	}
}
