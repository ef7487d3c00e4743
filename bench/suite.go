package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// Drafts are the drafts of JSON Schema whose tests Suite runs, the newest first, as the
// folders of the JSON-Schema-Test-Suite are called.
var Drafts = []string{"draft2020-12", "draft2019-09", "draft7", "draft6", "draft4"}

// metaSchemas are the values of $schema that name the drafts.
var metaSchemas = map[string]string{
	"draft2020-12": "https://json-schema.org/draft/2020-12/schema",
	"draft2019-09": "https://json-schema.org/draft/2019-09/schema",
	"draft7":       "http://json-schema.org/draft-07/schema#",
	"draft6":       "http://json-schema.org/draft-06/schema#",
	"draft4":       "http://json-schema.org/draft-04/schema#",
}

// SuiteConfig says which tests of the JSON-Schema-Test-Suite to run.
type SuiteConfig struct {
	// Dir is the suite's folder, or its folder "tests".
	Dir string
	// Drafts are some of Drafts; empty means all.
	Drafts []string
	// Optional adds what the suite calls optional: formats, big numbers, corner cases of
	// patterns.
	Optional bool
	// Schema says what the rules admit. Instances are written as for Masks.
	Schema schema.Options
	// Progress, if not nil, is called after each file.
	Progress func(done, total int)
}

// Verdict is what became of one test.
type Verdict string

// The verdicts. A schema that nothing satisfies is decided: it rejects everything.
const (
	Right           Verdict = "right"
	AcceptedWrongly Verdict = "accepted wrongly"
	RejectedWrongly Verdict = "rejected wrongly"
	Undecided       Verdict = "refused"
	Failed          Verdict = "crashed"
)

// SuiteTally counts tests by verdict.
type SuiteTally struct {
	Right    int `json:"right"`
	Accepted int `json:"accepted_wrongly"`
	Rejected int `json:"rejected_wrongly"`
	Refused  int `json:"refused"`
	Crashed  int `json:"crashed"`
}

// Tests is the number of tests counted.
func (t SuiteTally) Tests() int { return t.Right + t.Accepted + t.Rejected + t.Refused + t.Crashed }

// Wrong is the number of tests that are neither right nor refused.
func (t SuiteTally) Wrong() int { return t.Accepted + t.Rejected + t.Crashed }

func (t *SuiteTally) count(v Verdict) {
	switch v {
	case Right:
		t.Right++
	case AcceptedWrongly:
		t.Accepted++
	case RejectedWrongly:
		t.Rejected++
	case Undecided:
		t.Refused++
	case Failed:
		t.Crashed++
	}
}

func (t *SuiteTally) add(o SuiteTally) {
	t.Right += o.Right
	t.Accepted += o.Accepted
	t.Rejected += o.Rejected
	t.Refused += o.Refused
	t.Crashed += o.Crashed
}

// SuiteCase is one test and its verdict.
type SuiteCase struct {
	Draft    string  `json:"draft"`
	File     string  `json:"file"` // within the draft's folder, such as "optional/bignum.json"
	Group    string  `json:"group"`
	Test     string  `json:"test"`
	Verdict  Verdict `json:"verdict"`
	Refusal  Refusal `json:"refusal,omitzero"`
	Schema   string  `json:"schema,omitempty"`   // of wrong ones
	Instance string  `json:"instance,omitempty"` // of wrong ones, as it was written
	Detail   string  `json:"detail,omitempty"`   // of crashed ones
}

// SuiteFile sums up one file, which is about one keyword.
type SuiteFile struct {
	Name string `json:"name"`
	SuiteTally
}

// SuiteDraft sums up one draft; required tests and optional ones apart.
type SuiteDraft struct {
	Name     string      `json:"name"`
	Required SuiteTally  `json:"required"`
	Optional SuiteTally  `json:"optional"`
	Files    []SuiteFile `json:"files"`
}

// SuiteReport is the outcome of the suite.
type SuiteReport struct {
	Order    string       `json:"order"`
	Spelling string       `json:"spelling"`
	Drafts   []SuiteDraft `json:"drafts"`
	Reasons  []Reason     `json:"reasons"` // of refusals, counted in tests
	Wrong    []SuiteCase  `json:"wrong"`
	Cases    []SuiteCase  `json:"-"` // all, in order
}

