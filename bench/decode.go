// Package bench measures Callama: workloads, runners and reports. Every figure comes with
// what it is compared to in the same run, because absolute times do not carry over from
// machine to machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/callama/callama/engine"
	"github.com/callama/callama/grammar"
	"github.com/callama/callama/sampler"
)

// DecodeConfig says how to compare constrained with unconstrained decoding.
type DecodeConfig struct {
	// Prompt is what both loops start from.
	Prompt []int32
	// Compile makes the grammar. It is called anew for each run, so that no run profits from
	// masks that an earlier one computed.
	Compile func() (*grammar.Compiled, error)
	// Tokens is the number of tokens of a run; 0 is 128.
	Tokens int
	// Runs is the number of pairs, after one that is not counted; 0 is 5.
	Runs int
	// Sampling is used by both loops; its seed changes from run to run.
	Sampling sampler.Config
	// Progress, if not nil, is called after each finished run.
	Progress func(done, total int)
}

// DecodeRun is one pair: the same number of tokens at the same positions, first under the
// grammar, then free; the model is asked for each token. Beside it stands a generation in which
// tokens that the grammar forces are not asked for.
type DecodeRun struct {
	Tokens        int           `json:"tokens"`
	Constrained   time.Duration `json:"constrained_ns"`
	Unconstrained time.Duration `json:"unconstrained_ns"`
	MaskWait      time.Duration `json:"mask_wait_ns"`
	Sample        time.Duration `json:"sample_ns"`
	Compile       time.Duration `json:"compile_ns"`
	Walks         int64         `json:"mask_walks"`
	Hits          int64         `json:"mask_hits"`
	TrieNodes     int64         `json:"trie_nodes"`

	ForcedRun    time.Duration `json:"forced_run_ns"`
	ForcedTokens int           `json:"forced_run_tokens"` // of that generation
	Forced       int           `json:"forced"`            // those that were not asked for
	ForcedSteps  int           `json:"forced_run_steps"`  // times that the model ran
}

// Ratio is the constrained speed as a part of the unconstrained one.
func (r DecodeRun) Ratio() float64 { return float64(r.Unconstrained) / float64(r.Constrained) }

// Gain is the speed in tokens per second with forced tokens, as a multiple of that without.
func (r DecodeRun) Gain() float64 {
	return float64(r.ForcedTokens) / float64(r.ForcedRun) * float64(r.Constrained) / float64(r.Tokens)
}

// DecodeReport holds the pairs of one comparison.
type DecodeReport struct {
	Model   string      `json:"model"`
	Runtime string      `json:"runtime"`
	Threads int         `json:"threads"`
	Layers  int         `json:"gpu_layers"`
	Prompt  int         `json:"prompt_tokens"`
	Runs    []DecodeRun `json:"runs"`
}

// Decode runs the comparison. The two loops take turns, so that a machine that changes its
// speed changes both.
func Decode(ctx context.Context, m *engine.Model, cfg DecodeConfig) (*DecodeReport, error) {
	if cfg.Tokens == 0 {
		cfg.Tokens = 128
	}
	if cfg.Runs == 0 {
		cfg.Runs = 5
	}
	if need := len(cfg.Prompt) + cfg.Tokens; need > m.Context() {
		return nil, fmt.Errorf("bench: a prompt of %d and %d tokens need a context of %d, it has %d",
			len(cfg.Prompt), cfg.Tokens, need, m.Context())
	}
	rep := &DecodeReport{Model: m.Description(), Runtime: m.Runtime().Name(), Threads: m.Plan().Threads,
		Layers: m.Plan().GPULayers, Prompt: len(cfg.Prompt)}
	for i := range cfg.Runs + 1 {
		cfg.Sampling.Seed++
		run, err := decodePair(ctx, m, cfg)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first pair warms up
			rep.Runs = append(rep.Runs, run)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, cfg.Runs+1)
		}
	}
	return rep, nil
}

