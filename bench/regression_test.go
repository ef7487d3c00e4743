package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/schema"
)

// The record of what is right stands in testdata: maskbench.txt and maskbench.json for
// MaskBench's files, suite.json for the JSON-Schema-Test-Suite. The tests below fail when
// something that was right no longer is; improvements pass, and -update records them.

var (
	update = flag.Bool("update", false, "record what is right now (implies -full)")
	full   = flag.Bool("full", false, "run all of MaskBench instead of every 20th file")
)

const sampleShards = 20

const (
	maskRecord  = "testdata/maskbench.txt"
	maskCounts  = "testdata/maskbench.json"
	suiteRecord = "testdata/suite.json"
)

// maskStatuses is the status of every file, by data set and name within it.
type maskStatuses map[string]map[string]Status

func (m maskStatuses) set(row FileRow) {
	if m[row.Set] == nil {
		m[row.Set] = make(map[string]Status)
	}
	m[row.Set][nameInSet(row)] = row.Status
}

// nameInSet is what a file's name adds to its data set.
func nameInSet(row FileRow) string {
	return strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(row.File, row.Set), ".json"), "-_")
}

// write lists the names under a heading for each data set and status.
func (m maskStatuses) write() []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, "# What became of each file of MaskBench in any order and spelling: written by go test ./bench -run TestMaskBench -update.")
	for _, set := range slices.Sorted(maps.Keys(m)) {
		for _, status := range Statuses {
			var names []string
			for name, s := range m[set] {
				if s == status {
					names = append(names, name)
				}
			}
			if len(names) == 0 {
				continue
			}
			slices.Sort(names)
			fmt.Fprintf(&out, "\n== %s: %s\n%s\n", set, status, strings.Join(names, "\n"))
		}
	}
	return out.Bytes()
}

func readMaskStatuses(text []byte) (maskStatuses, error) {
	m := make(maskStatuses)
	var set string
	var status Status
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch heading, ok := strings.CutPrefix(line, "== "); {
		case ok:
			var s string
			if set, s, ok = strings.Cut(heading, ": "); !ok || !slices.Contains(Statuses, Status(s)) {
				return nil, fmt.Errorf("line %d: %q is no heading", n, line)
			}
			status = Status(s)
		case line == "" || line[0] == '#':
		case set == "":
			return nil, fmt.Errorf("line %d: %q without a heading", n, line)
		default:
			if m[set] == nil {
				m[set] = make(map[string]Status)
			}
			m[set][line] = status
		}
	}
	return m, lines.Err()
}

// maskTotals is the record for people.
type maskTotals struct {
	Files    int                       `json:"files"`
	Statuses map[Status]int            `json:"statuses"`
	Sets     map[string]map[Status]int `json:"sets"`
	Refusals map[string]int            `json:"refusals"`
}

func totalsOf(rep *MaskReport) maskTotals {
	t := maskTotals{rep.All.Files, rep.All.Statuses, make(map[string]map[Status]int), make(map[string]int)}
	for _, g := range rep.Sets {
		t.Sets[g.Name] = g.Statuses
	}
	for _, r := range rep.Reasons {
		t.Refusals[r.Key] = r.Count
	}
	return t
}

// lost compares the rows of a run with the record. A file that was never recorded has nothing to
// lose; one that was refused may become anything but a crash.
func (m maskStatuses) lost(rows []FileRow) (lost []string) {
	for _, row := range rows {
		was := m[row.Set][nameInSet(row)]
		bad := was == Passed && row.Status != Passed || row.Status == Crashed && was != Crashed
		if bad {
			lost = append(lost, fmt.Sprintf("%s: %s, was %s: %s%s", row.File, row.Status, was, row.Refusal.Message, row.Wrong))
		}
	}
	return lost
}

