package bench

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
	"github.com/callama/callama/internal/ojson"
)

// DefaultBudget is the default of RandomConfig.Budget, in tokens.
const DefaultBudget = 256

// RandomConfig says how to write instances at random.
type RandomConfig struct {
	Vocabulary *Vocabulary
	// Files hold schemas in MaskBench's format: see MaskFiles.
	Files   []string
	Schema  schema.Options
	Grammar grammar.Limits
	// Budget is the most tokens of an instance; 0 is DefaultBudget. A schema whose shortest
	// instance is longer gets what that takes.
	Budget int
	// Texts is the number of instances for each schema; 0 is 1.
	Texts int
	Seed  uint64
	// Progress, if not nil, is called after each file.
	Progress func(done, total int)
}

// RandomReport is what became of the schemas.
type RandomReport struct {
	Vocabulary string `json:"vocabulary"`
	Files      int    `json:"files"`
	Refused    int    `json:"refused"`
	Instances  int    `json:"instances"`
	Tokens     int    `json:"tokens"`
	Steered    int    `json:"steered"` // instances whose masks the budget narrowed
	Valid      int    `json:"valid"`
	// Unjudged are instances whose schema the validator cannot read, or that it objects to
	// for a format that is an annotation here.
	Unjudged int           `json:"unjudged"`
	Faults   []RandomFault `json:"faults"`
}

// RandomFault is an instance that must not be.
type RandomFault struct {
	File   string `json:"file"`
	Seed   uint64 `json:"seed"`
	Kind   string `json:"kind"` // invalid, dead end, over budget, refused token
	Detail string `json:"detail"`
	Text   string `json:"text"`
}

// Random writes instances as a model does to which all allowed tokens are equally likely,
// the adversary of a grammar, and asks an independent validator about each: all must end
// within the budget and be valid. Where ctx ends early, the report holds what was done, and
// the error is the context's.
func Random(ctx context.Context, cfg RandomConfig) (*RandomReport, error) {
	if cfg.Budget == 0 {
		cfg.Budget = DefaultBudget
	}
	rep := &RandomReport{Vocabulary: cfg.Vocabulary.Name}
	for i, file := range cfg.Files {
		if err := ctx.Err(); err != nil {
			return rep, err
		}
		if err := rep.file(file, cfg); err != nil {
			return rep, err
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(cfg.Files))
		}
	}
	return rep, nil
}

func (r *RandomReport) file(file string, cfg RandomConfig) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	doc, err := ojson.Parse(data)
	if err != nil || doc.Get("schema") == nil {
		return fmt.Errorf("bench: %s: want an object with \"schema\": %w", file, err)
	}
	r.Files++
	text := doc.Get("schema").Append(nil, ojson.Compact)
	g, err := schema.CompileText(text, cfg.Schema)
	var c *grammar.Compiled
	if err == nil {
		c, err = grammar.Compile(g, cfg.Vocabulary.Vocab, cfg.Grammar)
	}
	if err != nil {
		r.Refused++
		return nil
	}
	h := fnv.New64a()
	io.WriteString(h, filepath.Base(file))
	for n := range max(cfg.Texts, 1) {
		seed := cfg.Seed + h.Sum64() + uint64(n)
		f := r.instance(c, cfg, seed)
		if f.Kind == "" {
			keyword, detail := secondOpinion(text, f.Text)
			format, isFormat := strings.CutPrefix(keyword, "format ")
			switch {
			case keyword == "nothing":
				r.Valid++
			case keyword == "no second opinion" || isFormat && !schema.IsFormat(format):
				r.Unjudged++
			default:
				f.Kind, f.Detail = "invalid", detail
			}
		}
		if f.Kind != "" {
			f.File, f.Seed = filepath.Base(file), seed
			r.Faults = append(r.Faults, f)
		}
	}
	return nil
}

// instance writes one instance. Kind is empty if it ended within the budget.
func (r *RandomReport) instance(c *grammar.Compiled, cfg RandomConfig, seed uint64) (f RandomFault) {
	v := c.Vocab()
	rnd := rand.New(rand.NewPCG(seed, 1))
	m := c.NewMatcher()
	mask, free := vocab.NewMask(v.Width()), vocab.NewMask(v.Width())
	var text strings.Builder
	defer func() { f.Text = text.String() }()
	r.Instances++
	steered := false
	for left := max(cfg.Budget, m.MinBytes()); !m.Done(); left-- {
		if left < 0 || !m.FillMaskWithin(mask, left) {
			f.Kind, f.Detail = "over budget", fmt.Sprintf("%d tokens left, %d bytes to the end", left, m.MinBytes())
			break
		}
		m.FillMask(free)
		steered = steered || !mask.Equal(free)
		n := mask.Count()
		if n == 0 {
			f.Kind, f.Detail = "dead end", fmt.Sprintf("no token is allowed after %d", m.Len())
			break
		}
		t := nth(mask, rnd.IntN(n))
		if err := m.Accept(t); err != nil {
			f.Kind, f.Detail = "refused token", err.Error()
			break
		}
		if v.IsEOG(t) {
			break
		}
		text.Write(v.Bytes(t))
		r.Tokens++
	}
	if steered {
		r.Steered++
	}
	return f
}

// nth returns the n-th token of a mask.
func nth(m vocab.Mask, n int) int32 {
	for t := range m.All {
		if n == 0 {
			return t
		}
		n--
	}
	return -1
}

// Print writes the report for people.
func (r *RandomReport) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "vocabulary %s: %d schemas, %d refused; %d instances of %d tokens, %d steered to their end: %d valid, %d that a validator cannot judge, %d faults\n",
		r.Vocabulary, r.Files, r.Refused, r.Instances, r.Tokens, r.Steered, r.Valid, r.Unjudged, len(r.Faults))
	if err != nil {
		return err
	}
	slices.SortStableFunc(r.Faults, func(a, b RandomFault) int { return strings.Compare(a.Kind, b.Kind) })
	var errs []error
	for _, f := range r.Faults {
		_, err := fmt.Fprintf(w, "%s: %s (seed %d): %s\n    %.300q\n", f.Kind, f.File, f.Seed, f.Detail, f.Text)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
