package corpus

import (
	"fmt"
	"slices"
	"strings"
)

// The tasks: what a turn of the assistant shows.
const (
	taskSingle   = "single"   // a call of the only tool
	taskChoose   = "choose"   // a call of one of several tools
	taskSimilar  = "similar"  // the same among tools that are easily mixed up
	taskNested   = "nested"   // arguments with objects
	taskList     = "list"     // arguments with arrays
	taskParallel = "parallel" // several calls of one tool
	taskMultiple = "multiple" // calls of different tools
	taskNone     = "none"     // no tool fits
	taskMissing  = "missing"  // something required is not given: ask, then call
	taskResult   = "result"   // a result is told
	taskFollowUp = "followup" // a question that leans on the one before
	taskChat     = "chat"     // a greeting or thanks
	mixedTasks   = "mixed"
)

// weights say how often each task comes. The first is a plain call, of any shape.
var weights = []struct {
	task   string
	weight float64
}{
	{taskSingle, 0.36}, {taskParallel, 0.1}, {taskMultiple, 0.12}, {taskNone, 0.09},
	{taskMissing, 0.16}, {taskFollowUp, 0.13}, {taskResult, 0.02}, {taskChat, 0.02},
}

func (c *conversation) task() error {
	x := c.Float64()
	task := taskSingle
	for _, w := range weights {
		if x -= w.weight; x < 0 {
			task = w.task
			break
		}
	}
	if (c.cfg.Stage == Copy || c.cfg.Stage == Choose) && task != taskNone && task != taskParallel {
		task = taskSingle
	}
	switch task {
	case taskNone:
		return c.noTool()
	case taskChat:
		c.smallTalk()
		return nil
	case taskMissing:
		return c.missing()
	case taskParallel:
		return c.parallel()
	case taskMultiple:
		return c.multiple()
	case taskFollowUp:
		return c.followUp()
	}
	return c.plain(task == taskResult)
}

func (c *conversation) human(text string) {
	if c.chance(0.06) && len(text) > 0 {
		text = c.phrase("noise") + [...]string{" ", ""}[c.lang] + text
	}
	c.turns = append(c.turns, Turn{fromHuman, text})
}

func (c *conversation) say(task, text string) {
	c.turns = append(c.turns, Turn{fromAssistant, text})
	c.tasks = append(c.tasks, task)
}

// call adds a turn with calls, each checked against the schema of its tool.
func (c *conversation) call(task string, calls ...call) error {
	texts := make([]string, len(calls))
	for i, k := range calls {
		if c.checkers[k.tool] == nil {
			checker, err := newChecker(k.tool.name, schemaOf(k.tool.params))
			if err != nil {
				return fmt.Errorf("tool %s: %w", k.tool.json(), err)
			}
			c.checkers[k.tool] = checker
		}
		if err := c.checkers[k.tool].check(argumentsJSON(k.args)); err != nil {
			return fmt.Errorf("tool %s: %w", k.tool.json(), err)
		}
		texts[i] = k.json()
	}
	text := texts[0]
	if len(texts) > 1 {
		text = "[" + strings.Join(texts, ", ") + "]"
	}
	c.turns = append(c.turns, Turn{fromCall, text})
	c.tasks = append(c.tasks, task)
	c.last = calls
	return nil
}

// results adds what the last calls give back and the sentence about it.
func (c *conversation) results() {
	sentences := make([]string, len(c.last))
	for i, k := range c.last {
		r := c.result(k, c.style)
		c.turns = append(c.turns, Turn{fromObservation, r.json})
		sentences[i] = r.sentence
	}
	between := " "
	if c.lang == chinese {
		between = ""
	}
	c.say(taskResult, strings.Join(sentences, between))
}

// maybeResults adds results where the conversation has them.
func (c *conversation) maybeResults() {
	if c.observes && (c.split == Train || c.cfg.Tasks > 1) {
		c.results()
	}
}

// shape is the task of a plain call.
func (c *conversation) shape(k call) string {
	task := taskSingle
	if len(c.tools) > 1 {
		task = taskChoose
	}
	for _, t := range c.tools {
		if t != k.tool && t.group == k.tool.group {
			task = taskSimilar
		}
	}
	for _, a := range k.args {
		switch a.param.kind.base {
		case "list", "nums":
			task = taskList
		case "object", "items":
			return taskNested
		}
	}
	return task
}

