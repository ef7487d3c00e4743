package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/callama/callama/grammar/explain"
)

// walkPrinter writes an explain.Report for people.
type walkPrinter struct {
	paint
	text   []byte
	report *explain.Report
	unit   string // what a step takes: a token or a byte
	last   int    // steps shown; 0 is all
	out    bytes.Buffer
}

func (p *walkPrinter) print(title string) []byte {
	steps := p.report.Steps
	fmt.Fprintf(&p.out, "%s\n", p.bold(title))
	if p.last > 0 && len(steps) > p.last {
		fmt.Fprintf(&p.out, "%s\n", p.faint(count(len(steps)-p.last, p.unit)+" before"))
		steps = steps[len(steps)-p.last:]
	}
	for i := range steps {
		p.step(&steps[i])
	}
	switch p.report.Outcome {
	case explain.Valid:
		fmt.Fprintf(&p.out, "\n%s\n", p.green("valid: the text may end here"))
	case explain.Incomplete:
		p.incomplete(p.report.Refusal)
	case explain.Refused:
		p.refused(p.report.Refusal)
	}
	return p.out.Bytes()
}

// tick quotes a piece of text in one line.
func tick(s string) string {
	return "`" + strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "`"
}

// step writes the token with where it stands, then what else was possible.
func (p *walkPrinter) step(s *explain.Step) {
	token := p.blue(tick(s.Text))
	pad := max(0, 14-utf8.RuneCountInString(tick(s.Text)))
	if s.Text == "" {
		token, pad = p.faint("(end)"), 9
	}
	if r := p.report.Refusal; r != nil && p.report.Outcome == explain.Refused && s == &p.report.Steps[len(p.report.Steps)-1] {
		token = p.red(tick(s.Text))
	}
	where := "the text must end"
	if len(s.Places) > 0 {
		where = p.where(s.Places[0])
		if n := len(s.Places) - 1; s.More {
			where += p.faint(fmt.Sprintf("  and more than %s", count(n, "other place")))
		} else if n > 0 {
			where += p.faint("  and " + count(n, "other place"))
		}
	}
	fmt.Fprintf(&p.out, "%4d  %s%s  %s\n", s.Index, token, strings.Repeat(" ", pad), where)
	facts := []string{fmt.Sprintf("state %d", s.State), count(s.Allowed, p.unit) + " allowed"}
	if s.Forced != "" {
		facts = append(facts, "forced "+tick(s.Forced))
	} else if len(s.Examples) > 0 {
		list := make([]string, len(s.Examples))
		for i, e := range s.Examples {
			list[i] = tick(e)
		}
		some := strings.Join(list, " ")
		if s.Allowed > len(list) {
			some += " …"
		}
		facts = append(facts, some)
	}
	if s.MayEnd {
		facts = append(facts, "may end")
	} else {
		facts = append(facts, count(s.Least, "byte")+" to the end")
	}
	fmt.Fprintf(&p.out, "%s%s\n", strings.Repeat(" ", 22), p.faint(strings.Join(facts, " · ")))
}

// where writes the place in the schema, if there is one, and the stack.
func (p *walkPrinter) where(place explain.Place) string {
	stack := strings.Join(place.Rules, " › ")
	const most = 90
	if utf8.RuneCountInString(stack) > most && len(place.Rules) > 4 {
		n := len(place.Rules)
		stack = strings.Join(append([]string{place.Rules[0], "…"}, place.Rules[n-3:]...), " › ")
	}
	if len(place.Pointers) == 0 {
		return stack
	}
	return p.bold(pointerName(place.Document, strings.Join(place.Pointers, " & "))) + "  " + p.faint(stack)
}

func pointerName(document, pointer string) string {
	if pointer == "" {
		pointer = "(root)"
	}
	if document != "" {
		return document + ": " + pointer
	}
	return pointer
}

func (p *walkPrinter) incomplete(r *explain.Refusal) {
	fmt.Fprintf(&p.out, "\n%s\n", p.red("incomplete: the text cannot end here"))
	p.context(r)
	p.list("expected one of", r.Expected)
	fmt.Fprintf(&p.out, "  shortest end  %s\n", tick(r.Shortest))
}

func (p *walkPrinter) refused(r *explain.Refusal) {
	fmt.Fprintf(&p.out, "\n%s\n", p.red(fmt.Sprintf("refused: %s at byte %d", tick(r.Got), r.Offset)))
	p.context(r)
	p.list("expected one of", r.Expected)
	for i, place := range r.Places {
		label := "at"
		if i > 0 {
			label = "or at"
		}
		fmt.Fprintf(&p.out, "  %-13s %s\n", label, p.where(place))
	}
	for i, c := range r.Causes {
		label := "because"
		if i > 0 {
			label = "and"
		}
		what := c.Option
		if c.Keyword != "" {
			what = p.bold(fmt.Sprintf("%q: %s", c.Keyword, c.Value)) + "  at " + pointerName(c.Document, c.Pointer)
		}
		fmt.Fprintf(&p.out, "  %-13s %s\n", label, what)
	}
	if r.Partial {
		fmt.Fprintf(&p.out, "  %-13s %s\n", "", p.faint("the search for causes took too long; there may be others"))
	}
	if r.Shortest != "" {
		fmt.Fprintf(&p.out, "  would end by  %s\n", tick(r.Shortest))
	}
}

func (p *walkPrinter) list(label string, items []string) {
	fmt.Fprintf(&p.out, "  %s %s\n", label, strings.Join(items, "  "))
}

// context writes the text around the byte, with a mark below it.
func (p *walkPrinter) context(r *explain.Refusal) {
	const around = 50
	at := min(r.Offset, len(p.text))
	from, to := max(0, at-around), min(len(p.text), at+around)
	before, after := tick(string(p.text[from:at])), tick(string(p.text[at:to]))
	before, after = strings.Trim(before, "`"), strings.Trim(after, "`")
	if from > 0 {
		before = "…" + before
	}
	if to < len(p.text) {
		after += "…"
	}
	fmt.Fprintf(&p.out, "  %s%s\n  %s%s\n", strings.ToValidUTF8(before, "�"), p.red(strings.ToValidUTF8(after, "�")),
		strings.Repeat(" ", utf8.RuneCountInString(before)), p.red("^"))
}
