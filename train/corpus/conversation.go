package corpus

import (
	"slices"
	"strings"
	"unicode"
)

// conversation is a conversation in the making.
type conversation struct {
	*source
	cfg      Config
	style    style
	tools    []*tool
	checkers map[*tool]*checker
	similar  bool // some tools are easily mixed up
	common   bool // the tools are those that people try first
	observes bool // results are shown and told
	last     []call
	turns    []Turn
	tasks    []string
}

func newConversation(s *source, cfg Config) *conversation {
	c := &conversation{source: s, cfg: cfg, style: s.style(), checkers: make(map[*tool]*checker), observes: s.chance(0.35)}
	n := c.toolCount()
	if s.split == Train && cfg.Stage == Full && s.chance(0.12) {
		c.common, n = true, 6+s.IntN(5)
		if s.chance(0.6) {
			c.style.descs = languages[:]
		}
	}
	switch {
	case cfg.Stage == Copy:
		c.style.small, c.observes, c.scramble = 1+s.IntN(2), false, s.chance(0.6)
	case cfg.Stage == Short:
		c.style.small = 3
	case cfg.Stage == Choose:
		c.style.small, c.observes = 1+s.IntN(2), false
	case c.common:
		c.style.small = 1 + s.IntN(2)
	case n > 5:
		c.style.small = 1
	case n > 2:
		c.style.small = 2
	}
	c.inventTools(n)
	return c
}

// toolShares say how many conversations in a hundred have one tool, two, and so on.
var toolShares = []int{17, 17, 14, 12, 10, 9, 7, 6, 5, 3}

func (c *conversation) toolCount() int {
	switch c.cfg.Stage {
	case Copy:
		return 1 + c.IntN(2)
	case Short:
		return 1 + c.IntN(3)
	case Choose:
		return 2 + c.IntN(4)
	}
	x := c.IntN(100)
	n := 1
	for _, share := range toolShares {
		if x -= share; x < 0 {
			break
		}
		n++
	}
	return n
}

// inventTools draws n tools of different names and kinds, now and then similar ones.
func (c *conversation) inventTools(n int) {
	byHand := 0.4
	switch {
	case c.split == HeldOut || c.cfg.Stage == Copy:
		byHand = 0.15
	case c.chance(0.25):
		byHand = 0.9 // as programs have them
	}
	native := c.style.native(c.lang)
	c.similar = n > 1 && c.chance(0.3) && c.cfg.Stage != Copy
	var first *domain
	for tries := 0; len(c.tools) < n && tries < 10*n; tries++ {
		var d *domain
		switch {
		case c.common:
			d = pick(c.source, c.pools.common)
		case c.similar && first != nil && len(c.tools) < 3:
			d = c.alike(first, native)
		case c.chance(byHand):
			d = c.someDomain()
		default:
			d = c.compose(native, c.someObject(native))
		}
		if first == nil {
			first = d
		}
		if c.cfg.Stage != Full && slices.ContainsFunc(d.params, func(p *parameter) bool { return len(p.parts) > 0 }) {
			continue
		}
		c.addTool(d, first)
	}
	c.Shuffle(len(c.tools), func(i, j int) { c.tools[i], c.tools[j] = c.tools[j], c.tools[i] })
}

// someDomain draws a domain that was written by hand, the common ones more often.
func (s *source) someDomain() *domain {
	if len(s.pools.common) > 0 && s.chance(0.35) {
		return pick(s, s.pools.common)
	}
	return pick(s, s.pools.domains)
}

// alike draws a domain that is easily taken for another.
func (c *conversation) alike(d *domain, native bool) *domain {
	var others []*domain
	for _, other := range c.pools.domains {
		if other.group == d.group && other != d {
			others = append(others, other)
		}
	}
	if len(others) > 0 {
		return pick(c.source, others)
	}
	for _, o := range c.pools.objects {
		if o.term[english] == d.group {
			return c.compose(native, o)
		}
	}
	return c.compose(native, c.someObject(native)) // an invented word has no other tools
}

// addTool adds a tool of the domain, unless one of its name or (but for the intended ones) of its
// group is there.
func (c *conversation) addTool(d, first *domain) {
	for _, t := range c.tools {
		if t.id == d.id || t.group == d.group && !c.common && !(c.similar && d.group == first.group) {
			return
		}
	}
	t := c.instantiate(d, c.style)
	if slices.ContainsFunc(c.tools, func(u *tool) bool { return u.name == t.name }) {
		return
	}
	c.tools = append(c.tools, t)
}

// play adds turns until the tasks are done.
func (c *conversation) play() error {
	n := c.cfg.Tasks
	if n == 0 {
		n = 1
		if c.split == Train {
			n = 4 + c.IntN(4) + len(c.tools)/3
			if c.cfg.Stage == Choose || c.scramble {
				n = 8 + c.IntN(5)
			}
		}
	}
	size, enough := 0, enoughTokens
	if c.common {
		enough = enoughCommon
	}
	for _, t := range c.tools {
		size += roughTokens(t.json())
	}
	for done := 0; n > 0 && size < enough; n-- {
		if err := c.task(); err != nil {
			return err
		}
		for ; done < len(c.turns); done++ {
			size += turnTokens + roughTokens(c.turns[done].Value)
		}
	}
	if len(c.turns) == 0 { // the tools alone were enough
		return c.task()
	}
	return nil
}

// A conversation gets no further task once it has enough tokens, so that nearly all fit 1,024, those
// with many common tools 1,280; turnTokens is what the template adds to a turn.
const (
	enoughTokens = 800
	enoughCommon = 1050
	turnTokens   = 8
)

// roughTokens estimates the tokens of a text under a small vocabulary, a tenth too few or too
// many: letters by fours, other characters one by one, punctuation in runs.
func roughTokens(text string) int {
	quarters := 0
	inRun := false
	for _, r := range text {
		run := r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		switch {
		case run && inRun:
		case r < 0x80 && unicode.IsLetter(r):
			quarters++
		default:
			quarters += 4
		}
		inRun = run
	}
	return quarters / 4
}

// systems are system messages, of which most conversations have none.
var systems = [2][]string{
	{"You are a helpful assistant.", "You call functions when they help.", "Answer briefly.", "You are an assistant with tools."},
	{"你是一个乐于助人的助手。", "需要时请调用函数。", "请简短回答。", "你是会使用工具的助手。"},
}

// row writes the conversation down.
func (c *conversation) row() *Row {
	tools := make([]string, len(c.tools))
	for i, t := range c.tools {
		tools[i] = t.json()
	}
	r := &Row{Conversations: c.turns, Tools: "[" + strings.Join(tools, ", ") + "]",
		Meta: Meta{Category: mixedTasks, Lang: c.lang.String(), Turns: c.tasks}}
	if c.chance(0.08) {
		r.System = pick(c.source, systems[c.lang])
	}
	if same := slices.Compact(slices.Clone(c.tasks)); len(same) == 1 || c.cfg.Tasks == 1 || c.cfg.Tasks == 0 && c.split == HeldOut {
		r.Meta.Category = c.tasks[len(c.tasks)-1]
	}
	return r
}
