package corpus

import (
	"embed"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// The pools are texts that the package carries. Lines that begin with '#' are comments.
//
//go:embed pools
var poolFiles embed.FS

// lang is the language of a conversation.
type lang uint8

const (
	english lang = iota
	chinese
)

var languages = [2]lang{english, chinese}

func (l lang) String() string { return [...]string{"en", "zh"}[l] }

// term is a notion in both languages.
type term [2]string

// verb is what a composed tool does: words in both languages, of which the first names it.
type verb struct{ words [2][]string }

// object is what a composed tool works on.
type object struct {
	term
	split  Split
	plural string // English
}

// attribute is a property of things: a parameter, or a member of a result.
type attribute struct {
	term
	split Split
	kind  kind
}

// poolSet holds all pools of one half.
type poolSet struct {
	verbs      []verb
	objects    []object
	attributes []attribute
	enums      map[string][]term
	words      map[string][]string // by group, such as "en.food"
	characters []string
	domains    []*domain
	common     []*domain              // those of domains that people try first
	phrases    [2]map[string][]string // by half, and by name and language, such as "frame.en"
	nouns      map[string]bool        // what objects, properties and parameters of both halves are called
}

// pools are read once; they are constant, so an error is the package's own and a test finds it.
var pools = sync.OnceValues(func() (out [2]*poolSet, err error) {
	all, err := readPools()
	if err != nil {
		return out, err
	}
	for _, s := range []Split{Train, HeldOut} {
		out[s] = all.half(s)
	}
	return out, nil
})

// half keeps what belongs to s. Verbs and groups of enumerated words are shared: what a tool is
// called depends on its object.
func (p *poolSet) half(s Split) *poolSet {
	out := &poolSet{verbs: p.verbs, enums: make(map[string][]term), words: make(map[string][]string)}
	for _, o := range p.objects {
		if o.split == s {
			out.objects = append(out.objects, o)
		}
	}
	for _, a := range p.attributes {
		if a.split == s {
			out.attributes = append(out.attributes, a)
		}
	}
	out.enums = p.enums
	for name, words := range p.words {
		out.words[name] = words
		if !strings.HasSuffix(name, ".family") && name != "en.verbish" && !strings.HasSuffix(name, ".adjective") {
			out.words[name] = half(words, s)
		}
	}
	out.characters, out.phrases, out.nouns = p.characters, p.phrases, p.nouns
	for _, d := range p.domains {
		if d.split == s {
			out.domains = append(out.domains, d)
			if d.common {
				out.common = append(out.common, d)
			}
		}
	}
	return out
}

func readPools() (*poolSet, error) {
	p := &poolSet{enums: make(map[string][]term), words: make(map[string][]string),
		phrases: [2]map[string][]string{make(map[string][]string), make(map[string][]string)}}
	for name, read := range map[string]func(line string) error{
		"verbs.txt": p.readVerb, "objects.txt": p.readObject, "attributes.txt": p.readAttribute,
		"enums.txt": p.readEnum, "words.txt": p.readWords, "characters.txt": p.readCharacters,
		"phrases.txt": p.readPhrase,
	} {
		if err := eachLine(name, read); err != nil {
			return nil, err
		}
	}
	if err := p.readDomains("domains.txt"); err != nil {
		return nil, err
	}
	p.collectNouns()
	return p, nil
}

// collectNouns notes the words that no invented one may be.
func (p *poolSet) collectNouns() {
	p.nouns = make(map[string]bool)
	for _, o := range p.objects {
		p.nouns[o.term[english]], p.nouns[o.term[chinese]] = true, true
	}
	for _, a := range p.attributes {
		p.nouns[a.term[english]], p.nouns[a.term[chinese]] = true, true
	}
	var add func(params []*parameter)
	add = func(params []*parameter) {
		for _, m := range params {
			for _, name := range m.names {
				p.nouns[name] = true
			}
			add(m.parts)
		}
	}
	for _, d := range p.domains {
		add(d.params)
	}
}

// eachLine reads a pool line by line.
func eachLine(name string, read func(line string) error) error {
	text, err := poolFiles.ReadFile("pools/" + name)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := read(line); err != nil {
			return fmt.Errorf("corpus: pool %s: line %d: %w", name, i+1, err)
		}
	}
	return nil
}

// list splits at a separator and trims; nothing gives nil.
func list(text, sep string) []string {
	var out []string
	for _, part := range strings.Split(text, sep) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// readTerm reads "English = Chinese".
func readTerm(text string) (term, error) {
	en, zh, ok := strings.Cut(text, "=")
	t := term{strings.TrimSpace(en), strings.TrimSpace(zh)}
	if !ok || t[english] == "" || t[chinese] == "" {
		return t, fmt.Errorf("%q is not English = Chinese", text)
	}
	return t, nil
}

func (p *poolSet) readVerb(line string) error {
	t, err := readTerm(line)
	p.verbs = append(p.verbs, verb{[2][]string{list(t[english], ","), list(t[chinese], ",")}})
	return err
}

// cutHeldOut cuts the mark of what is held out from a line.
func cutHeldOut(line string) (string, Split) {
	if rest, ok := strings.CutPrefix(line, "~"); ok {
		return rest, HeldOut
	}
	return line, Train
}

func (p *poolSet) readObject(line string) error {
	line, split := cutHeldOut(line)
	t, err := readTerm(line)
	o := object{t, split, t[english] + "s"}
	if name, plural, ok := strings.Cut(t[english], " ("); ok {
		o = object{term{name, t[chinese]}, split, strings.TrimSuffix(plural, ")")}
	}
	p.objects = append(p.objects, o)
	return err
}

func (p *poolSet) readAttribute(line string) error {
	line, split := cutHeldOut(line)
	text, kindText, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("%q has no kind", line)
	}
	t, err := readTerm(text)
	if err != nil {
		return err
	}
	k, err := parseKind(strings.TrimSpace(kindText))
	p.attributes = append(p.attributes, attribute{t, split, k})
	return err
}

func (p *poolSet) readEnum(line string) error {
	name, rest, _ := strings.Cut(line, ":")
	for _, entry := range list(rest, ";") {
		t, err := readTerm(entry)
		if err != nil {
			return err
		}
		p.enums[name] = append(p.enums[name], t)
	}
	return nil
}

func (p *poolSet) readWords(line string) error {
	name, rest, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("%q has no name", line)
	}
	p.words[name] = append(p.words[name], strings.Fields(rest)...)
	return nil
}

func (p *poolSet) readCharacters(line string) error {
	seen := make(map[string]bool, len(p.characters))
	for _, c := range p.characters {
		seen[c] = true
	}
	for line != "" {
		_, n := utf8.DecodeRuneInString(line)
		if c := line[:n]; !seen[c] {
			seen[c] = true
			p.characters = append(p.characters, c)
		}
		line = line[n:]
	}
	return nil
}