// Failures is the number of tests that are wrong, which is to say neither right nor
// refused for a named reason.
func (r *SuiteReport) Failures() int { return len(r.Wrong) }

// Suite runs the tests: each instance must be accepted, byte by byte to its end, if and
// only if it is valid.
func Suite(ctx context.Context, cfg SuiteConfig) (*SuiteReport, error) {
	if len(cfg.Drafts) == 0 {
		cfg.Drafts = Drafts
	}
	if cfg.Schema.Whitespace == schema.Compact {
		cfg.Schema.Whitespace = schema.Model
	}
	files, err := suiteFiles(cfg)
	if err != nil {
		return nil, err
	}
	bytes, err := byteVocab()
	if err != nil {
		return nil, err
	}
	if cfg.Schema.Documents == nil {
		if cfg.Schema.Documents, err = remotes(cfg.Dir); err != nil {
			return nil, err
		}
	}
	rep := &SuiteReport{Order: orderName(cfg.Schema.Order), Spelling: spellingName(cfg.Schema.Spelling)}
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return rep, err
		}
		opts := cfg.Schema
		if !f.optional { // in the standard's vocabularies, format is an annotation
			opts.Formats = schema.AnnotateFormats
		}
		cases, err := runSuiteFile(f, opts, bytes)
		if err != nil {
			return rep, err
		}
		rep.add(f, cases)
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(files))
		}
	}
	return rep, nil
}

// remoteAddress is where the suite's schemas expect the files of its folder "remotes".
const remoteAddress = "http://localhost:1234/"

// remotes reads the documents that references of the suite name; nothing is fetched.
func remotes(dir string) (map[string]*ojson.Value, error) {
	root := filepath.Join(dir, "remotes")
	if !isDir(root) {
		root = filepath.Join(filepath.Dir(filepath.Clean(dir)), "remotes")
	}
	out := make(map[string]*ojson.Value)
	if !isDir(root) {
		return out, nil
	}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		v, err := ojson.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name, err := filepath.Rel(root, path)
		out[remoteAddress+filepath.ToSlash(name)] = v
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bench: remotes: %w", err)
	}
	return out, nil
}

// byteVocab is the vocabulary of single bytes: what is accepted does not depend on tokens.
func byteVocab() (*vocab.Vocab, error) {
	c := vocab.Config{Tokens: make([][]byte, 257), EOG: []int32{256}}
	for b := range 256 {
		c.Tokens[b] = []byte{byte(b)}
	}
	return vocab.New(c)
}

// suiteFile is a file of tests.
type suiteFile struct {
	draft, name, path string
	optional          bool
}

