package jinja

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama/internal/ojson"
)

// renderCase is one rendering for the oracle.
type renderCase struct {
	Name      string          `json:"-"`
	Template  string          `json:"template"`
	Variables json.RawMessage `json:"variables"`
}

type renderResult struct {
	Text  *string `json:"text"`
	Error string  `json:"error"`
}

// jinja2 renders the cases with the original, or skips the test where it is not installed.
func jinja2(t *testing.T, cases []renderCase) []renderResult {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: nothing to compare with")
	}
	if err := exec.CommandContext(t.Context(), python, "-c", "import jinja2").Run(); err != nil {
		t.Skip("python3 has no jinja2: nothing to compare with")
	}
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/render.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []renderResult
	if err := json.Unmarshal(output, &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != len(cases) {
		t.Fatalf("%d results for %d cases", len(results), len(cases))
	}
	return results
}

// renderJSON renders with variables given as JSON, and the oracle's clock.
func renderJSON(template string, variables []byte) (string, error) {
	parsed, err := Parse(template, Limits{})
	if err != nil {
		return "", err
	}
	v, err := ojson.Parse(variables)
	if err != nil {
		return "", err
	}
	vars := map[string]any{"strftime_now": NewFunc("strftime_now", func(args ...any) (any, error) {
		layout := strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%B", "January", "%b", "Jan", "%H", "15", "%M", "04", "%S", "05", "%A", "Monday").Replace(args[0].(string))
		return time.Date(2026, 3, 7, 5, 4, 9, 0, time.UTC).Format(layout), nil
	})}
	for _, m := range v.Members {
		vars[m.Name] = m.Value
	}
	return parsed.Render(vars)
}

// markupTemplates print tool descriptions through "safe" and "+". Jinja2's Markup then
// escapes HTML in what is added, by accident and against the prompts that the model was
// trained on; here "safe" does nothing.
var markupTemplates = []string{"meetkai-functionary-medium-v3.1"}

// generatorTemplates print the result of map(…) as JSON. Jinja2 refuses, because it is a
// generator; here it is a list, as the template's author meant.
var generatorTemplates = []string{"llama-cpp-deepseek-r1"}

// compareWithJinja2 checks that both render the same, or both fail.
func compareWithJinja2(t *testing.T, cases []renderCase) {
	t.Helper()
	rendered, refused := 0, 0
	for i, want := range jinja2(t, cases) {
		c := cases[i]
		template, _, _ := strings.Cut(c.Name, "/")
		got, err := renderJSON(c.Template, c.Variables)
		if want.Text != nil && slices.Contains(markupTemplates, template) {
			*want.Text = html.UnescapeString(*want.Text)
		}
		switch {
		case want.Text == nil && err == nil:
			if !slices.Contains(generatorTemplates, template) || !strings.Contains(want.Error, "generator is not JSON") {
				t.Errorf("%s: got %q, Jinja2 says %s", c.Name, got, want.Error)
			}
		case want.Text == nil:
			refused++
			var raised *RaisedError
			if strings.HasPrefix(want.Error, "TemplateError") != errors.As(err, &raised) {
				t.Errorf("%s: got error %v, Jinja2 says %s", c.Name, err, want.Error)
			}
		case err != nil:
			t.Errorf("%s: %v\nJinja2 says %q", c.Name, err, *want.Text)
		case got != *want.Text:
			at := 0
			for at < min(len(got), len(*want.Text)) && got[at] == (*want.Text)[at] {
				at++
			}
			from := max(at-80, 0)
			t.Errorf("%s: differs at byte %d\n   got %q\njinja2 %q", c.Name, at, got[from:min(at+120, len(got))], (*want.Text)[from:min(at+120, len(*want.Text))])
		default:
			rendered++
		}
	}
	t.Logf("%d cases render alike, %d are refused alike", rendered, refused)
}

// TestChatTemplates renders every collected chat template with every conversation of
// testdata/conversations.json and compares with Jinja2.
func TestChatTemplates(t *testing.T) {
	dir := os.Getenv("CALLAMA_TESTDATA")
	if dir == "" {
		dir = "../shared/data"
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("../../..", dir)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "chat-templates", "*.jinja"))
	if len(files) == 0 {
		t.Skip("no chat templates (set CALLAMA_TESTDATA)")
	}
	data, err := os.ReadFile("testdata/conversations.json")
	if err != nil {
		t.Fatal(err)
	}
	var conversations []struct {
		Name      string
		Variables json.RawMessage
	}
	if err := json.Unmarshal(data, &conversations); err != nil {
		t.Fatal(err)
	}
	var cases []renderCase
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range conversations {
			name := strings.TrimSuffix(filepath.Base(file), ".jinja") + "/" + c.Name
			cases = append(cases, renderCase{name, string(source), c.Variables})
		}
	}
	compareWithJinja2(t, cases)
}