// decodePair generates cfg.Tokens tokens under the grammar, starting over whenever a text
// ends before, and as many in as many pieces without it.
func decodePair(ctx context.Context, m *engine.Model, cfg DecodeConfig) (DecodeRun, error) {
	var run DecodeRun
	start := time.Now()
	g, err := cfg.Compile()
	if err != nil {
		return run, err
	}
	run.Compile = time.Since(start)
	req := engine.Request{Prompt: cfg.Prompt, Sampling: cfg.Sampling, Plain: true}
	for run.Tokens < cfg.Tokens {
		req.Grammar, req.IgnoreEnd, req.MaxTokens = g, false, cfg.Tokens-run.Tokens
		req.Sampling.Seed += uint64(run.Tokens) // not the same text again
		res, err := m.Generate(ctx, req, nil)
		if err != nil {
			return run, err
		}
		n := len(res.Tokens)
		if n == 0 {
			return run, errors.New("bench: the grammar allows nothing but the end of the text")
		}
		run.Tokens += n
		run.Constrained += res.Timings.Decode
		run.MaskWait += res.Timings.Mask
		run.Sample += res.Timings.Sample
		req.Grammar, req.IgnoreEnd, req.MaxTokens = nil, true, n
		if res, err = m.Generate(ctx, req, nil); err != nil {
			return run, err
		}
		run.Unconstrained += res.Timings.Decode
	}
	s := g.Stats()
	run.Walks, run.Hits, run.TrieNodes = s.Walks, s.Hits, s.Nodes
	return run, forcedRun(ctx, m, cfg, g, &run)
}

// forcedRun generates cfg.Tokens tokens under the grammar, those that it forces for free.
func forcedRun(ctx context.Context, m *engine.Model, cfg DecodeConfig, g *grammar.Compiled, run *DecodeRun) error {
	req := engine.Request{Prompt: cfg.Prompt, Sampling: cfg.Sampling, Grammar: g}
	for run.ForcedTokens < cfg.Tokens {
		req.MaxTokens = cfg.Tokens - run.ForcedTokens
		req.Sampling.Seed += uint64(run.ForcedTokens)
		start := time.Now()
		res, err := m.Generate(ctx, req, nil)
		if err != nil {
			return err
		}
		if len(res.Tokens) == 0 {
			return errors.New("bench: the grammar allows nothing but the end of the text")
		}
		// The prompt is no part of it, but tokens forced behind it are read together with it.
		run.ForcedRun += time.Since(start) - res.Timings.Prefill
		run.ForcedTokens += len(res.Tokens)
		run.Forced += res.Forced
		run.ForcedSteps += res.Steps
	}
	return nil
}

// Ratios returns the ratios of all runs in ascending order.
func (r *DecodeReport) Ratios() []float64 {
	var x []float64
	for _, run := range r.Runs {
		x = append(x, run.Ratio())
	}
	slices.Sort(x)
	return x
}

// Median is the median ratio.
func (r *DecodeReport) Median() float64 { return stat.Quantile(0.5, stat.Empirical, r.Ratios(), nil) }

// Print writes the report as a table for people.
func (r *DecodeReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, runtime %s, %d threads, %d layers on the GPU, prompt of %d tokens\n\n",
		r.Model, r.Runtime, r.Threads, r.Layers, r.Prompt)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "run\ttokens\tfree tok/s\tconstrained tok/s\tratio\tmask wait µs/tok\tsample µs/tok\tmasks walked\tfrom cache\tcompile ms\t")
	for i, run := range r.Runs {
		n := float64(run.Tokens)
		fmt.Fprintf(t, "%d\t%d\t%.1f\t%.1f\t%.3f\t%.0f\t%.0f\t%d\t%d\t%.2f\t\n", i+1, run.Tokens,
			n/run.Unconstrained.Seconds(), n/run.Constrained.Seconds(), run.Ratio(),
			float64(run.MaskWait.Microseconds())/n, float64(run.Sample.Microseconds())/n,
			run.Walks, run.Hits, float64(run.Compile.Microseconds())/1000)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	x := r.Ratios()
	fmt.Fprintf(w, "\nconstrained / free: median %.3f (%.3f to %.3f)\n\nwith forced tokens, which the model is not asked for:\n",
		r.Median(), x[0], x[len(x)-1])
	fmt.Fprintln(t, "run\ttokens\tforced\tsteps\tsteps saved\ttok/s\ttimes as fast\t")
	var gains []float64
	for i, run := range r.Runs {
		fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%.0f %%\t%.1f\t%.2f\t\n", i+1, run.ForcedTokens, run.Forced, run.ForcedSteps,
			100*(1-float64(run.ForcedSteps)/float64(run.ForcedTokens)), float64(run.ForcedTokens)/run.ForcedRun.Seconds(), run.Gain())
		gains = append(gains, run.Gain())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	slices.Sort(gains)
	_, err := fmt.Fprintf(w, "\nforced / asked for: median %.2f (%.2f to %.2f)\n",
		stat.Quantile(0.5, stat.Empirical, gains, nil), gains[0], gains[len(gains)-1])
	return err
}
