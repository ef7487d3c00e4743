package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
)

// Defaults of MaskConfig.
const (
	// DefaultTimeout is the time one file may take: a hundred times what the slowest file
	// of the collection needs with a good engine.
	DefaultTimeout = 60 * time.Second
	DefaultSlowest = 20
)

const (
	// maxHung bounds files that do not stop after their time is over: each keeps a processor
	// busy, so that what is measured beside them means little.
	maxHung = 4
	// stopGrace is the time a file that timed out gets to notice it.
	stopGrace = 2 * time.Second
)

// MaskConfig says how to run the MaskBench protocol.
type MaskConfig struct {
	Vocabulary *Vocabulary
	// Files are the tests in MaskBench's format: see MaskFiles.
	Files []string
	// Schema says what the rules admit. Instances are written with ", " and ": ", so
	// its white space must be Model or Flexible.
	Schema  schema.Options
	Grammar grammar.Limits
	// Timeout bounds one file; 0 is DefaultTimeout.
	Timeout time.Duration
	// Slowest is how many of the slowest masks and compilations are kept; 0 is
	// DefaultSlowest, negative none.
	Slowest int
	// NoRepeat leaves out the second pass over each instance, which measures masks that were
	// all seen before, and counts allocations.
	NoRepeat bool
	// Row, if not nil, is called after each file, in order.
	Row func(FileRow) error
	// Progress, if not nil, is called after each file.
	Progress func(done, total int)
}

// Status is what became of a file.
type Status string

// The statuses of a file. A file that accepts an invalid instance and rejects a valid one
// counts as the first, which is worse.
const (
	Passed          Status = "passed"
	Refused         Status = "refused"          // the schema does not compile
	InvalidAccepted Status = "invalid accepted" // a test that must be refused was not
	ValidRejected   Status = "valid rejected"   // a test that must be accepted was not
	TimedOut        Status = "timed out"
	Crashed         Status = "crashed" // a panic, or a mask that Accept contradicts
	Unreadable      Status = "unreadable"
)

// Statuses lists all of them, the best first.
var Statuses = []Status{Passed, Refused, ValidRejected, InvalidAccepted, TimedOut, Crashed, Unreadable}

// FileRow is the result of one file.
type FileRow struct {
	File    string  `json:"file"`
	Set     string  `json:"set"` // the data set it comes from
	Status  Status  `json:"status"`
	Refusal Refusal `json:"refusal,omitzero"`
	// Wrong says which test failed first, or where the file was when its time was over.
	Wrong string `json:"wrong,omitempty"`
	// Objection is the keyword that an independent validator finds violated by the instance
	// that was accepted wrongly, or "nothing".
	Objection string `json:"objection,omitempty"`

	Tests           int `json:"tests"`
	InvalidAccepted int `json:"invalid_accepted,omitempty"` // tests
	ValidRejected   int `json:"valid_rejected,omitempty"`   // tests

	TTFM  time.Duration `json:"ttfm_ns"` // compile and first mask
	Masks int           `json:"masks"`
	Total time.Duration `json:"tbm_total_ns"`
	Max   time.Duration `json:"tbm_max_ns"`

	Work       grammar.Stats `json:"work"` // of the timed pass
	ColdAllocs uint64        `json:"cold_allocs"`
	WarmAllocs uint64        `json:"warm_allocs"` // of the second pass
}

// Mean is the mean time between masks.
func (r FileRow) Mean() time.Duration {
	if r.Masks == 0 {
		return 0
	}
	return r.Total / time.Duration(r.Masks)
}

// Refusal is why a schema does not compile.
type Refusal struct {
	Code    string `json:"code"`
	Keyword string `json:"keyword,omitempty"`
	Pointer string `json:"pointer,omitempty"`
	Message string `json:"message"`
}

// Key groups refusals: the code and the keyword.
func (r Refusal) Key() string {
	if r.Keyword == "" {
		return r.Code
	}
	return r.Code + ": " + r.Keyword
}