func suiteFiles(cfg SuiteConfig) ([]suiteFile, error) {
	root := cfg.Dir
	if sub := filepath.Join(root, "tests"); isDir(sub) {
		root = sub
	}
	var out []suiteFile
	for _, draft := range cfg.Drafts {
		if metaSchemas[draft] == "" {
			return nil, fmt.Errorf("bench: draft %q is not known, want one of %s", draft, strings.Join(Drafts, ", "))
		}
		patterns := []string{"*.json"}
		if cfg.Optional {
			patterns = append(patterns, "optional/*.json", "optional/format/*.json")
		}
		before := len(out)
		for _, p := range patterns {
			paths, err := filepath.Glob(filepath.Join(root, draft, p))
			if err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
			for _, path := range paths {
				name, _ := filepath.Rel(filepath.Join(root, draft), path)
				out = append(out, suiteFile{draft, filepath.ToSlash(name), path, p != "*.json"})
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("bench: no tests in %s", filepath.Join(root, draft))
		}
	}
	return out, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// runSuiteFile runs all groups of a file.
func runSuiteFile(f suiteFile, opts schema.Options, v *vocab.Vocab) ([]SuiteCase, error) {
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	doc, err := ojson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", f.path, err)
	}
	var cases []SuiteCase
	for i, group := range doc.Items {
		rules, tests := group.Get("schema"), group.Get("tests")
		if rules == nil || tests == nil || group.Get("description") == nil {
			return nil, fmt.Errorf(`bench: %s: group %d: want "description", "schema" and "tests"`, f.path, i)
		}
		decide := compileGroup(inDraft(rules, f.draft), opts, v)
		for j, test := range tests.Items {
			valid, data := test.Get("valid"), test.Get("data")
			if valid == nil || data == nil || test.Get("description") == nil {
				return nil, fmt.Errorf(`bench: %s: group %d, test %d: want "description", "data" and "valid"`, f.path, i, j)
			}
			c := SuiteCase{Draft: f.draft, File: f.name, Group: group.Get("description").Text, Test: test.Get("description").Text}
			decide(&c, InstanceText(data), valid.Bool)
			if c.Verdict != Right && c.Verdict != Undecided {
				c.Schema = rules.String()
			}
			cases = append(cases, c)
		}
	}
	return cases, nil
}

// inDraft returns a schema that names its draft.
func inDraft(rules *ojson.Value, draft string) *ojson.Value {
	if rules.Kind != ojson.Object || rules.Get("$schema") != nil {
		return rules
	}
	named := *rules
	named.Members = slices.Concat([]ojson.Member{{Name: "$schema", Value: &ojson.Value{Kind: ojson.String, Text: metaSchemas[draft]}}}, rules.Members)
	return &named
}

// compileGroup returns the function that decides the tests of a schema.
func compileGroup(rules *ojson.Value, opts schema.Options, v *vocab.Vocab) (decide func(c *SuiteCase, text string, valid bool)) {
	compiled, crash, err := compileSafely(rules.Append(nil, ojson.Compact), opts, v)
	return func(c *SuiteCase, text string, valid bool) {
		accepted := false
		switch {
		case crash != "":
			c.Verdict, c.Detail = Failed, crash
			return
		case errors.Is(err, schema.ErrUnsatisfiable) || errors.Is(err, grammar.ErrEmpty):
		case err != nil:
			c.Verdict, c.Refusal = Undecided, refusalOf(err)
			return
		default:
			accepted = acceptsText(compiled, text)
		}
		switch {
		case accepted == valid:
			c.Verdict = Right
		case accepted:
			c.Verdict, c.Instance = AcceptedWrongly, text
		default:
			c.Verdict, c.Instance = RejectedWrongly, text
		}
	}
}

func compileSafely(text []byte, opts schema.Options, v *vocab.Vocab) (c *grammar.Compiled, crash string, err error) {
	defer func() {
		if p := recover(); p != nil {
			crash = fmt.Sprint("panic: ", p)
		}
	}()
	g, err := schema.CompileText(text, opts)
	if err == nil {
		c, err = grammar.Compile(g, v, grammar.Limits{})
	}
	return c, "", err
}

// acceptsText reports whether text is in the language; the vocabulary is that of bytes.
func acceptsText(c *grammar.Compiled, text string) bool {
	m := c.NewMatcher()
	for i := range len(text) {
		if m.Accept(int32(text[i])) != nil {
			return false
		}
	}
	return m.Accepting()
}

// add counts the cases of a file in.
func (r *SuiteReport) add(f suiteFile, cases []SuiteCase) {
	at := slices.IndexFunc(r.Drafts, func(d SuiteDraft) bool { return d.Name == f.draft })
	if at < 0 {
		at = len(r.Drafts)
		r.Drafts = append(r.Drafts, SuiteDraft{Name: f.draft})
	}
	file := SuiteFile{Name: f.name}
	for _, c := range cases {
		file.count(c.Verdict)
		switch c.Verdict {
		case Right:
		case Undecided:
			r.Reasons = addReason(r.Reasons, c.Refusal, c.Draft+"/"+c.File+": "+c.Group)
		default:
			r.Wrong = append(r.Wrong, c)
		}
	}
	r.Cases = append(r.Cases, cases...)
	d := &r.Drafts[at]
	d.Files = append(d.Files, file)
	if f.optional {
		d.Optional.add(file.SuiteTally)
	} else {
		d.Required.add(file.SuiteTally)
	}
}

// Keywords sums the drafts up by file, sorted by name.
func (r *SuiteReport) Keywords() []SuiteFile {
	var out []SuiteFile
	for _, d := range r.Drafts {
		for _, f := range d.Files {
			at, ok := slices.BinarySearchFunc(out, f.Name, func(x SuiteFile, name string) int { return cmp.Compare(x.Name, name) })
			if !ok {
				out = slices.Insert(out, at, SuiteFile{Name: f.Name})
			}
			out[at].add(f.SuiteTally)
		}
	}
	return out
}
