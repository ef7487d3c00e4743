package bench

import (
	"cmp"
	"encoding/json"
	"runtime/debug"
	"slices"
	"time"

	"github.com/callama/callama/grammar/schema"
)

// MaskReport holds what a run of the MaskBench protocol measured.
type MaskReport struct {
	Vocabulary string `json:"vocabulary"`
	Tokens     int    `json:"tokens"`
	Order      string `json:"order"`
	Whitespace string `json:"whitespace"`
	Spelling   string `json:"spelling"`
	Threads    string `json:"threads"`
	Commit     string `json:"commit,omitempty"`

	Files   int           `json:"files"` // that there are; All.Files were measured
	Elapsed time.Duration `json:"elapsed_ns"`
	// Hung counts files that were still running when the run went on: what was measured
	// after the first of them is disturbed.
	Hung int `json:"hung"`

	All   *MaskGroup   `json:"all"`
	Calls *MaskGroup   `json:"function_calls"` // schemas of functions only
	Sets  []*MaskGroup `json:"sets"`           // by name

	Reasons      []Reason    `json:"reasons"` // of refusals, the most frequent first
	SlowMasks    []SlowMask  `json:"slow_masks"`
	SlowCompiles []FileRow   `json:"slow_compiles"`
	Memory       Memory      `json:"memory"`
	Calibration  Calibration `json:"calibration"`
	Wrong        []FileRow   `json:"-"` // of the files that neither pass nor are refused

	slowest int
}

// MaskGroup sums up some of the files.
type MaskGroup struct {
	Name     string         `json:"name"`
	Files    int            `json:"files"`
	Statuses map[Status]int `json:"statuses"`
	Tests    int            `json:"tests"`

	TBM   Histogram `json:"tbm"`   // time between masks: FillMask and Accept
	Again Histogram `json:"again"` // the same when every mask was seen before
	TTFM  Histogram `json:"ttfm"`  // time to the first mask, of the schemas that compile

	Walks      int64  `json:"mask_walks"`
	Hits       int64  `json:"mask_hits"`
	Nodes      int64  `json:"trie_nodes"`
	CacheBytes int    `json:"largest_cache_bytes"` // of one file
	ColdAllocs uint64 `json:"cold_allocs"`
	WarmAllocs uint64 `json:"warm_allocs"`
}

// Reason is a group of refusals.
type Reason struct {
	Key      string   `json:"key"`
	Count    int      `json:"count"`    // files, or tests
	Messages []Detail `json:"messages"` // the most frequent first
}

// Detail is one message of a Reason with a place that shows it.
type Detail struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
	Example string `json:"example"`
	Pointer string `json:"pointer"`
}

// SlowMask is one of the slowest masks.
type SlowMask struct {
	File  string        `json:"file"`
	Test  int           `json:"test"`
	Token int           `json:"token"`
	Time  time.Duration `json:"ns"`
	Nodes int64         `json:"nodes"` // trie nodes walked for it
}

func newMaskReport(cfg MaskConfig) *MaskReport {
	rep := &MaskReport{Vocabulary: cfg.Vocabulary.Name, Tokens: cfg.Vocabulary.Vocab.Len(), Order: orderName(cfg.Schema.Order), Whitespace: "model", Spelling: spellingName(cfg.Schema.Spelling),
		Threads: threads(), Commit: revision(), Files: len(cfg.Files), slowest: cfg.Slowest,
		All: newGroup("all"), Calls: newGroup("function calls"), Calibration: Calibrate(cfg.Vocabulary.Vocab)}
	if cfg.Schema.Whitespace == schema.Flexible {
		rep.Whitespace = "flexible"
	}
	return rep
}

func orderName(o schema.Order) string {
	if o == schema.SchemaOrder {
		return "schema"
	}
	return "any"
}

func spellingName(s schema.Spelling) string {
	if s == schema.AnySpelling {
		return "any"
	}
	return "canonical"
}

func newGroup(name string) *MaskGroup { return &MaskGroup{Name: name, Statuses: make(map[Status]int)} }

// revision is the commit that the program was built from, with a "+" if it was changed.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var commit, changed string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = "+"
			}
		}
	}
	return commit + changed
}

