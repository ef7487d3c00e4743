package corpus

import (
	"errors"
	"fmt"
	"strings"
)

// parameter is what a tool may ask for, before a conversation chooses its name and words.
type parameter struct {
	id       string // the slot's name in questions
	names    []string
	labels   [2][]string // what it is called, in descriptions and questions
	kind     kind
	required bool
	cues     [2][]string  // phrases that give it, with {} for the value; may be empty
	parts    []*parameter // of an object or of the items of a list of objects
}

// domain is a kind of tool: how tools of it are named and described, what they ask for and
// how people ask for them.
type domain struct {
	split  Split
	common bool // one of those that people try first
	id     string
	group  string // tools of one group are easily taken for each other
	names  []string
	descs  [2][]string
	params []*parameter
	// asks are questions with slots, such as "the weather[ in {place}]": what is in brackets
	// stays where all its slots are given. One without a mark at its end is a request that
	// a frame makes a sentence of. It may have alternatives, as phrases have.
	asks   [2][]string
	fields []attribute // members of a result
	things *term       // what a list as result holds, nil for other results
}

// readDomains reads the domains that were written by hand.
func (p *poolSet) readDomains(name string) error {
	var d *domain
	labels := make(map[string]attribute, len(p.attributes))
	for _, a := range p.attributes {
		labels[a.term[english]] = a
	}
	err := eachLine(name, func(line string) error {
		if rest, ok := strings.CutPrefix(line, "== "); ok {
			d = &domain{}
			rest, d.split = cutHeldOut(rest)
			rest, d.common = strings.CutPrefix(rest, "*")
			d.id, d.group, _ = strings.Cut(rest, " ")
			if d.group == "" {
				d.group = d.id
			}
			p.domains = append(p.domains, d)
			return nil
		}
		if d == nil || len(line) < 3 || line[1] != ' ' {
			return errors.New("want a domain's letter and its text")
		}
		return d.readLine(line[0], strings.TrimSpace(line[2:]), labels)
	})
	if err != nil {
		return err
	}
	for _, d := range p.domains {
		if err := d.check(); err != nil {
			return fmt.Errorf("corpus: domain %s: %w", d.id, err)
		}
	}
	return nil
}

func (d *domain) readLine(letter byte, text string, labels map[string]attribute) error {
	switch letter {
	case 'n':
		d.names = strings.Fields(text)
	case 'e':
		d.descs[english] = list(text, "|")
	case 'z':
		d.descs[chinese] = list(text, "|")
	case 'q':
		d.asks[english] = append(d.asks[english], text)
	case 'c':
		d.asks[chinese] = append(d.asks[chinese], text)
	case 'p':
		p, err := readParameter(text)
		d.params = append(d.params, p)
		return err
	case 's': // part of the parameter above
		p, err := readParameter(text)
		if err != nil || len(d.params) == 0 {
			return errors.Join(err, errors.New("no parameter above"))
		}
		last := d.params[len(d.params)-1]
		last.parts = append(last.parts, p)
	case 't':
		t, err := readTerm(text)
		d.things = &t
		return err
	case 'r':
		for _, label := range list(text, ",") {
			if words, kindText, own := strings.Cut(label, ":"); own { // the domain's own
				t, err := readTerm(words)
				if err != nil {
					return err
				}
				k, err := parseKind(strings.TrimSpace(kindText))
				if err != nil {
					return err
				}
				d.fields = append(d.fields, attribute{term: t, kind: k})
				continue
			}
			a, ok := labels[label]
			if !ok {
				return fmt.Errorf("%q is not an attribute", label)
			}
			d.fields = append(d.fields, a)
		}
	default:
		return fmt.Errorf("unknown letter %q", letter)
	}
	return nil
}

// readParameter reads "id! ; names ; English labels ; Chinese labels ; kind ; English cues ;
// Chinese cues"; the mark makes it required, the cues may be missing.
func readParameter(text string) (*parameter, error) {
	columns := strings.Split(text, ";")
	if len(columns) < 5 {
		return nil, fmt.Errorf("%d columns, want at least 5", len(columns))
	}
	p := &parameter{id: strings.TrimSpace(columns[0]), names: strings.Fields(columns[1])}
	p.id, p.required = strings.CutSuffix(p.id, "!")
	for _, l := range languages {
		p.labels[l] = list(columns[2+l], "|")
		if at := 5 + int(l); at < len(columns) {
			p.cues[l] = list(columns[at], "|")
		}
		if len(p.labels[l]) == 0 {
			return nil, fmt.Errorf("parameter %s has no label in %s", p.id, l)
		}
	}
	var err error
	if base := strings.TrimSpace(columns[4]); base == "object" {
		p.kind = kind{base: base}
	} else {
		p.kind, err = parseKind(base)
	}
	return p, err
}

// check finds what is missing in a domain.
func (d *domain) check() error {
	if len(d.names) == 0 || len(d.fields) == 0 {
		return errors.New("no names or no results")
	}
	slots := make(map[string]bool)
	for _, p := range d.params {
		slots[p.id] = true
		if nested := p.kind.base == "object" || p.kind.base == "items"; nested != (len(p.parts) > 0) {
			return fmt.Errorf("parameter %s has %d parts", p.id, len(p.parts))
		}
	}
	for _, l := range languages {
		if len(d.descs[l]) == 0 || len(d.asks[l]) == 0 {
			return fmt.Errorf("no description or no question in %s", l)
		}
		for _, ask := range d.asks[l] {
			for _, slot := range slotsOf(ask) {
				if !slots[slot] {
					return fmt.Errorf("question %q: no parameter %q", ask, slot)
				}
			}
			if strings.Count(ask, "[") != strings.Count(ask, "]") {
				return fmt.Errorf("question %q: brackets do not match", ask)
			}
		}
	}
	return nil
}

// slotsOf lists the slots of a question.
func slotsOf(ask string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(ask, "{")
		if !ok {
			return out
		}
		slot, after, _ := strings.Cut(rest, "}")
		out = append(out, slot)
		ask = after
	}
}
