package bench

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/vocab"
)

// worker measures files on a goroutine of its own, one at a time, so that a file which
// does not come to an end can be left behind together with everything it writes to.
type worker struct {
	cfg     MaskConfig
	jobs    chan string
	results chan *fileResult
	stopped atomic.Bool
	place   atomic.Int64 // where the current file is: see where

	mask  vocab.Mask
	tests testReader
	res   fileResult // reused: valid until the next job
}

// fileResult is a FileRow with its samples.
type fileResult struct {
	FileRow
	masks, again []time.Duration
	slow         []SlowMask
	begun        bool // whether the schema compiled
}

// Places of a worker that are no token of a test.
const (
	placeReading = -1 - iota
	placeCompiling
	placeFirstMask
)

// errStopped ends a file that timed out.
var errStopped = errors.New("stopped")

func newWorker(cfg MaskConfig) *worker {
	w := &worker{cfg: cfg, jobs: make(chan string, 1), results: make(chan *fileResult, 1),
		mask: vocab.NewMask(cfg.Vocabulary.Vocab.Width()), tests: testReader{encoder: cfg.Vocabulary.Encoder}}
	go func() {
		for file := range w.jobs {
			w.run(file)
			w.results <- &w.res
		}
	}()
	return w
}

// stop ends the worker, at the next token if it is at work. It may be called twice.
func (w *worker) stop() {
	if !w.stopped.Swap(true) {
		close(w.jobs)
	}
}

// where says what the worker is doing, for people.
func (w *worker) where() string {
	switch at := w.place.Load(); at {
	case placeReading:
		return "reading the file"
	case placeCompiling:
		return "compiling the schema"
	case placeFirstMask:
		return "filling the first mask"
	default:
		return fmt.Sprintf("test %d, token %d", at>>32, at&(1<<32-1))
	}
}

// run measures one file into w.res.
func (w *worker) run(file string) {
	w.place.Store(placeReading)
	w.res = fileResult{masks: reuse(w.res.masks), again: reuse(w.res.again), slow: w.res.slow[:0],
		FileRow: FileRow{File: filepath.Base(file), Set: dataSet(file)}}
	row := &w.res.FileRow
	defer func() {
		if p := recover(); p != nil {
			row.Status, row.Wrong = Crashed, fmt.Sprintf("%s: panic: %v\n%s", w.where(), p, debug.Stack())
		}
	}()
	text, tests, err := w.tests.read(file)
	if err != nil {
		row.Status, row.Wrong = Unreadable, err.Error()
		return
	}
	row.Tests = len(tests)
	w.place.Store(placeCompiling)
	start := time.Now()
	c, err := w.compile(text)
	if err != nil {
		row.TTFM = time.Since(start)
		row.Status, row.Refusal = Refused, refusalOf(err)
		return
	}
	w.place.Store(placeFirstMask)
	m := c.NewMatcher()
	m.FillMask(w.mask)
	row.TTFM = time.Since(start)
	w.res.begun = true
	wrong, err := w.follow(c, m, tests)
	if err != nil {
		row.Status, row.Wrong = Crashed, err.Error()
		return
	}
	if wrong >= 0 && !w.stopped.Load() {
		var detail string
		row.Objection, detail = w.tests.opinion(file, wrong)
		row.Wrong += "; " + detail
	}
}

// compile is what TTFM counts, together with the first mask.
func (w *worker) compile(text []byte) (*grammar.Compiled, error) {
	g, err := schema.CompileText(text, w.cfg.Schema)
	if err != nil {
		return nil, err
	}
	return grammar.Compile(g, w.cfg.Vocabulary.Vocab, w.cfg.Grammar)
}

