package jinja

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/snippets.json with what Jinja2 says")

// snippet is a small template of one or a few features, and what Jinja2 makes of it: a
// text, or an error (whose words are Jinja2's, not ours).
type snippet struct {
	Template string  `json:"template"`
	Text     *string `json:"text,omitempty"`
	Error    string  `json:"error,omitempty"`
}

func readSnippets(t testing.TB) []snippet {
	t.Helper()
	data, err := os.ReadFile("testdata/snippets.json")
	if err != nil {
		t.Fatal(err)
	}
	var snippets []snippet
	if err := json.Unmarshal(data, &snippets); err != nil {
		t.Fatal(err)
	}
	return snippets
}

func TestSnippets(t *testing.T) {
	for _, s := range readSnippets(t) {
		got, err := renderJSON(s.Template, []byte("{}"))
		switch {
		case s.Text == nil && err == nil:
			t.Errorf("%s: got %q, want an error like %s", s.Template, got, s.Error)
		case s.Text != nil && err != nil:
			t.Errorf("%s: %v, want %q", s.Template, err, *s.Text)
		case s.Text != nil && got != *s.Text:
			t.Errorf("%s:\n got %q\nwant %q", s.Template, got, *s.Text)
		}
	}
}

// TestSnippetsAgainstJinja2 checks that testdata/snippets.json holds what Jinja2 says.
func TestSnippetsAgainstJinja2(t *testing.T) {
	snippets := readSnippets(t)
	var cases []renderCase
	for _, s := range snippets {
		cases = append(cases, renderCase{Name: strings.ReplaceAll(s.Template, "/", "∕"), Template: s.Template, Variables: json.RawMessage("{}")})
	}
	if !*update {
		compareWithJinja2(t, cases)
		return
	}
	for i, want := range jinja2(t, cases) {
		snippets[i].Text, snippets[i].Error = want.Text, want.Error
	}
	data, err := json.MarshalIndent(snippets, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/snippets.json", append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