// refusalOf describes an error of schema or grammar.
func refusalOf(err error) Refusal {
	r := Refusal{Code: "other", Message: err.Error()}
	var se *schema.Error
	var limit *grammar.LimitError
	switch {
	case errors.As(err, &se):
		r.Code, r.Keyword, r.Pointer = se.Code.Error(), se.Keyword, se.Pointer
		r.Message = ""
		if se.Err != nil {
			r.Message = se.Err.Error()
		}
		var bound *schema.LimitError
		if r.Keyword == "" && errors.As(err, &bound) {
			r.Keyword = bound.Name
		}
	case errors.As(err, &limit):
		r.Code, r.Keyword = "automaton: limit exceeded", limit.Name
	case errors.Is(err, grammar.ErrEmpty):
		r.Code = "automaton: nothing matches"
	}
	return r
}

// MaskFiles lists the tests in a folder, sorted by name; of n shards the i-th (from 1)
// takes every n-th file, so that all shards see all data sets.
func MaskFiles(dir string, shard, shards int) ([]string, error) {
	if shards < 1 || shard < 1 || shard > shards {
		return nil, fmt.Errorf("bench: shard %d/%d: want i/n with 1 <= i <= n", shard, shards)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("bench: no *.json in %s", dir)
	}
	var files []string
	for i := shard - 1; i < len(all); i += shards {
		files = append(files, all[i])
	}
	return files, nil
}

// dataSet names the collection a file comes from by its prefix.
func dataSet(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	if set, _, ok := strings.Cut(name, "---"); ok {
		return set
	}
	set, _, _ := strings.Cut(name, "_")
	return set
}

// isFunctionCall reports whether a data set holds the parameters of functions.
func isFunctionCall(set string) bool {
	return slices.ContainsFunc([]string{"Glaive", "BFCL", "MCP"}, func(p string) bool { return strings.HasPrefix(set, p) })
}

// Masks runs the protocol, one file after the other on one goroutine: compile the schema
// and fill the first mask (TTFM); then for each token of each instance fill the mask, look
// the token up and accept it (TBM). A valid instance must be accepted token by token and
// may end after the last; an invalid one must be refused somewhere. Where ctx ends before
// the last file, the report holds what was measured, and the error is the context's.
//
// MaskBench's own runner does not ask whether an instance may end, and takes what it is
// given: here that is part of being right.
func Masks(ctx context.Context, cfg MaskConfig) (*MaskReport, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.Slowest = cmp.Or(cfg.Slowest, DefaultSlowest)
	if cfg.Schema.Whitespace == schema.Compact {
		return nil, errors.New(`bench: compact rules refuse every instance written with ", " and ": "`)
	}
	rep := newMaskReport(cfg)
	rep.Memory.begin()
	w := newWorker(cfg)
	defer func() { w.stop() }()
	start := time.Now()
	var err error
	for i, file := range cfg.Files {
		if err = ctx.Err(); err != nil {
			break
		}
		res, hung := w.measure(ctx, file, cfg.Timeout)
		if hung {
			rep.Hung++
		}
		if res == nil { // the context ended
			err = ctx.Err()
			break
		}
		if res.Status == TimedOut {
			w = newWorker(cfg)
		}
		rep.add(res)
		if cfg.Row != nil {
			if err = cfg.Row(res.FileRow); err != nil {
				break
			}
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(cfg.Files))
		}
		if rep.Hung > maxHung {
			err = fmt.Errorf("bench: %d files do not stop after their time, the last is %s", rep.Hung, file)
			break
		}
	}
	rep.Elapsed = time.Since(start)
	rep.Memory.end()
	return rep, err
}

// measure has the worker run one file and waits for it no longer than timeout. hung tells
// that the file is still running: the worker must be given up. The result is nil if the
// context ended first.
func (w *worker) measure(ctx context.Context, file string, timeout time.Duration) (res *fileResult, hung bool) {
	w.jobs <- file
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case res = <-w.results:
		return res, false
	case <-ctx.Done():
		w.stop()
		return nil, false
	case <-timer.C:
	}
	where := w.where()
	w.stop()
	select {
	case <-w.results:
	case <-time.After(stopGrace):
		hung = true
	}
	row := FileRow{File: filepath.Base(file), Set: dataSet(file), Status: TimedOut, Wrong: fmt.Sprintf("after %v: %s", timeout, where)}
	return &fileResult{FileRow: row}, hung
}

// threads describes the parallelism of a run: the protocol uses one goroutine, Go's
// collector of garbage may use others.
func threads() string {
	return fmt.Sprintf("one goroutine, GOMAXPROCS %d, %s %s/%s", runtime.GOMAXPROCS(0), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
