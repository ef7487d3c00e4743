package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

// testdata returns a path in the shared test data (CALLAMA_TESTDATA, default ../shared/data
// beside the repository), or skips the test.
func testdata(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v", err)
	}
	return path
}

// spelled prints a value as the compiler spells it without white space. Numbers stay as
// they are written unless plain: then integers lose their fraction.
func spelled(v *ojson.Value, plain bool) string {
	switch v.Kind {
	case ojson.Bool:
		return fmt.Sprint(v.Bool)
	case ojson.Number:
		if r, ok := new(big.Rat).SetString(v.Text); ok && plain && r.IsInt() {
			return r.Num().String()
		}
		return v.Text
	case ojson.String:
		return regex.Quote(v.Text)
	case ojson.Array:
		parts := make([]string, len(v.Items))
		for i, item := range v.Items {
			parts[i] = spelled(item, plain)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case ojson.Object:
		parts := make([]string, len(v.Members))
		for i, m := range v.Members {
			parts[i] = regex.Quote(m.Name) + ":" + spelled(m.Value, plain)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return "null"
}

// suiteGroup is one group of the JSON-Schema-Test-Suite.
type suiteGroup struct {
	Description string
	Schema      json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// rejectedFor are the tests whose valid instance is rejected, and the reason. Any other
// rejection is an error.
var rejectedFor = map[string]string{
	"schema that uses custom metaschema with with no validation vocabulary/no validation: invalid number, but it still validates": "keywords hold under unknown meta-schemas",
}

// rightTests is how many tests of each draft must be right at least.
var rightTests = map[string]int{"draft2020-12": 1291, "draft2019-09": 1251, "draft7": 922, "draft6": 834, "draft4": 613}

// TestSuite runs the JSON-Schema-Test-Suite in any spelling: nothing may be accepted
// wrongly.
func TestSuite(t *testing.T) {
	root := testdata(t, "json-schema-test-suite", "tests")
	documents := remotes(t)
	for draft := range rightTests {
		t.Run(draft, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(root, draft, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			var right int
			refused, rejected := make(map[string]int), make(map[string]int)
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var groups []suiteGroup
				if err := json.Unmarshal(text, &groups); err != nil {
					t.Fatal(err)
				}
				for _, group := range groups {
					right += runGroup(t, draft, documents, group, refused, rejected)
				}
			}
			t.Logf("%s: %d right, %d refused, 0 accepted wrongly, %d rejected wrongly", draft, right, total(refused), total(rejected))
			if right < rightTests[draft] {
				t.Errorf("%d tests right, %d were before", right, rightTests[draft])
			}
			for _, reason := range slices.Sorted(maps.Keys(refused)) {
				t.Logf("  refused:  %4d %s", refused[reason], reason)
			}
			for _, reason := range slices.Sorted(maps.Keys(rejected)) {
				t.Logf("  rejected: %4d %s", rejected[reason], reason)
			}
		})
	}
}

// remotes returns the documents that the suite expects at its server's address.
func remotes(t *testing.T) map[string]*ojson.Value {
	root := testdata(t, "json-schema-test-suite", "remotes")
	out := make(map[string]*ojson.Value)
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		v, err := ojson.Parse(text)
		out["http://localhost:1234/"+filepath.ToSlash(name)] = v
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func total(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// runGroup returns how many tests are right and counts the others by reason.
func runGroup(t *testing.T, draft string, documents map[string]*ojson.Value, group suiteGroup, refused, rejected map[string]int) (right int) {
	text := string(group.Schema)
	if number, old := strings.CutPrefix(draft, "draft"); old && len(number) == 1 && text[0] == '{' && !strings.Contains(text, `"$schema"`) {
		text = fmt.Sprintf(`{"$schema":"http://json-schema.org/draft-0%s/schema#",%s`, number, text[1:])
		text = regexp.MustCompile(`,\s*}$`).ReplaceAllString(text, "}")
	}
	g, err := schema.CompileText([]byte(text), schema.Options{Documents: documents, Spelling: schema.AnySpelling, Formats: schema.AnnotateFormats})
	var e *schema.Error
	switch {
	case errors.Is(err, schema.ErrUnsatisfiable):
		g = nothing()
	case errors.As(err, &e):
		refused[fmt.Sprintf("%v: %s", e.Code, e.Keyword)] += len(group.Tests)
		return 0
	case err != nil:
		t.Fatal(err)
	}
	for _, test := range group.Tests {
		v, err := ojson.Parse(test.Data)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s/%s", group.Description, test.Description)
		switch accepted := ruletest.Accepts(g, spelled(v, false)); {
		case accepted == test.Valid:
			right++
		case accepted:
			t.Errorf("accepted wrongly: %s: %s under %s", name, spelled(v, false), group.Schema)
		case rejectedFor[name] != "":
			rejected[rejectedFor[name]]++
		default:
			t.Errorf("rejected wrongly: %s: %s under %s", name, spelled(v, false), group.Schema)
		}
	}
	return right
}

// nothing is the grammar of an unsatisfiable schema.
func nothing() *gbnf.Grammar {
	b := gbnf.NewBuilder()
	return b.Grammar(b.Add("root", gbnf.OneOf()).Rule)
}
