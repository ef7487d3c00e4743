package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
)

// builtinVocabulary is the small vocabulary that needs no file, taken through GGUF.
func builtinVocabulary(t testing.TB) *Vocabulary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "builtin.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{VocabOnly: true}); err != nil {
		t.Fatal(err)
	}
	v, err := OpenVocabulary(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// maskFiles are tests in MaskBench's format and what must become of them.
var maskFiles = []struct {
	name, text string
	want       Status
	masks      bool
}{
	{"A---right.json", `{"schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},
	  "tests":[{"valid":true,"data":{"a":1}},{"valid":false,"data":{"a":"x"}},{"valid":false,"data":{}},{"valid":false,"data":{"a":1,"b":2}}]}`, Passed, true},
	{"A---order.json", `{"schema":{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false},"tests":[{"valid":true,"data":{"b":1,"a":[true, null]}}]}`, Passed, true},
	{"A---refused.json", `{"schema":{"type":"object","patternProperties":{"(":{}}},"tests":[{"valid":true,"data":{}}]}`, Refused, false},
	{"A---rejected.json", `{"schema":{"type":"integer"},"tests":[{"valid":true,"data":"x"}]}`, ValidRejected, true},
	{"B---accepted.json", `{"schema":{"type":"integer"},"tests":[{"valid":true,"data":"x"},{"valid":false,"data":1}]}`, InvalidAccepted, true},
	{"B---unended.json", `{"schema":{"type":"integer"},"tests":[{"valid":false,"data":{}}]}`, Passed, true},
	{"B---broken.json", `{"schema":`, Unreadable, false},
	{"B---form.json", `{"schema":{},"tests":[{"data":1}]}`, Unreadable, false},
	{"BFCL_x_1.json", `{"schema":{"type":"string"},"tests":[{"valid":true,"data":"a b"}]}`, Passed, true},
}

func writeMaskFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, f := range maskFiles {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMasks(t *testing.T) {
	files, err := MaskFiles(writeMaskFiles(t), 1, 1)
	if err != nil || len(files) != len(maskFiles) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var table bytes.Buffer
	w, err := NewRowWriter(&table)
	if err != nil {
		t.Fatal(err)
	}
	var rows []FileRow
	var progress []int
	rep, err := Masks(t.Context(), MaskConfig{Vocabulary: builtinVocabulary(t), Files: files, Schema: schema.Options{Whitespace: schema.Model},
		Row: func(row FileRow) error { rows = append(rows, row); return w.Write(row) }, Progress: func(done, total int) { progress = append(progress, done*100+total) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range maskFiles {
		i := slices.IndexFunc(rows, func(r FileRow) bool { return r.File == f.name })
		if i < 0 {
			t.Errorf("%s: no row", f.name)
			continue
		}
		row := rows[i]
		if row.Status != f.want || (row.Masks > 0) != f.masks {
			t.Errorf("%s: %s with %d masks, want %s (%+v)", f.name, row.Status, row.Masks, f.want, row)
		}
	}
	if len(progress) != len(files) || progress[0] != 100+len(files) {
		t.Errorf("progress %v", progress)
	}
	if lines, err := csv.NewReader(&table).ReadAll(); err != nil || len(lines) != len(files)+1 {
		t.Errorf("%d lines of CSV, %v", len(lines), err)
	}
	checkMaskReport(t, rep, rows)
}

func checkMaskReport(t *testing.T, rep *MaskReport, rows []FileRow) {
	t.Helper()
	var masks, nodes int
	for _, row := range rows {
		masks += row.Masks
		nodes += int(row.Work.Nodes)
	}
	if int(rep.All.TBM.N()) != masks || int(rep.All.Nodes) != nodes || masks == 0 || nodes == 0 {
		t.Errorf("%d masks and %d nodes in all, the rows have %d and %d", rep.All.TBM.N(), rep.All.Nodes, masks, nodes)
	}
	if rep.All.Again.N() != rep.All.TBM.N() || rep.All.WarmAllocs > rep.All.ColdAllocs {
		t.Errorf("again %d of %d masks, %d allocations after %d", rep.All.Again.N(), rep.All.TBM.N(), rep.All.WarmAllocs, rep.All.ColdAllocs)
	}
	if rep.All.TTFM.N() != 6 || rep.Calls.Files != 1 || len(rep.Sets) != 3 || rep.Sets[0].Name != "A" || rep.Sets[2].Name != "BFCL" {
		t.Errorf("%d compiled, %d function calls, sets %v", rep.All.TTFM.N(), rep.Calls.Files, rep.Sets)
	}
	if want := rep.All.Files - rep.All.Statuses[Passed] - rep.All.Statuses[Refused]; len(rep.Wrong) != want {
		t.Errorf("%d rows of files that are wrong, want %d", len(rep.Wrong), want)
	}
	if len(rep.Reasons) != 1 || rep.Reasons[0].Count != 1 || rep.Reasons[0].Messages[0].Example != "A---refused.json" {
		t.Errorf("reasons %+v", rep.Reasons)
	}
	if !slices.IsSortedFunc(rep.SlowMasks, func(a, b SlowMask) int { return int(b.Time - a.Time) }) || len(rep.SlowMasks) == 0 {
		t.Errorf("slow masks %v", rep.SlowMasks)
	}
	var out strings.Builder
	if err := rep.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| TBM p99.9 ", "| passed ", "B---accepted.json: test 1 is invalid but accepted", "A---rejected.json: test 0 is valid but refused at token 0", "calibration: ", "memory: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if text, err := json.Marshal(rep); err != nil || !json.Valid(text) || !strings.Contains(string(text), `"p99.9_ns"`) {
		t.Errorf("json: %v: %s", err, text)
	}
}

func TestMasksTimeout(t *testing.T) {
	files, err := MaskFiles(writeMaskFiles(t), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Masks(t.Context(), MaskConfig{Vocabulary: builtinVocabulary(t), Files: files[:1], Schema: schema.Options{Whitespace: schema.Model}, Timeout: 1})
	if err != nil {
		t.Fatal(err)
	}
	if row := rep.Wrong[0]; row.Status != TimedOut || !strings.HasPrefix(row.Wrong, "after 1ns: ") || rep.Hung != 0 {
		t.Errorf("%+v, %d hung", row, rep.Hung)
	}
}

// TestMasksCrash has every file panic, for want of an encoder.
func TestMasksCrash(t *testing.T) {
	files, err := MaskFiles(writeMaskFiles(t), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	v := builtinVocabulary(t)
	v.Encoder = nil
	rep, err := Masks(t.Context(), MaskConfig{Vocabulary: v, Files: files[:2], Schema: schema.Options{Whitespace: schema.Model}})
	if err != nil || rep.All.Statuses[Crashed] != 2 || !strings.HasPrefix(rep.Wrong[0].Wrong, "reading the file: panic: ") {
		t.Errorf("%v: %+v", err, rep.Wrong)
	}
}

func TestMasksEndsEarly(t *testing.T) {
	files, err := MaskFiles(writeMaskFiles(t), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg := MaskConfig{Vocabulary: builtinVocabulary(t), Files: files, Schema: schema.Options{Whitespace: schema.Model}}
	cfg.Progress = func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}
	if rep, err := Masks(ctx, cfg); !errors.Is(err, context.Canceled) || rep.All.Files != 2 {
		t.Errorf("%v, %d files", err, rep.All.Files)
	}
	full := errors.New("disk full")
	cfg.Row = func(FileRow) error { return full }
	if rep, err := Masks(t.Context(), cfg); !errors.Is(err, full) || rep.All.Files != 1 {
		t.Errorf("%v, %d files", err, rep.All.Files)
	}
	cfg.Schema.Whitespace = schema.Compact
	if _, err := Masks(t.Context(), cfg); err == nil {
		t.Error("compact rules were taken")
	}
}

func TestMaskFiles(t *testing.T) {
	dir := writeMaskFiles(t)
	var union []string
	for i := range 3 {
		part, err := MaskFiles(dir, i+1, 3)
		if err != nil || len(part) != 3 {
			t.Fatalf("shard %d: %v, %v", i+1, part, err)
		}
		union = append(union, part...)
	}
	slices.Sort(union)
	if all, err := MaskFiles(dir, 1, 1); err != nil || !slices.Equal(all, union) {
		t.Errorf("the shards are %v, %v", union, err)
	}
	for _, c := range [][2]int{{0, 1}, {2, 1}, {1, 0}} {
		if _, err := MaskFiles(dir, c[0], c[1]); err == nil {
			t.Errorf("shard %d/%d was taken", c[0], c[1])
		}
	}
	if _, err := MaskFiles(t.TempDir(), 1, 1); err == nil {
		t.Error("an empty folder was taken")
	}
}

func TestDataSet(t *testing.T) {
	for file, want := range map[string]string{
		"x/Github_easy---o1.json": "Github_easy", "BFCL_java_10.json": "BFCL", "MCPspec---A_b.json": "MCPspec", "alone.json": "alone",
	} {
		if got := dataSet(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}

func TestOpenVocabularyErrors(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk.gguf")
	if err := os.WriteFile(junk, []byte("no model"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{junk, filepath.Join(t.TempDir(), "absent.json")} {
		if _, err := OpenVocabulary(path); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func TestPlot(t *testing.T) {
	rep := &MaskReport{Vocabulary: "test", All: newGroup("all"), Calls: newGroup("calls"), Commit: "0123456789abcdef"}
	for i := range 1000 {
		rep.All.TBM.Add(time.Duration(i) * time.Microsecond)
	}
	rep.All.TTFM.Add(time.Millisecond)
	dir := t.TempDir()
	picture, text := filepath.Join(dir, "x.png"), filepath.Join(dir, "x.svg")
	for _, path := range []string{picture, text} {
		if err := rep.Plot(path); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 1000 {
		t.Errorf("%v: %v", img.Bounds(), err)
	}
	svg, err := os.ReadFile(text)
	if err != nil || !bytes.Contains(svg, []byte("llguidance")) || !bytes.Contains(svg, []byte("0123456789ab")) {
		t.Errorf("svg of %d bytes, %v", len(svg), err)
	}
	for _, path := range []string{"x.pdf", filepath.Join(dir, "absent", "x.png")} {
		if err := rep.Plot(path); err == nil {
			t.Errorf("%s was drawn", path)
		}
	}
}

func TestRefusalOf(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"keyword", &schema.Error{Code: schema.ErrUnsupported, Keyword: "not"}, "not supported: not"},
		{"bound of schema", &schema.Error{Code: schema.ErrLimit, Err: &schema.LimitError{Name: "Rules"}}, "limit exceeded: Rules"},
		{"bound of the automaton", &grammar.LimitError{Name: "States"}, "automaton: limit exceeded: States"},
		{"empty", grammar.ErrEmpty, "automaton: nothing matches"},
		{"other", errors.New("x"), "other"},
	} {
		if got := refusalOf(c.err).Key(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
