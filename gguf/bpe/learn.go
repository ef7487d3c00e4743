package bpe

import (
	"cmp"
	"container/heap"
	"slices"
)

// Merge is one rule that a corpus teaches: the two tokens, as bytes, that become one.
type Merge struct{ Left, Right string }

// Learner learns merges. The zero value may join any two neighbours in a piece.
type Learner struct {
	// Joins says whether two neighbours may become one token; nil is always. It is asked
	// once for each pair.
	Joins func(left, right string) bool
}

// Learn joins the most frequent neighbours within pieces, again and again, up to n times.
// pieces says how often each distinct piece comes in the corpus. Ties go to the pair that
// sorts first, so the result depends on the counts alone; a pair that gives a token again is
// skipped. Memory: some 40 bytes for each byte of
// the distinct pieces; a million such bytes and 5,000 merges take about a second.
func (l Learner) Learn(pieces map[string]int, n int) []Merge {
	w := newWorkspace(l, pieces)
	var out []Merge
	for len(out) < n {
		best, ok := w.best()
		if !ok {
			break
		}
		left, right := w.texts[best.left], w.texts[best.right]
		if _, known := w.ids[left+right]; known {
			w.counts[best] = 0
			continue
		}
		out = append(out, Merge{left, right})
		w.join(best, w.token(left+right))
	}
	return out
}

// pair is two tokens that stand side by side.
type pair struct{ left, right int32 }

// learnWord is a distinct piece: how often it comes and its tokens so far.
type learnWord struct {
	count  int
	tokens []int32
}

// workspace keeps the counts of all pairs up to date while words change.
type workspace struct {
	joins  func(left, right string) bool
	words  []learnWord
	texts  []string         // by token
	ids    map[string]int32 // by text
	counts map[pair]int
	where  map[pair][]int32 // words in which a pair stands, or once stood
	queue  pairQueue        // every pair, with counts that may have become too large
}

func newWorkspace(l Learner, pieces map[string]int) *workspace {
	w := &workspace{joins: l.Joins, ids: make(map[string]int32), counts: make(map[pair]int), where: make(map[pair][]int32)}
	for b := range 256 {
		w.token(string([]byte{byte(b)}))
	}
	texts := make([]string, 0, len(pieces))
	for text := range pieces {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	for at, text := range texts {
		word := learnWord{pieces[text], make([]int32, len(text))}
		for i := range len(text) {
			word.tokens[i] = int32(text[i])
		}
		w.words = append(w.words, word)
		w.count(int32(at), 1, -1)
	}
	for p := range w.counts {
		w.push(p)
	}
	return w
}

func (w *workspace) token(text string) int32 {
	id := int32(len(w.texts))
	w.texts = append(w.texts, text)
	w.ids[text] = id
	return id
}

// count adds the pairs of a word to the counts, sign times, and notes where they stand: all
// pairs, or only those of a new token.
func (w *workspace) count(at int32, sign int, token int32) {
	word := &w.words[at]
	for i := 1; i < len(word.tokens); i++ {
		p := pair{word.tokens[i-1], word.tokens[i]}
		w.counts[p] += sign * word.count
		if sign < 0 || token >= 0 && p.left != token && p.right != token {
			continue
		}
		if list := w.where[p]; len(list) == 0 || list[len(list)-1] != at {
			w.where[p] = append(list, at)
		}
	}
}

// join replaces the pair by a token in every word that has it.
func (w *workspace) join(p pair, token int32) {
	changed := make(map[pair]bool)
	places := w.where[p]
	delete(w.where, p)
	for _, at := range places {
		w.count(at, -1, -1)
		w.words[at].tokens = joinPair(w.words[at].tokens, p, token)
		w.count(at, 1, token)
		for i, t := range w.words[at].tokens {
			if t != token {
				continue
			}
			if i > 0 {
				changed[pair{w.words[at].tokens[i-1], t}] = true
			}
			if i+1 < len(w.words[at].tokens) {
				changed[pair{t, w.words[at].tokens[i+1]}] = true
			}
		}
	}
	delete(w.counts, p)
	for q := range changed {
		w.push(q)
	}
}

func joinPair(tokens []int32, p pair, token int32) []int32 {
	out := tokens[:0]
	for i := 0; i < len(tokens); i++ {
		if i+1 < len(tokens) && tokens[i] == p.left && tokens[i+1] == p.right {
			out = append(out, token)
			i++
			continue
		}
		out = append(out, tokens[i])
	}
	return out
}

// push queues a pair with its count of now, if it may be joined.
func (w *workspace) push(p pair) {
	if n := w.counts[p]; n > 0 && (w.joins == nil || w.joins(w.texts[p.left], w.texts[p.right])) {
		heap.Push(&w.queue, queued{p, n, w.texts[p.left], w.texts[p.right]})
	}
}

// best takes the pair with the highest count from the queue. Counts of queued pairs only
// fall (a pair whose count rises holds a new token and is queued then), so one that is
// still right is the best.
func (w *workspace) best() (pair, bool) {
	for len(w.queue) > 0 {
		top := heap.Pop(&w.queue).(queued)
		switch n := w.counts[top.pair]; {
		case n == top.count:
			return top.pair, true
		case n > 0:
			top.count = n
			heap.Push(&w.queue, top)
		}
	}
	return pair{}, false
}

type queued struct {
	pair
	count               int
	leftText, rightText string
}

type pairQueue []queued

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[j].count, q[i].count), cmp.Compare(q[i].leftText, q[j].leftText),
		cmp.Compare(q[i].rightText, q[j].rightText)) < 0
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(x any)   { *q = append(*q, x.(queued)) }
func (q *pairQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// Count adds the pieces of text to counts; digits is the longest run of digits.
func Count(counts map[string]int, text string, digits int) {
	for text != "" {
		n := Piece(text, digits)
		counts[text[:n]]++
		text = text[n:]
	}
}
