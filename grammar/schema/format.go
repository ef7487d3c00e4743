package schema

import (
	"slices"
	"strings"
	"sync"

	"github.com/callama/callama/grammar/regex"
	"github.com/callama/callama/internal/ojson"
)

// Formats says what the keyword "format" means.
type Formats uint8

const (
	// AssertFormats demands the known formats of strings, and takes unknown ones as
	// annotations. The standard leaves the choice; who writes a format in a tool means it.
	AssertFormats Formats = iota
	// AnnotateFormats takes every format as an annotation, which constrains nothing: the
	// default of the standard's vocabularies.
	AnnotateFormats
	// StrictFormats is AssertFormats, and refuses unknown formats.
	StrictFormats
)

// format is a set of strings with a name, as a regular language.
//
// Most are exact. Where a format is no regular language, or one with thousands of states,
// members is smaller than the format, so that what is generated is valid in any case, and
// outside leaves out more than members holds: strings in neither are not decided, and
// neither demanded nor excluded.
type format struct {
	define func() *regex.DFA // the members
	wider  func() *regex.DFA // everything that may be a member; nil: members is exact
	most   int               // characters of a member; 0: no bound beyond that of define

	once, onceOthers sync.Once
	dfa              *regex.DFA
	others           *regex.DFA // certainly not members
}

// members returns the automaton of the members. The first call makes it, in up to some milliseconds; all others are
// free.
func (f *format) members() *regex.DFA {
	f.once.Do(func() { f.dfa = f.define() })
	return f.dfa
}

// outside returns the automaton of what is certainly no member, which only negations ask for: it is as dear.
func (f *format) outside() *regex.DFA {
	f.onceOthers.Do(func() {
		if f.wider != nil {
			f.others = f.wider().Complement()
		} else {
			f.others = f.members().Complement()
		}
	})
	return f.others
}

// mustDFA makes the automaton of a pattern of this package.
func mustDFA(pattern string) *regex.DFA {
	re, err := regex.Parse("^(?:" + pattern + ")$")
	if err == nil {
		var d *regex.DFA
		if d, err = re.DFA(regex.Limits{}); err == nil {
			return d
		}
	}
	panic("schema: format: " + err.Error()) // a test makes every format
}

// matching defines a language by a pattern.
func matching(p string) func() *regex.DFA { return func() *regex.DFA { return mustDFA(p) } }

// anyString is the wider language of formats of which no string is certain not to be a
// member.
func anyString() *regex.DFA { return mustDFA(`[^]*`) }

// formats are the formats that the drafts define for strings.
var formats = map[string]*format{
	"date":                  {define: matching(datePattern)},
	"time":                  {define: matching(timePattern(false)), wider: matching(timePattern(true))},
	"date-time":             {define: matching("(?:" + datePattern + ")[Tt]" + timePattern(false)), wider: matching("(?:" + datePattern + ")[Tt]" + timePattern(true))},
	"duration":              {define: matching(durationPattern)},
	"ipv4":                  {define: matching(ipv4Pattern)},
	"ipv6":                  {define: matching(ipv6Pattern)},
	"ip-address":            {define: matching(ipv4Pattern)}, // draft 3's name
	"uuid":                  {define: matching("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")},
	"json-pointer":          {define: matching(pointerPattern)},
	"relative-json-pointer": {define: matching("(?:0|[1-9][0-9]*)(?:#|" + pointerPattern + ")")},
	"hostname":              {define: hostnames, wider: matching(labelPattern + `(?:\.` + labelPattern + ")*")},
	"host-name":             {define: hostnames, wider: matching(labelPattern + `(?:\.` + labelPattern + ")*")}, // draft 3's name
	"email":                 {define: matching(mailPattern("", true)), wider: matching(mailPattern("", false)), most: maxMail},
	"idn-email":             {define: matching(mailPattern(mailWide, true)), wider: matching(mailPattern(mailWide, false)), most: maxMail},
	"idn-hostname":          {define: hostnames, wider: anyString},
	"regex":                 {define: regexes, wider: anyString},
	"uri":                   {define: matching(resourcePattern("", "").absolute())},
	"uri-reference":         {define: matching(resourcePattern("", "").reference())},
	"iri":                   {define: matching(resourcePattern(ucsChars, privateChars).absolute())},
	"iri-reference":         {define: matching(resourcePattern(ucsChars, privateChars).reference())},
	"uri-template":          {define: matching(templatePattern)},
}