// follow takes all tests through the grammar, twice: timed as they come, then again, when
// all their masks have been seen. wrong is the number of the test that decided the file's
// status, -1 if none was wrong.
func (w *worker) follow(c *grammar.Compiled, m *grammar.Matcher, tests []instance) (wrong int, err error) {
	row := &w.res.FileRow
	wrong = -1
	longest := 0
	for _, t := range tests {
		longest += len(t.tokens)
	}
	w.res.masks, w.res.again = slices.Grow(w.res.masks, longest), slices.Grow(w.res.again, longest)
	first := c.Stats()
	allocs := mallocs()
	for i, t := range tests {
		accepted, at, err := w.take(c, m, i, t.tokens)
		if err != nil {
			return wrong, err
		}
		if row.judge(i, t, accepted, at) {
			wrong = i
		}
	}
	row.ColdAllocs = mallocs() - allocs
	row.Work = c.Stats()
	row.Work.Walks, row.Work.Hits, row.Work.Nodes = row.Work.Walks-first.Walks, row.Work.Hits-first.Hits, row.Work.Nodes-first.Nodes
	row.Masks = len(w.res.masks)
	for _, d := range w.res.masks {
		row.Total += d
		row.Max = max(row.Max, d)
	}
	if row.Status == "" {
		row.Status = Passed
	}
	if w.cfg.NoRepeat {
		return wrong, nil
	}
	allocs = mallocs()
	for _, t := range tests {
		if err := w.repeat(m, t.tokens); err != nil {
			return wrong, err
		}
	}
	row.WarmAllocs = mallocs() - allocs
	return wrong, nil
}

// judge compares the verdict on a test with what it should be, and reports whether it
// decides the file's status: the first of the worse fault does.
func (r *FileRow) judge(i int, t instance, accepted bool, at int) (decides bool) {
	switch {
	case accepted == t.valid:
		return false
	case accepted:
		r.InvalidAccepted++
		if decides = r.Status != InvalidAccepted; decides {
			r.Status, r.Wrong = InvalidAccepted, fmt.Sprintf("test %d is invalid but accepted", i)
		}
	default:
		r.ValidRejected++
		if decides = r.Status == ""; decides {
			r.Status, r.Wrong = ValidRejected, fmt.Sprintf("test %d is valid but refused at token %d of %d", i, at, len(t.tokens))
		}
	}
	return decides
}

// take follows one instance from the start and times each token. at is the token that was
// refused, len(tokens) if the text may not end there.
func (w *worker) take(c *grammar.Compiled, m *grammar.Matcher, test int, tokens []int32) (accepted bool, at int, err error) {
	m.Reset()
	nodes := c.Stats().Nodes
	for i, t := range tokens {
		w.place.Store(int64(test)<<32 | int64(i))
		if w.stopped.Load() {
			return false, i, errStopped
		}
		start := time.Now()
		m.FillMask(w.mask)
		ok := w.mask.Has(t)
		if ok {
			err = m.Accept(t)
		}
		d := time.Since(start)
		w.res.masks = append(w.res.masks, d)
		before := nodes
		nodes = c.Stats().Nodes
		w.noteSlow(d, test, i, nodes-before)
		if err != nil {
			return false, i, fmt.Errorf("test %d, token %d: in the mask, but: %w", test, i, err)
		}
		if !ok {
			if m.Accept(t) == nil {
				return false, i, fmt.Errorf("test %d, token %d: not in the mask, but accepted", test, i)
			}
			return false, i, nil
		}
	}
	return m.Accepting(), len(tokens), nil
}

// repeat follows an instance again as far as it goes.
func (w *worker) repeat(m *grammar.Matcher, tokens []int32) error {
	m.Reset()
	for _, t := range tokens {
		if w.stopped.Load() {
			return errStopped
		}
		start := time.Now()
		m.FillMask(w.mask)
		ok := w.mask.Has(t)
		if ok {
			if err := m.Accept(t); err != nil {
				return err
			}
		}
		w.res.again = append(w.res.again, time.Since(start))
		if !ok {
			break
		}
	}
	return nil
}

// noteSlow keeps the slowest masks of the file.
func (w *worker) noteSlow(d time.Duration, test, token int, nodes int64) {
	w.res.slow = insertSlow(w.res.slow, SlowMask{File: w.res.File, Test: test, Token: token, Time: d, Nodes: nodes}, w.cfg.Slowest)
}

// mallocs counts the allocations of the process so far.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
