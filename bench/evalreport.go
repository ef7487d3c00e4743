package bench

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/callama/callama/internal/printable"
)

// EvalReport holds what was judged, in the order of the items.
type EvalReport struct {
	Model     string        `json:"model"`
	Dialect   string        `json:"dialect"`
	Adapters  []string      `json:"adapters,omitempty"`
	Runtime   string        `json:"runtime"`
	Threads   int           `json:"threads"`
	Context   int           `json:"context"`
	MaxTokens int           `json:"max_tokens"`
	Items     int           `json:"items"` // that there were to do
	Modes     []EvalMode    `json:"modes"`
	Elapsed   time.Duration `json:"elapsed_ns"`
	Tallies   []EvalTally   `json:"tallies"`
	Rows      []EvalRow     `json:"rows"`
}

// EvalTally counts items. Names, Arguments and Tried count among other things than Items:
// see their comments.
type EvalTally struct {
	Category string   `json:"category"` // "" is all
	Lang     string   `json:"lang"`     // "" is all
	Mode     EvalMode `json:"mode"`
	Items    int      `json:"items"`
	Right    int      `json:"right"`
	Calls    int      `json:"calls"`         // items that want calls
	Names    int      `json:"names_right"`   // of Calls: the right tools
	Args     int      `json:"calls_right"`   // of Calls: the arguments are right as well
	NoCall   int      `json:"no_call"`       // items that want none
	Silent   int      `json:"no_call_right"` // of NoCall: there is none
	Tried    int      `json:"tried"`         // replies with calls, or what was begun as one
	Valid    int      `json:"valid"`         // of Tried: calls of given tools, valid for their schemas
	Cut      int      `json:"cut"`
	Refused  int      `json:"refused"`

	PromptTokens int           `json:"prompt_tokens"`
	Tokens       int           `json:"tokens"`
	Prefill      time.Duration `json:"prefill_ns"`
	Decode       time.Duration `json:"decode_ns"`
}

func (t *EvalTally) add(r *EvalRow) {
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	t.Items++
	count(&t.Right, r.Right)
	count(&t.Calls, r.WantsCall)
	count(&t.Names, r.WantsCall && r.Names)
	count(&t.Args, r.WantsCall && r.Right)
	count(&t.NoCall, !r.WantsCall)
	count(&t.Silent, !r.WantsCall && r.Right)
	count(&t.Tried, r.Tried)
	count(&t.Valid, r.Valid)
	count(&t.Cut, r.Cut)
	count(&t.Refused, r.Refused)
	t.PromptTokens += r.PromptTokens
	t.Tokens += r.Tokens
	t.Prefill += r.Prefill
	t.Decode += r.Decode
}

// tally counts a mode's rows by category and language, then by language, then all.
func (r *EvalReport) tally(mode EvalMode) []EvalTally {
	var out []EvalTally
	add := func(category, lang string, row *EvalRow) {
		at := slices.IndexFunc(out, func(t EvalTally) bool { return t.Category == category && t.Lang == lang })
		if at < 0 {
			at = len(out)
			out = append(out, EvalTally{Category: category, Lang: lang, Mode: mode})
		}
		out[at].add(row)
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Mode == mode {
			add(row.Category, row.Lang, row)
			add("", row.Lang, row)
			add("", "", row)
		}
	}
	slices.SortStableFunc(out, func(a, b EvalTally) int {
		return cmp.Or(last(a.Category, b.Category), last(a.Lang, b.Lang))
	})
	return out
}

// last orders strings, the empty one behind all others.
func last(a, b string) int {
	if (a == "") != (b == "") {
		return strings.Compare(b, a)
	}
	return strings.Compare(a, b)
}

// of returns the tallies of a mode.
func (r *EvalReport) of(mode EvalMode) []EvalTally {
	return slices.DeleteFunc(slices.Clone(r.Tallies), func(t EvalTally) bool { return t.Mode != mode })
}

