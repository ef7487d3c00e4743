package bench

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// shownMessages bounds the messages shown under one reason of refusal.
	shownMessages = 5
	// shownWrong bounds the files shown of each wrong status.
	shownWrong = 40
	// shownRunes bounds a message.
	shownRunes = 100
)

// Print writes the report for people: MaskBench's table, the data sets, the reasons of
// refusal, the slowest masks and compilations, memory and calibration.
func (r *MaskReport) Print(w io.Writer) error {
	p := &printer{w: w}
	p.printf("vocabulary %s (%d tokens), %s order, %s spelling, %s white space, %s", r.Vocabulary, r.Tokens, r.Order, r.Spelling, r.Whitespace, r.Threads)
	if r.Commit != "" {
		p.printf(", commit %.12s", r.Commit)
	}
	p.printf("\n%d of %d files in %.1f s\n\n", r.All.Files, r.Files, r.Elapsed.Seconds())
	if r.Hung > 0 {
		p.printf("DISTURBED: %d files were still running beside the others\n\n", r.Hung)
	}
	p.mainTable([]*MaskGroup{r.All, r.Calls})
	p.setTable(r.Sets)
	p.reasons(r.Reasons)
	p.wrong(r.Wrong)
	p.slow(r.SlowMasks, r.SlowCompiles)
	p.costs(r)
	return p.err
}

// printer writes until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// table writes a Markdown table, aligned for reading as it is: the first column to the
// left, the others, which are numbers, to the right.
func (p *printer) table(rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for r, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				p.printf("| %s%s |", cell, pad)
			} else {
				p.printf(" %s%s |", pad, cell)
			}
		}
		p.printf("\n")
		if r == 0 {
			p.printf("|:%s-|", strings.Repeat("-", width[0]))
			for _, n := range width[1:] {
				p.printf("-%s:|", strings.Repeat("-", n))
			}
			p.printf("\n")
		}
	}
	p.printf("\n")
}

func (p *printer) mainTable(groups []*MaskGroup) {
	head := []string{"metric"}
	for _, g := range groups {
		head = append(head, g.Name)
	}
	rows := [][]string{head}
	add := func(name string, cell func(g *MaskGroup) string) {
		row := []string{name}
		for _, g := range groups {
			row = append(row, cell(g))
		}
		rows = append(rows, row)
	}
	for _, x := range []struct {
		name string
		of   func(g *MaskGroup) *Histogram
	}{
		{"TBM", func(g *MaskGroup) *Histogram { return &g.TBM }},
		{"TBM again", func(g *MaskGroup) *Histogram { return &g.Again }},
		{"TTFM", func(g *MaskGroup) *Histogram { return &g.TTFM }},
	} {
		add(x.name+" mean (µs)", func(g *MaskGroup) string { return micros(x.of(g).Mean()) })
		for _, q := range percentiles {
			add(x.name+" p"+trimFloat(q), func(g *MaskGroup) string { return micros(x.of(g).Quantile(q / 100)) })
		}
	}
	add("tokens", func(g *MaskGroup) string { return grouped(g.TBM.N()) })
	add("schemas", func(g *MaskGroup) string { return grouped(int64(g.Files)) })
	for _, s := range Statuses {
		add(string(s), func(g *MaskGroup) string { return share(g.Statuses[s], g.Files) })
	}
	add("masks walked", func(g *MaskGroup) string { return grouped(g.Walks) })
	add("masks from cache", func(g *MaskGroup) string { return grouped(g.Hits) })
	add("trie nodes per mask", func(g *MaskGroup) string { return ratio(float64(g.Nodes), float64(g.TBM.N())) })
	add("allocations per token", func(g *MaskGroup) string { return ratio(float64(g.ColdAllocs), float64(g.TBM.N())) })
	add("allocations again", func(g *MaskGroup) string { return ratio(float64(g.WarmAllocs), float64(g.Again.N())) })
	p.table(rows)
}

