package bench

import (
	"io"
	"strconv"
)

// Print writes the report for people: by draft, by keyword, why tests were refused, and
// which are wrong.
func (r *SuiteReport) Print(w io.Writer) error {
	p := &printer{w: w}
	head := []string{"tests", "right", "accepted wrongly", "rejected wrongly", "refused", "crashed", "decided"}
	rows := [][]string{append([]string{"draft (" + r.Order + " order, " + r.Spelling + " spelling)"}, head...)}
	for _, d := range r.Drafts {
		rows = append(rows, tallyRow(d.Name, d.Required))
		if d.Optional.Tests() > 0 {
			rows = append(rows, tallyRow(d.Name+" optional", d.Optional))
		}
	}
	p.table(rows)
	rows = [][]string{append([]string{"file, all drafts"}, head...)}
	for _, f := range r.Keywords() {
		rows = append(rows, tallyRow(f.Name, f.SuiteTally))
	}
	p.table(rows)
	p.reasons(r.Reasons)
	for _, v := range []Verdict{AcceptedWrongly, RejectedWrongly, Failed} {
		n := 0
		for _, c := range r.Wrong {
			if c.Verdict != v {
				continue
			}
			if n == 0 {
				p.printf("%s:\n", v)
			}
			n++
			p.printf("  %s/%s: %s: %s\n      %s under %s%s\n", c.Draft, c.File, c.Group, c.Test, clip(c.Instance), clip(c.Schema), c.Detail)
		}
		if n > 0 {
			p.printf("\n")
		}
	}
	return p.err
}

func tallyRow(name string, t SuiteTally) []string {
	return []string{name, strconv.Itoa(t.Tests()), share(t.Right, t.Tests()), strconv.Itoa(t.Accepted), strconv.Itoa(t.Rejected),
		strconv.Itoa(t.Refused), strconv.Itoa(t.Crashed), share(t.Tests()-t.Refused-t.Crashed, t.Tests())}
}