// Print writes the report for people: one table for each mode, and for two modes what is
// right and valid in each.
func (r *EvalReport) Print(w io.Writer) error {
	p := &printer{w: w}
	p.printf("model %s, dialect %s", r.Model, r.Dialect)
	if len(r.Adapters) > 0 {
		p.printf(", adapters %s", strings.Join(r.Adapters, ", "))
	}
	p.printf(", %s, %d threads, context %d\n", r.Runtime, r.Threads, r.Context)
	p.printf("%d of %d items in %.1f s\n\n", len(r.Rows)/max(1, len(r.Modes)), r.Items, r.Elapsed.Seconds())
	for _, mode := range r.Modes {
		tallies := r.of(mode)
		if len(tallies) == 0 {
			continue
		}
		name := "with the grammar"
		if mode == EvalFree {
			name = "without the grammar"
		}
		rows := [][]string{{name, "lang", "n", "exact", "names", "arguments", "no call", "valid", "cut", "refused"}}
		for _, t := range tallies {
			rows = append(rows, []string{cmp.Or(t.Category, "all"), cmp.Or(t.Lang, "all"), strconv.Itoa(t.Items), percent(t.Right, t.Items),
				percent(t.Names, t.Calls), percent(t.Args, t.Names), percent(t.Silent, t.NoCall), percent(t.Valid, t.Tried),
				strconv.Itoa(t.Cut), strconv.Itoa(t.Refused)})
		}
		p.table(rows)
		all := tallies[len(tallies)-1]
		p.printf("prompt %d tokens, %.0f tokens/s; replies %d tokens, %.0f tokens/s\n\n", all.PromptTokens, rate(all.PromptTokens, all.Prefill),
			all.Tokens, rate(all.Tokens, all.Decode))
	}
	if len(r.Modes) == 2 && len(r.Rows) > 0 {
		p.difference(r.of(r.Modes[0]), r.of(r.Modes[1]))
	}
	return p.err
}

// difference writes the tallies of two modes beside each other. An interrupt may have left
// out groups of the second.
func (p *printer) difference(with, without []EvalTally) {
	rows := [][]string{{"with and without", "lang", "n", "exact with", "without", "valid with", "without"}}
	for _, t := range with {
		var o EvalTally
		if at := slices.IndexFunc(without, func(x EvalTally) bool { return x.Category == t.Category && x.Lang == t.Lang }); at >= 0 {
			o = without[at]
		}
		rows = append(rows, []string{cmp.Or(t.Category, "all"), cmp.Or(t.Lang, "all"), strconv.Itoa(t.Items), percent(t.Right, t.Items),
			percent(o.Right, o.Items), percent(t.Valid, t.Tried), percent(o.Valid, o.Tried)})
	}
	p.table(rows)
}

// PrintWrong writes the first n replies that are not right: the question, what was
// expected, what came and why that is wrong.
func (r *EvalReport) PrintWrong(w io.Writer, n int) error {
	p := &printer{w: w}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Right || n <= 0 {
			continue
		}
		n--
		expected := string(row.Expected)
		if !row.WantsCall {
			expected = "no call"
		}
		p.printf("%s\n", printable.Line(fmt.Sprintf("%s (%s, %s, %s): %s", row.ID, row.Category, row.Lang, row.Mode, row.Fault)))
		p.printf("  question  %s\n", printable.Line(row.Question))
		p.printf("  expected  %s\n", printable.Line(cmp.Or(expected, "a call")))
		for _, call := range row.Calls {
			p.printf("  call      %s\n", printable.Line(call.Name+" "+string(call.Arguments)))
		}
		if row.Content != "" {
			p.printf("  text      %s\n", printable.Line(row.Content))
		}
	}
	return p.err
}

// percent prints a part, "–" where there is nothing to count.
func percent(n, of int) string {
	if of == 0 {
		return "–"
	}
	return strconv.FormatFloat(100*float64(n)/float64(of), 'f', 1, 64) + " %"
}

func rate(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// WriteCSV writes one line for each row; times are in microseconds.
func (r *EvalReport) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"id", "category", "lang", "mode", "wants_call", "right", "names_right", "tried", "valid", "cut", "refused",
		"prompt_tokens", "tokens", "prefill_us", "decode_us", "expected", "calls", "content", "fault"}}
	for _, x := range r.Rows {
		calls, err := json.Marshal(x.Calls)
		if err != nil {
			return fmt.Errorf("bench: eval: %s: %w", x.ID, err)
		}
		lines = append(lines, []string{x.ID, x.Category, x.Lang, string(x.Mode), yes(x.WantsCall), yes(x.Right), yes(x.Names), yes(x.Tried), yes(x.Valid),
			yes(x.Cut), yes(x.Refused), strconv.Itoa(x.PromptTokens), strconv.Itoa(x.Tokens), strconv.FormatInt(x.Prefill.Microseconds(), 10),
			strconv.FormatInt(x.Decode.Microseconds(), 10), string(x.Expected), string(calls), x.Content, x.Fault})
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("bench: eval: %w", err)
	}
	return nil
}

func yes(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