// TestMaskBench runs MaskBench's files with the vocabulary of Llama 3.1.
func TestMaskBench(t *testing.T) {
	shards := sampleShards
	if *full || *update {
		shards = 1
	} else if testing.Short() {
		shards *= 10
	}
	files, err := MaskFiles(testdata(t, "maskbench"), 1, shards)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenVocabulary(testdata(t, "tokenizers", "llama3.1", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []FileRow
	rep, err := Masks(t.Context(), MaskConfig{Vocabulary: v, Files: files, NoRepeat: true, Slowest: -1,
		Row:    func(row FileRow) error { rows = append(rows, row); return nil },
		Schema: schema.Options{Whitespace: schema.Model, Spelling: schema.AnySpelling}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Statuses {
		t.Logf("%5d %s", rep.All.Statuses[s], s)
	}
	if *update {
		now := make(maskStatuses)
		for _, row := range rows {
			now.set(row)
		}
		record(t, maskRecord, now.write())
		recordJSON(t, maskCounts, totalsOf(rep))
		return
	}
	text, err := os.ReadFile(maskRecord)
	if err != nil {
		t.Fatal(err)
	}
	was, err := readMaskStatuses(text)
	if err != nil {
		t.Fatalf("%s: %v", maskRecord, err)
	}
	for _, line := range was.lost(rows) {
		t.Error(line)
	}
}

// TestMaskRecord checks that the record is what -update writes, that it agrees with its
// totals, and that it is sensitive.
func TestMaskRecord(t *testing.T) {
	text, err := os.ReadFile(maskRecord)
	if err != nil {
		t.Fatal(err)
	}
	m, err := readMaskStatuses(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.write(), text) {
		t.Errorf("%s was changed by hand", maskRecord)
	}
	var totals maskTotals
	readJSON(t, maskCounts, &totals)
	counts := make(map[Status]int)
	for set, files := range m {
		for name, status := range files {
			if counts[status]++; name == "" {
				t.Errorf("a file of %s has no name", set)
			}
		}
	}
	if !maps.Equal(counts, totals.Statuses) {
		t.Errorf("%s has %v, %s %v", maskRecord, counts, maskCounts, totals.Statuses)
	}
	rows := []FileRow{{File: "S---a.json", Set: "S", Status: Passed}, {File: "S---b.json", Set: "S", Status: Refused}, {File: "BFCL_x_1.json", Set: "BFCL", Status: Passed}}
	small := make(maskStatuses)
	for _, row := range rows {
		small.set(row)
	}
	for i, c := range []struct {
		now  [3]Status
		lost int
	}{
		{[3]Status{Passed, Refused, Passed}, 0},
		{[3]Status{Passed, Passed, Passed}, 0},
		{[3]Status{Refused, Passed, Passed}, 1},
		{[3]Status{TimedOut, Crashed, InvalidAccepted}, 3},
	} {
		for j := range rows {
			rows[j].Status = c.now[j]
		}
		if lost := small.lost(rows); len(lost) != c.lost {
			t.Errorf("case %d: lost %q, want %d", i, lost, c.lost)
		}
	}
}

// suiteTallies is the outcome of each file, by draft and name.
type suiteTallies map[string]map[string]SuiteTally

const tallyForm = "%d right, %d accepted, %d rejected, %d refused, %d crashed"

func (s suiteTallies) MarshalJSON() ([]byte, error) {
	out := make(map[string]map[string]string)
	for draft, files := range s {
		out[draft] = make(map[string]string)
		for name, n := range files {
			out[draft][name] = fmt.Sprintf(tallyForm, n.Right, n.Accepted, n.Rejected, n.Refused, n.Crashed)
		}
	}
	return json.Marshal(out)
}

func (s *suiteTallies) UnmarshalJSON(text []byte) error {
	var in map[string]map[string]string
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	*s = make(suiteTallies)
	for draft, files := range in {
		(*s)[draft] = make(map[string]SuiteTally)
		for name, line := range files {
			var n SuiteTally
			if _, err := fmt.Sscanf(line, tallyForm, &n.Right, &n.Accepted, &n.Rejected, &n.Refused, &n.Crashed); err != nil {
				return fmt.Errorf("%s/%s: %w", draft, name, err)
			}
			(*s)[draft][name] = n
		}
	}
	return nil
}

func talliesOf(rep *SuiteReport) suiteTallies {
	out := make(suiteTallies)
	for _, d := range rep.Drafts {
		out[d.Name] = make(map[string]SuiteTally)
		for _, f := range d.Files {
			out[d.Name][f.Name] = f.SuiteTally
		}
	}
	return out
}

// lost compares with the record: as many tests must be right, and crashes are never fine.
func (was suiteTallies) lost(now suiteTallies) (lost []string) {
	for draft, files := range now {
		for name, n := range files {
			w, known := was[draft][name]
			if n.Right < w.Right || n.Crashed > w.Crashed || known && w.Refused == 0 && n.Wrong() > w.Wrong() {
				lost = append(lost, fmt.Sprintf("%s/%s: %+v, was %+v", draft, name, n, w))
			}
		}
	}
	slices.Sort(lost)
	return lost
}

// TestSuiteRecord runs the JSON-Schema-Test-Suite, optional tests included.
func TestSuiteRecord(t *testing.T) {
	rep, err := Suite(t.Context(), SuiteConfig{Dir: testdata(t, "json-schema-test-suite"), Optional: true,
		Schema: schema.Options{Spelling: schema.AnySpelling}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rep.Drafts {
		t.Logf("%s: %+v, optional %+v", d.Name, d.Required, d.Optional)
	}
	now := talliesOf(rep)
	if *update {
		recordJSON(t, suiteRecord, now)
		return
	}
	var was suiteTallies
	readJSON(t, suiteRecord, &was)
	for _, line := range was.lost(now) {
		t.Error(line)
	}
	for draft := range was {
		for name := range was[draft] {
			if _, ok := now[draft][name]; !ok {
				t.Errorf("%s/%s is gone", draft, name)
			}
		}
	}
}

func record(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func recordJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	record(t, path, append(text, '\n'))
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