// maxTries bounds how often a question is drawn that cannot be asked so.
const maxTries = 8

// ask draws a call and its question.
func (c *conversation) ask(fits func(*tool) bool) (k call, question string, ok bool) {
	for range maxTries {
		t := pick(c.source, c.tools)
		if fits != nil && !fits(t) {
			continue
		}
		k = call{t, c.someArguments(t.params, 0.5)}
		if question, ok = c.question(t, k.args); ok {
			return k, question, true
		}
	}
	return call{}, "", false
}

func (c *conversation) plain(results bool) error {
	k, question, ok := c.ask(nil)
	if !ok {
		return c.noTool()
	}
	c.human(question)
	if err := c.call(c.shape(k), k); err != nil {
		return err
	}
	if results {
		c.results()
	} else {
		c.maybeResults()
	}
	return nil
}

// namedKinds are the kinds of which a question may name several.
var namedKinds = []string{"place", "item", "symbol", "title", "word", "name", "code", "person", "food", "animal", "org", "file", "cuisine"}

// parallel asks for calls of one tool that differ in one value.
func (c *conversation) parallel() error {
	several := func(p *toolParam) bool { return p.required && slices.Contains(namedKinds, p.kind.base) }
	k, _, ok := c.ask(func(t *tool) bool { return slices.ContainsFunc(t.params, several) })
	if !ok {
		return c.plain(false)
	}
	at := slices.IndexFunc(k.args, func(a argument) bool { return several(a.param) })
	calls := []call{k}
	said := []string{k.args[at].value.said}
	for range 1 + c.IntN(2) {
		other := call{k.tool, slices.Clone(k.args)}
		other.args[at].value = c.value(k.args[at].param)
		calls = append(calls, other)
		said = append(said, other.args[at].value.said)
	}
	asked := slices.Clone(k.args)
	asked[at].value.said = c.enumerate(said)
	question, ok := c.question(k.tool, asked)
	if !ok {
		return c.plain(false)
	}
	c.human(question)
	if err := c.call(taskParallel, calls...); err != nil {
		return err
	}
	c.maybeResults()
	return nil
}

// multiple asks for calls of different tools.
func (c *conversation) multiple() error {
	first, question, ok := c.ask(nil)
	second, also, ok2 := c.ask(func(t *tool) bool { return t != first.tool })
	if !ok || !ok2 {
		return c.plain(false)
	}
	if _, mark := cutMark(question); mark == "" {
		question += [...]string{".", "。"}[c.lang]
	}
	between := ""
	if c.lang == english {
		between = " "
		value := func(a argument) bool { return a.value.said != "" && strings.HasPrefix(also, a.value.said) }
		if !strings.HasPrefix(also, "I ") && !strings.HasPrefix(also, "I'") && !slices.ContainsFunc(second.args, value) {
			also = lowerFirst(also)
		}
	}
	c.human(question + between + strings.TrimSpace(c.phrase("also")) + between + also)
	if err := c.call(taskMultiple, first, second); err != nil {
		return err
	}
	c.maybeResults()
	return nil
}

// refusals are the one answer where no tool fits.
var refusals = [2]string{"None of my tools can do that.", "我的工具做不到这件事。"}

// noTool asks for what no tool does.
func (c *conversation) noTool() error {
	native := c.style.native(c.lang)
	for range maxTries {
		var d *domain
		if c.chance(0.3) {
			d = pick(c.source, c.pools.domains)
		} else {
			d = c.compose(native, pick(c.source, c.pools.objects))
		}
		if slices.ContainsFunc(c.tools, func(t *tool) bool { return t.group == d.group }) {
			continue
		}
		t := c.instantiate(d, c.style)
		question, ok := c.question(t, c.someArguments(t.params, 0.3))
		if !ok {
			continue
		}
		c.human(question)
		c.say(taskNone, refusals[c.lang])
		return nil
	}
	c.smallTalk()
	return nil
}