func (p *printer) setTable(sets []*MaskGroup) {
	rows := [][]string{{"data set", "files", "passed", "refused", "rejected", "accepted", "other",
		"TBM mean", "p50", "p99", "max", "TTFM p50", "p99", "max"}}
	for _, g := range sets {
		n := func(s Status) string { return strconv.Itoa(g.Statuses[s]) }
		other := g.Statuses[TimedOut] + g.Statuses[Crashed] + g.Statuses[Unreadable]
		rows = append(rows, []string{g.Name, strconv.Itoa(g.Files), n(Passed), n(Refused), n(ValidRejected), n(InvalidAccepted), strconv.Itoa(other),
			micros(g.TBM.Mean()), micros(g.TBM.Quantile(.5)), micros(g.TBM.Quantile(.99)), micros(g.TBM.Max()),
			micros(g.TTFM.Quantile(.5)), micros(g.TTFM.Quantile(.99)), micros(g.TTFM.Max())})
	}
	p.table(rows)
}

func (p *printer) reasons(reasons []Reason) {
	if len(reasons) == 0 {
		return
	}
	p.printf("reasons of refusal:\n")
	for _, r := range reasons {
		p.printf("%6d  %s\n", r.Count, r.Key)
		for i, m := range r.Messages {
			if i == shownMessages {
				p.printf("          … %d more\n", len(r.Messages)-i)
				break
			}
			p.printf("%12d  %s  (such as %s#%s)\n", m.Count, clip(cmp.Or(m.Message, "the keyword")), m.Example, m.Pointer)
		}
	}
	p.printf("\n")
}

// wrong lists the files that neither pass nor are refused.
func (p *printer) wrong(rows []FileRow) {
	for _, s := range Statuses[2:] {
		n := 0
		p.objections(rows, s)
		for _, row := range rows {
			if row.Status != s {
				continue
			}
			if n == 0 {
				p.printf("%s:\n", s)
			}
			if n++; n <= shownWrong {
				line, _, _ := strings.Cut(row.Wrong, "\n")
				p.printf("  %s: %s\n", row.File, clip(line))
			}
		}
		if n > shownWrong {
			p.printf("  … %d more, see the CSV\n", n-shownWrong)
		}
		if n > 0 {
			p.printf("\n")
		}
	}
}

// objections counts what an independent validator says about the files of a status.
func (p *printer) objections(rows []FileRow, s Status) {
	counts := make(map[string]int)
	for _, row := range rows {
		if row.Status == s && row.Objection != "" {
			counts[row.Objection]++
		}
	}
	if len(counts) == 0 {
		return
	}
	p.printf("%s, by the keyword that an independent validator finds violated:\n", s)
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	}) {
		p.printf("%6d  %s\n", counts[k], k)
	}
	p.printf("\n")
}

func (p *printer) slow(masks []SlowMask, compiles []FileRow) {
	if len(masks) > 0 {
		rows := [][]string{{"slowest masks", "test", "token", "µs", "nodes"}}
		for _, m := range masks {
			rows = append(rows, []string{m.File, strconv.Itoa(m.Test), strconv.Itoa(m.Token), micros(m.Time), grouped(m.Nodes)})
		}
		p.table(rows)
	}
	if len(compiles) > 0 {
		rows := [][]string{{"slowest compilations", "status", "µs"}}
		for _, r := range compiles {
			rows = append(rows, []string{r.File, string(r.Status), micros(r.TTFM)})
		}
		p.table(rows)
	}
}

