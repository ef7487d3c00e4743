package schema

import "strings"

// texts joins short texts, of which many share a block of memory.
type texts struct{ block strings.Builder }

// textBlock is the size of a block.
const textBlock = 256

// join returns texts one after the other.
func (t *texts) join(parts ...string) string {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if t.block.Cap()-t.block.Len() < n { // what the old block holds stays where it is
		t.block = strings.Builder{}
		t.block.Grow(max(n, textBlock))
	}
	from := t.block.Len()
	for _, p := range parts {
		t.block.WriteString(p)
	}
	return t.block.String()[from:]
}
