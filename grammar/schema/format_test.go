package schema

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// maxFormatStates bounds what the automaton of a format may cost where it is used.
const maxFormatStates = 256

// TestFormatSizes makes every format: their definitions are fixed and must be sound.
func TestFormatSizes(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(formats)) {
		members, outside := formats[name].members(), formats[name].outside()
		t.Logf("%-22s %5d states, outside %5d", name, members.States(), outside.States())
		if n := members.States(); n == 0 || n > maxFormatStates && !largeFormats[name] {
			t.Errorf("%s: %d states", name, n)
		}
	}
}

// largeFormats count the characters of a host name or a local part.
var largeFormats = map[string]bool{"email": true, "idn-email": true, "hostname": true, "host-name": true, "idn-hostname": true}

// undecided are the formats of which some valid strings are not members, and how many
// tests of each draft's suite show it at most.
var undecided = map[string]int{
	"date-time": 1, "time": 4, // leap seconds with an offset
	"hostname":     15, // A-labels
	"idn-hostname": 35, // U-labels
	"regex":        6,  // groups within groups, names, look-around
}

// TestFormatSuite runs the format tests of the JSON-Schema-Test-Suite: nothing may be
// accepted wrongly, nor excluded for certain that is valid.
func TestFormatSuite(t *testing.T) {
	root := os.Getenv("CALLAMA_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, "json-schema-test-suite", "tests", "*", "optional", "format", "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no test data")
	}
	total := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var groups []formatGroup
		if err := json.Unmarshal(text, &groups); err != nil {
			t.Fatal(err)
		}
		rejected, name := 0, ""
		for _, g := range groups {
			if f := formatOf(g.Schema.Format); f != nil {
				name = g.Schema.Format
				right, missed := g.check(t, f)
				total += right
				rejected += missed
			}
		}
		if rejected > undecided[name] {
			t.Errorf("%s: %d valid strings are no members", file, rejected)
		}
	}
	t.Logf("%d right", total)
}

// formatGroup is a group of tests of one format.
type formatGroup struct {
	Schema struct{ Format string }
	Tests  []struct {
		Description string
		Data        any
		Valid       bool
	}
}

// check returns how many tests are right and how many valid strings are no members.
func (g *formatGroup) check(t *testing.T, f *format) (right, rejected int) {
	t.Helper()
	members, outside := f.members(), f.outside()
	for _, test := range g.Tests {
		s, ok := test.Data.(string)
		if !ok {
			continue
		}
		in, out := members.Match(s), outside.Match(s)
		switch {
		case in && out:
			t.Errorf("%s: %q is a member and outside", g.Schema.Format, s)
		case in && !test.Valid:
			t.Errorf("%s: %q accepted wrongly: %s", g.Schema.Format, s, test.Description)
		case out && test.Valid:
			t.Errorf("%s: %q excluded wrongly: %s", g.Schema.Format, s, test.Description)
		case in == test.Valid:
			right++
		default:
			rejected++
		}
	}
	return right, rejected
}

// BenchmarkFormats compiles a schema with each format, whose automata are made before.
func BenchmarkFormats(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(formats)) {
		b.Run(name, func(b *testing.B) {
			text := []byte(`{"type":"string","format":"` + name + `"}`)
			for b.Loop() {
				if _, err := CompileText(text, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNumbers compiles numbers whose automata are kept.
func BenchmarkNumbers(b *testing.B) {
	for _, text := range []string{`{"type":"integer"}`, `{"type":"integer","minimum":1,"maximum":65535}`, `{"type":"number","multipleOf":0.01,"minimum":0}`} {
		for _, spelling := range []Spelling{Canonical, AnySpelling} {
			b.Run(text+map[Spelling]string{Canonical: "canonical", AnySpelling: "any"}[spelling], func(b *testing.B) {
				for b.Loop() {
					if _, err := CompileText([]byte(text), Options{Spelling: spelling}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