// RFC 3339, section 5.6 and appendix A.
const (
	datePattern = `[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|` +
		// February 29 in years that four divides, if not a hundred, or four hundred.
		`(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29`
	durationPattern = `P(?:(?:` + durationDay + `|[0-9]+M(?:` + durationDay + `)?|[0-9]+Y(?:[0-9]+M(?:` + durationDay + `)?)?)(?:` + durationTime + `)?|` + durationTime + `|[0-9]+W)`
	durationDay     = `[0-9]+D`
	durationTime    = `T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)`
)

// timePattern is a time with its offset. A leap second stands at the end of a day of UTC;
// which local time that is depends on the offset, and to compare the two takes a state
// for every minute of the day. So members have it at 23:59:60 without an offset only; wide
// is any minute.
func timePattern(wide bool) string {
	const offset = `(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])`
	if wide {
		return `(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?` + offset
	}
	return `(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?` + offset + `|23:59:60(?:\.[0-9]+)?(?:[Zz]|[+-]00:00))`
}

// RFC 6901, section 3.
const pointerPattern = `(?:/(?:[^/~]|~[01])*)*`

// RFC 2673, section 3.2, and RFC 4291, section 2.2.
const (
	octet       = `(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	ipv4Pattern = octet + `(?:\.` + octet + `){3}`
	h16         = `[0-9A-Fa-f]{1,4}`
	ls32        = `(?:` + h16 + `:` + h16 + `|` + ipv4Pattern + `)`
	ipv6Pattern = `(?:` + h16 + `:){6}` + ls32 +
		`|::(?:` + h16 + `:){5}` + ls32 +
		`|(?:` + h16 + `)?::(?:` + h16 + `:){4}` + ls32 +
		`|(?:(?:` + h16 + `:){0,1}` + h16 + `)?::(?:` + h16 + `:){3}` + ls32 +
		`|(?:(?:` + h16 + `:){0,2}` + h16 + `)?::(?:` + h16 + `:){2}` + ls32 +
		`|(?:(?:` + h16 + `:){0,3}` + h16 + `)?::` + h16 + `:` + ls32 +
		`|(?:(?:` + h16 + `:){0,4}` + h16 + `)?::` + ls32 +
		`|(?:(?:` + h16 + `:){0,5}` + h16 + `)?::` + h16 +
		`|(?:(?:` + h16 + `:){0,6}` + h16 + `)?::`
)

// RFC 5321, section 4.1.2 (Mailbox). Short bounds local parts to 64 characters (section
// 4.5.3.1.1) and labels to 63. A quoted local part that holds escapes then has at most 31
// characters, since each of them may take two. wide are the characters that RFC 6531 adds to
// local parts and domains, if any.
func mailPattern(wide string, short bool) string {
	atom := "[A-Za-z0-9!#$%&'*+/=?^_`{|}~" + wide + `-]+`
	plain := `[ !#-\[\]-~` + wide + `]`
	escaped := `(?:` + plain + `|\\[ -~])`
	dots := atom + `(?:\.` + atom + `)*`
	local, middle := `(?:`+dots+`|"`+escaped+`*")`, `*`
	if short {
		local, middle = `(?:(?=[^"@]{1,64}@)`+dots+`|"(?:`+plain+`{0,62}|`+escaped+`{0,31})")`, `{0,61}`
	}
	label := `[A-Za-z0-9` + wide + `](?:[A-Za-z0-9` + wide + `-]` + middle + `[A-Za-z0-9` + wide + `])?`
	literal := `|\[(?:` + ipv4Pattern + `|[Ii][Pp][Vv]6:(?:` + ipv6Pattern + `))\]`
	return local + `@(?:` + label + `(?:\.` + label + `)*` + literal + `)`
}

const (
	mailWide = `\u{80}-\u{10FFFF}`
	// maxMail is the longest address that a path of 256 octets holds between its brackets.
	maxMail = 254
)