func (p *printer) costs(r *MaskReport) {
	const mb = 1 << 20
	m, c := r.Memory, r.Calibration
	p.printf("memory: peak %d MiB resident, %d MiB before the first file (vocabulary, tokenizer); Go heap %d MiB at most, with %s, %d MiB before; largest cache of one file %.1f MiB\n",
		m.Peak/mb, m.Resident/mb, m.PeakHeap/mb, cmp.Or(m.PeakFile, "no file"), m.Heap/mb, float64(r.All.CacheBytes)/mb)
	p.printf("processor: %.1f s in Go code, %.1f s collecting garbage\n", m.User, m.GC)
	p.printf("calibration: %.2f ns per node of a plain walk over the %s nodes of the vocabulary's trie; %.0f ns to copy a mask; %.0f ns to read the clock, part of every TBM\n",
		c.Walk, grouped(int64(c.Nodes)), c.Copy, c.Clock)
	if r.All.TBM.N() > 0 && c.Walk > 0 {
		p.printf("in nodes of a plain walk: TBM mean %.0f, p50 %.0f, p99 %.0f, max %.0f; TTFM p50 %.0f, p99 %.0f\n",
			nodes(r.All.TBM.Mean(), c), nodes(r.All.TBM.Quantile(.5), c), nodes(r.All.TBM.Quantile(.99), c),
			nodes(r.All.TBM.Max(), c), nodes(r.All.TTFM.Quantile(.5), c), nodes(r.All.TTFM.Quantile(.99), c))
	}
}

func nodes(d time.Duration, c Calibration) float64 { return float64(d) / c.Walk }

// micros prints a duration in microseconds, with three digits where it is small.
func micros(d time.Duration) string {
	us := float64(d) / 1e3
	switch {
	case us < 10:
		return strconv.FormatFloat(us, 'f', 2, 64)
	case us < 100:
		return strconv.FormatFloat(us, 'f', 1, 64)
	}
	return grouped(int64(us + .5))
}

// grouped prints an integer with commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := len(s) % 3
	if n < 0 {
		start = (len(s)-1)%3 + 1
	}
	out := s[:start]
	for i := start; i < len(s); i += 3 {
		if out != "" && out != "-" {
			out += ","
		}
		out += s[i : i+3]
	}
	return out
}

func share(n, of int) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%s (%.1f %%)", grouped(int64(n)), 100*float64(n)/float64(of))
}

func ratio(a, b float64) string {
	if b == 0 {
		return "–"
	}
	return strconv.FormatFloat(a/b, 'f', 2, 64)
}

func trimFloat(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func clip(s string) string {
	if r := []rune(s); len(r) > shownRunes {
		return string(r[:shownRunes]) + "…"
	}
	return s
}

// RowWriter writes the results of files as CSV, each as soon as it is there, so that they
// survive whatever ends the run.
type RowWriter struct{ csv *csv.Writer }

// NewRowWriter writes the header.
func NewRowWriter(w io.Writer) (*RowWriter, error) {
	r := &RowWriter{csv.NewWriter(w)}
	return r, r.write([]string{"file", "set", "status", "reason", "pointer", "detail", "objection", "tests", "invalid_accepted", "valid_rejected",
		"ttfm_us", "masks", "tbm_mean_us", "tbm_max_us", "nodes", "walks", "hits", "cache_bytes", "cold_allocs", "warm_allocs"})
}

// Write writes one row; times are in microseconds.
func (r *RowWriter) Write(x FileRow) error {
	us := func(d time.Duration) string { return strconv.FormatFloat(float64(d)/1e3, 'f', 3, 64) }
	detail, reason := x.Wrong, ""
	if x.Status == Refused {
		detail, reason = x.Refusal.Message, x.Refusal.Key()
	}
	return r.write([]string{x.File, x.Set, string(x.Status), reason, x.Refusal.Pointer, detail, x.Objection,
		strconv.Itoa(x.Tests), strconv.Itoa(x.InvalidAccepted), strconv.Itoa(x.ValidRejected),
		us(x.TTFM), strconv.Itoa(x.Masks), us(x.Mean()), us(x.Max),
		fmt.Sprint(x.Work.Nodes), fmt.Sprint(x.Work.Walks), fmt.Sprint(x.Work.Hits), fmt.Sprint(x.Work.Bytes),
		fmt.Sprint(x.ColdAllocs), fmt.Sprint(x.WarmAllocs)})
}

func (r *RowWriter) write(cells []string) error {
	if err := r.csv.Write(cells); err != nil {
		return err
	}
	r.csv.Flush()
	return r.csv.Error()
}