// add counts one file in.
func (r *MaskReport) add(res *fileResult) {
	groups := []*MaskGroup{r.All, r.set(res.Set)}
	if isFunctionCall(res.Set) {
		groups = append(groups, r.Calls)
	}
	for _, g := range groups {
		g.add(res)
	}
	switch res.Status {
	case Passed:
	case Refused:
		r.Reasons = addReason(r.Reasons, res.Refusal, res.File)
	default:
		r.Wrong = append(r.Wrong, res.FileRow)
	}
	for _, s := range res.slow {
		r.SlowMasks = insertSlow(r.SlowMasks, s, r.slowest)
	}
	at, _ := slices.BinarySearchFunc(r.SlowCompiles, res.TTFM, func(x FileRow, d time.Duration) int { return cmp.Compare(d, x.TTFM) })
	if at < r.slowest {
		r.SlowCompiles = slices.Insert(r.SlowCompiles, at, res.FileRow)
		r.SlowCompiles = r.SlowCompiles[:min(len(r.SlowCompiles), r.slowest)]
	}
	r.Memory.sample(res.File)
}

// set returns the group of a data set; groups are sorted by name.
func (r *MaskReport) set(name string) *MaskGroup {
	at, ok := slices.BinarySearchFunc(r.Sets, name, func(g *MaskGroup, name string) int { return cmp.Compare(g.Name, name) })
	if !ok {
		r.Sets = slices.Insert(r.Sets, at, newGroup(name))
	}
	return r.Sets[at]
}

func (g *MaskGroup) add(res *fileResult) {
	g.Files++
	g.Statuses[res.Status]++
	g.Tests += res.Tests
	if res.begun {
		g.TTFM.Add(res.TTFM)
	}
	for _, d := range res.masks {
		g.TBM.Add(d)
	}
	for _, d := range res.again {
		g.Again.Add(d)
	}
	g.Walks += res.Work.Walks
	g.Hits += res.Work.Hits
	g.Nodes += res.Work.Nodes
	g.CacheBytes = max(g.CacheBytes, res.Work.Bytes)
	g.ColdAllocs += res.ColdAllocs
	g.WarmAllocs += res.WarmAllocs
}

// addReason groups a refusal by its key and its message; both lists stay sorted by
// frequency.
func addReason(reasons []Reason, why Refusal, example string) []Reason {
	at := slices.IndexFunc(reasons, func(x Reason) bool { return x.Key == why.Key() })
	if at < 0 {
		at = len(reasons)
		reasons = append(reasons, Reason{Key: why.Key()})
	}
	r := &reasons[at]
	r.Count++
	i := slices.IndexFunc(r.Messages, func(x Detail) bool { return x.Message == why.Message })
	if i < 0 {
		i = len(r.Messages)
		r.Messages = append(r.Messages, Detail{Message: why.Message, Example: example, Pointer: why.Pointer})
	}
	r.Messages[i].Count++
	slices.SortStableFunc(r.Messages, func(a, b Detail) int { return b.Count - a.Count })
	slices.SortStableFunc(reasons, func(a, b Reason) int { return b.Count - a.Count })
	return reasons
}

// insertSlow puts a mask into a list of at most most, the slowest first.
func insertSlow(list []SlowMask, s SlowMask, most int) []SlowMask {
	if most <= 0 || len(list) == most && s.Time <= list[most-1].Time {
		return list
	}
	at, _ := slices.BinarySearchFunc(list, s.Time, func(x SlowMask, d time.Duration) int { return cmp.Compare(d, x.Time) })
	list = slices.Insert(list, at, s)
	return list[:min(len(list), most)]
}

// percentiles are those of MaskBench's table.
var percentiles = []float64{25, 50, 75, 90, 95, 99, 99.9, 100}

// MarshalJSON writes count, mean and MaskBench's percentiles, in nanoseconds.
func (h *Histogram) MarshalJSON() ([]byte, error) {
	out := map[string]any{"n": h.n, "mean_ns": h.Mean()}
	for _, p := range percentiles {
		out["p"+trimFloat(p)+"_ns"] = h.Quantile(p / 100)
	}
	return json.Marshal(out)
}