// RFC 1123, section 2.1. Lengths are those of RFC 1034, section 3.1.
const labelPattern = `[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`

// A host name has at most 253 characters, and a label 63. Both at once take a state for
// each pair of lengths; members are counted in blocks instead: a label with its dot takes
// one to three blocks of 22 characters, and there are eleven.
const (
	hostBlock  = 22
	hostBlocks = 11
	maxLabel   = 63
)

// hostState is what has been read of a host name.
type hostState struct {
	blocks int8 // begun, that of the label included
	length int8 // of the label
	hyphen bool // the last character is one
	prefix int8 // how much of "xn--" the label begins with, -1 if not
}

// hostnames returns the automaton of host names. Labels that begin with "xn--" stand for
// others in Punycode, whose validity is no regular property; they are left out.
func hostnames() *regex.DFA {
	const letters, hyphen, dot, x, n = 0, 1, 2, 3, 4
	d, err := regex.Explore(regex.Machine[hostState]{
		Alphabet: []regex.Set{letters: except(mustSet(`[A-Za-z0-9]`), "XNxn"), hyphen: mustSet(`-`), dot: mustSet(`\.`), x: mustSet(`[Xx]`), n: mustSet(`[Nn]`)},
		Step: func(s hostState, symbol int) (hostState, bool) {
			if symbol == dot {
				return hostState{blocks: s.blocks}, s.length > 0 && !s.hyphen && s.blocks < hostBlocks
			}
			if s.length++; s.length > maxLabel || symbol == hyphen && s.length == 1 {
				return s, false
			}
			if s.length == 1 || s.length%hostBlock == 0 { // the dot counts
				s.blocks++
			}
			want := [...]int{x, n, hyphen, hyphen}
			switch {
			case s.prefix >= 0 && symbol == want[s.prefix]:
				if s.prefix++; int(s.prefix) == len(want) {
					return s, false
				}
			default:
				s.prefix = -1
			}
			s.hyphen = symbol == hyphen
			return s, s.blocks <= hostBlocks
		},
		Accept: func(s hostState) bool { return s.length > 0 && !s.hyphen },
	}, regex.Limits{})
	if err != nil {
		panic("schema: format: " + err.Error()) // a test makes every format
	}
	return d
}

func mustSet(class string) regex.Set {
	re, err := regex.Parse("^" + class + "$")
	if err != nil {
		panic("schema: format: " + err.Error())
	}
	set, _, _ := re.OneClass()
	return set
}

func except(s regex.Set, chars string) regex.Set {
	for _, r := range chars {
		s = s.Intersect(regex.Set{{Lo: r, Hi: r}}.Negate())
	}
	return s
}

// RFC 3987, section 2.2.
const (
	ucsChars = `\u{A0}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFEF}\u{10000}-\u{1FFFD}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}` +
		`\u{40000}-\u{4FFFD}\u{50000}-\u{5FFFD}\u{60000}-\u{6FFFD}\u{70000}-\u{7FFFD}\u{80000}-\u{8FFFD}\u{90000}-\u{9FFFD}` +
		`\u{A0000}-\u{AFFFD}\u{B0000}-\u{BFFFD}\u{C0000}-\u{CFFFD}\u{D0000}-\u{DFFFD}\u{E1000}-\u{EFFFD}`
	privateChars = `\u{E000}-\u{F8FF}\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}`
	percent      = `%[0-9A-Fa-f]{2}`
)

// resource holds the parts of URIs by RFC 3986, appendix A, or of IRIs, which have more
// characters.
type resource struct{ authority, chars, first, query, fragment string }

func resourcePattern(ucs, private string) resource {
	const delims = `!$&'()*+,;=`
	plain := `A-Za-z0-9._~` + ucs + delims
	literal := `\[(?:` + ipv6Pattern + `|[Vv][0-9A-Fa-f]+\.[A-Za-z0-9._~` + delims + `:-]+)\]|`
	host := `(?:` + literal + `(?:[` + plain + `-]|` + percent + `)*)`
	return resource{
		authority: `(?:(?:[` + plain + `:-]|` + percent + `)*@)?` + host + `(?::[0-9]*)?`,
		chars:     `(?:[` + plain + `:@-]|` + percent + `)`,
		first:     `(?:[` + plain + `@-]|` + percent + `)`,
		query:     `(?:\?(?:[` + plain + private + `:@/?-]|` + percent + `)*)?`,
		fragment:  `(?:#(?:[` + plain + `:@/?-]|` + percent + `)*)?`,
	}
}

