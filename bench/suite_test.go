package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/schema"
)

// suiteTexts is a small suite with a test for each verdict.
var suiteTexts = map[string]string{
	"tests/draft7/type.json": `[{"description":"integer","schema":{"type":"integer"},"tests":[
		{"description":"one","data":1,"valid":true},{"description":"text","data":"x","valid":false},
		{"description":"planted fault","data":2,"valid":false},{"description":"another","data":"y","valid":true}]},
		{"description":"nothing","schema":false,"tests":[{"description":"any","data":1,"valid":false}]}]`,
	"tests/draft7/pattern.json":        `[{"description":"broken","schema":{"type":"string","pattern":"("},"tests":[{"description":"x","data":"x","valid":true}]}]`,
	"tests/draft7/optional/extra.json": `[{"description":"e","schema":true,"tests":[{"description":"any","data":{"a":[1, 2]},"valid":true}]}]`,
	"tests/draft4/exclusiveMinimum.json": `[{"description":"boolean","schema":{"type":"integer","minimum":3,"exclusiveMinimum":true},"tests":[
		{"description":"bound","data":3,"valid":false},{"description":"above","data":4,"valid":true}]}]`,
}

func writeSuite(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range suiteTexts {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSuite(t *testing.T) {
	dir := writeSuite(t)
	rep, err := Suite(t.Context(), SuiteConfig{Dir: dir, Drafts: []string{"draft7", "draft4"}, Optional: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rep.Drafts[0].Required, (SuiteTally{Right: 3, Accepted: 1, Rejected: 1, Refused: 1}); got != want {
		t.Errorf("draft7: %+v, want %+v", got, want)
	}
	if got, want := rep.Drafts[0].Optional, (SuiteTally{Right: 1}); got != want {
		t.Errorf("draft7 optional: %+v, want %+v", got, want)
	}
	if got, want := rep.Drafts[1].Required, (SuiteTally{Right: 2}); got != want {
		t.Errorf("draft4: %+v, want %+v; is its own meaning of exclusiveMinimum known?", got, want)
	}
	if rep.Failures() != 2 || rep.Wrong[0].Test != "planted fault" || rep.Wrong[0].Instance != "2" || len(rep.Reasons) != 1 {
		t.Errorf("wrong %+v, reasons %+v", rep.Wrong, rep.Reasons)
	}
	if words := rep.Keywords(); len(words) != 4 || words[3].Name != "type.json" || words[3].Tests() != 5 || words[3].Wrong() != 2 {
		t.Errorf("keywords %+v", words)
	}
	var out strings.Builder
	if err := rep.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| draft7 optional ", "accepted wrongly:\n  draft7/type.json: integer: planted fault\n      2 under {\"type\":\"integer\"}\n", "reasons of refusal:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if text, err := json.Marshal(rep); err != nil || !strings.Contains(string(text), `"accepted_wrongly":1`) {
		t.Errorf("json: %v: %s", err, text)
	}
	// The folder itself will do, and required tests alone are the default.
	rep, err = Suite(t.Context(), SuiteConfig{Dir: filepath.Join(dir, "tests"), Drafts: []string{"draft7"}, Schema: schema.Options{Order: schema.SchemaOrder}})
	if err != nil || rep.Drafts[0].Optional.Tests() != 0 || rep.Order != "schema" {
		t.Errorf("%v: %+v", err, rep)
	}
}

func TestSuiteErrors(t *testing.T) {
	dir := writeSuite(t)
	for _, c := range []struct {
		name string
		cfg  SuiteConfig
		want string
	}{
		{"unknown draft", SuiteConfig{Dir: dir, Drafts: []string{"draft3"}}, `draft "draft3" is not known`},
		{"absent draft", SuiteConfig{Dir: dir, Drafts: []string{"draft6"}}, "no tests in"},
		{"broken file", SuiteConfig{Dir: func() string {
			dir := writeSuite(t)
			if err := os.WriteFile(filepath.Join(dir, "tests", "draft7", "a.json"), []byte(`[{}]`), 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}(), Drafts: []string{"draft7"}}, `group 0: want "description", "schema" and "tests"`},
	} {
		if _, err := Suite(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCompileSafely(t *testing.T) {
	if _, crash, err := compileSafely([]byte(`true`), schema.Options{}, nil); crash == "" || err != nil {
		t.Errorf("no vocabulary: crash %q, %v", crash, err)
	}
}