// missing leaves out something required; the answer asks for it.
func (c *conversation) missing() error {
	askable := func(p *toolParam) bool {
		return p.required && (p.kind.number() || stringKinds[p.kind.base] != nil || p.kind.base == "enum")
	}
	k, _, ok := c.ask(func(t *tool) bool { return slices.ContainsFunc(t.params, askable) })
	if !ok {
		return c.plain(false)
	}
	var open []int
	for i, a := range k.args {
		if askable(a.param) {
			open = append(open, i)
		}
	}
	at := pick(c.source, open)
	given := slices.Delete(slices.Clone(k.args), at, at+1)
	question, ok := c.question(k.tool, given)
	if !ok {
		return c.plain(false)
	}
	left := k.args[at]
	c.human(question)
	if c.lang == chinese {
		c.say(taskMissing, "请告诉我："+c.called(left.param)+"。")
	} else {
		c.say(taskMissing, "Please tell me: "+c.called(left.param)+".")
	}
	if c.chance(0.3) {
		return nil
	}
	answer := c.reply("give", left.param.kind)
	answer = strings.Replace(answer, "{n}", left.param.label, 1)
	answer = strings.Replace(answer, "{V}", capital(left.value.said), 1)
	c.turns = append(c.turns, Turn{fromHuman, strings.Replace(answer, "{v}", left.value.said, 1)})
	if err := c.call(taskMissing, k); err != nil {
		return err
	}
	c.maybeResults()
	return nil
}

// called is what the assistant calls a parameter when it asks for it: its description, in the
// conversation's language where it has both, else its name.
func (c *conversation) called(p *toolParam) string {
	if p.desc == "" {
		return strings.ReplaceAll(p.name, "_", " ")
	}
	if en, zh, both := strings.Cut(p.desc, ". "); both {
		return [...]string{en, strings.TrimSuffix(zh, "。")}[c.lang]
	}
	return p.desc
}

// followUp asks the last question again with another value.
func (c *conversation) followUp() error {
	if len(c.last) != 1 {
		if err := c.plain(false); err != nil || len(c.last) != 1 {
			return err
		}
	}
	k := call{c.last[0].tool, slices.Clone(c.last[0].args)}
	var open []int
	for i, a := range k.args {
		if stringKinds[a.param.kind.base] != nil || a.param.kind.number() {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return c.plain(false)
	}
	at := pick(c.source, open)
	p := k.args[at].param
	k.args[at].value = c.value(p)
	said := k.args[at].value.said
	if len(k.tool.params) > 1 && (!p.alone || p.kind.number()) || c.chance(0.2) {
		said = c.cue(k.args[at], c.phrase("cue"))
	}
	c.turns = append(c.turns, Turn{fromHuman, strings.Replace(c.reply("next", p.kind), "{v}", said, 1)})
	if err := c.call(taskFollowUp, k); err != nil {
		return err
	}
	c.maybeResults()
	return nil
}

// talk is small talk with its answers: those at even places are for training.
var talk = [2][][2]string{
	{
		{"Hello!", "Hello! What can I do for you?"}, {"Good evening!", "Hello! What can I do for you?"},
		{"Hi", "Hello! What can I do for you?"}, {"Greetings!", "Hello! What can I do for you?"},
		{"Thanks!", "You are welcome."}, {"Thanks so much.", "You are welcome."},
		{"Thank you very much.", "You are welcome."}, {"Many thanks!", "You are welcome."},
		{"Bye!", "Goodbye."}, {"See you later!", "Goodbye."},
	},
	{
		{"你好！", "你好！需要我做什么？"}, {"晚上好！", "你好！需要我做什么？"},
		{"嗨", "你好！需要我做什么？"}, {"您好呀", "你好！需要我做什么？"},
		{"谢谢！", "不客气。"}, {"太感谢了。", "不客气。"},
		{"非常感谢。", "不客气。"}, {"多谢！", "不客气。"},
		{"再见！", "再见。"}, {"回头见！", "再见。"},
	},
}

func (c *conversation) smallTalk() {
	pair := talk[c.lang][2*c.IntN(len(talk[c.lang])/2)+int(c.split)]
	c.turns = append(c.turns, Turn{fromHuman, pair[0]})
	c.say(taskChat, pair[1])
}