// rest is the path of any kind but those that begin with a segment, then what follows.
func (r resource) path(first string) string {
	tail := `(?:/` + r.chars + `*)*`
	return `(?://` + r.authority + tail + `|/(?:` + r.chars + `+` + tail + `)?|` + first + r.chars + `*` + tail + `|)` + r.query + r.fragment
}

func (r resource) absolute() string { return `[A-Za-z][A-Za-z0-9+.-]*:` + r.path(r.chars) }

func (r resource) reference() string {
	tail := `(?:/` + r.chars + `*)*`
	relative := `(?://` + r.authority + tail + `|/(?:` + r.chars + `+` + tail + `)?|` + r.first + `+` + tail + `|)` + r.query + r.fragment
	return `(?:` + r.absolute() + `|` + relative + `)`
}

// RFC 6570, section 2. Operators that are only reserved are left out.
const templatePattern = `(?:[!#$&-;=?-\[\]_a-z~` + ucsChars + privateChars + `]|` + percent +
	`|\{[+#./;?&]?` + templateVariable + `(?:,` + templateVariable + `)*\})*`

const (
	templateName     = `(?:[A-Za-z0-9_]|` + percent + `)`
	templateVariable = templateName + `(?:\.?` + templateName + `)*(?::[1-9][0-9]{0,3}|\*)?`
)

// formatOf returns a known format, in any case of letters: people write URI.
func formatOf(name string) *format { return formats[strings.ToLower(name)] }

// IsFormat reports whether name is a format that Formats can assert; others are annotations.
func IsFormat(name string) bool { return formatOf(name) != nil }

// applyFormat demands the format of strings, if it is known.
func applyFormat(c *Compiler, j *conjunct, at place, v *ojson.Value) *Error {
	p, fail := c.format(at, v)
	if fail != nil {
		return fail
	}
	if p == nil {
		return nil
	}
	if !slices.ContainsFunc(j.patterns, func(q patternAt) bool { return q.p == p && !q.not }) {
		s := j.ownStrings()
		s.patterns = append(s.patterns, patternAt{p: p, at: at})
	}
	if n := formatOf(v.Text).most; n > 0 {
		j.ownStrings().length.atMost(n, at)
	}
	return nil
}

// refuteFormat returns the alternative in which a string has not the format; annotations
// never fail.
func (x *expansion) refuteFormat(j *conjunct, at place, v *ojson.Value) ([]*conjunct, *Error) {
	p, fail := x.c.format(at, v)
	if p == nil || fail != nil {
		return nil, fail
	}
	return failing(j, kindString, func(d *conjunct) {
		s := d.ownStrings()
		s.patterns = append(s.patterns, patternAt{p: p, at: at, not: true})
	}), nil
}

// formatKey begins the keys of formats; those of patterns begin with a slash.
const formatKey = "format "

// format returns the pattern that stands for a format, or nil if it is an annotation.
func (c *Compiler) format(at place, v *ojson.Value) (*pattern, *Error) {
	if c.opts.Formats == AnnotateFormats {
		return nil, nil
	}
	if v.Kind != ojson.String {
		return nil, at.fail(ErrInvalid, "must be a string, not %s", v.Kind)
	}
	f := formatOf(v.Text)
	if f == nil {
		if c.opts.Formats == StrictFormats {
			fail := at.fail(ErrUnsupported, "unknown format %q", v.Text)
			if c.refused(fail) != nil {
				return nil, fail
			}
		}
		return nil, nil
	}
	key := formatKey + strings.ToLower(v.Text)
	p, ok := c.patterns[key]
	if !ok {
		p = &pattern{key: key, format: f}
		c.patterns[key] = p
	}
	return p, nil
}
