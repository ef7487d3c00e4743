package corpus

import "strings"

// Invented connectives. A phrasing that a model has not met has words that it cannot know, and it takes the last of them for a
// part of the value. Where they end shows nevertheless: the same words stand before another value, or a value
// tells by itself where it begins. Words that mean nothing teach to look for that. Only training has them.

const (
	// inventedCues is the share of sentences whose phrases join names and values by invented words.
	inventedCues = 0.08
	// inventedReplies is the same for answers and for questions that lean on the one before, blindReplies where only
	// the connective itself, two frequent characters or a verb, shows where the value begins.
	inventedReplies, blindReplies = 0.1, 0.04
	// commonCharacters is how many characters of a connective are of those that sentences are made of.
	commonCharacters = 0.6
)

// frequent are characters of which sentences are made.
var frequent = strings.Split("不了在有这个上们来到时大为你说着就那和要她出也得里后自以会可下过去能对多然于之都成只如把还用第样作从无己前些所同又被应由其此并且吧呢啊请给将使令叫做换设选填写取加再先最更很太真什么每各该向往按照据关则方便才但而因已经另外", "")

// delimited reports whether values of a kind show where they begin, whatever stands before them.
func (k kind) delimited() bool {
	switch k.base {
	case "code", "symbol", "file", "email", "phone", "url", "date", "time", "duration", "day", "text", "person", "nums":
		return true
	}
	return k.number()
}

// inventedCue is a phrase that gives values after an invented connective, or "" when it is not drawn or could not be understood.
func (s *source) inventedCue(args []argument) string {
	if s.split != Train || len(args) == 0 || !s.chance(inventedCues) {
		return ""
	}
	if len(args) == 1 && !args[0].param.kind.delimited() {
		return ""
	}
	if s.lang == english {
		return "{n} " + s.connective() + " {v}"
	}
	return "{n}" + s.connective() + "{v}"
}

// reply is a phrase around a value, invented now and then.
func (s *source) reply(name string, k kind) string {
	share := inventedReplies
	if !k.delimited() {
		share = blindReplies
	}
	if s.split != Train || !s.chance(share) {
		return s.phrase(name)
	}
	connective := s.connective
	if !k.delimited() {
		connective = s.plainConnective
	}
	if s.lang == english {
		return capital(connective()) + " {v}" + pick(s, []string{"", ".", "?"})
	}
	return connective() + "{v}" + pick(s, []string{"", "吧", "了", "呢"}) + pick(s, []string{"", "。", "？"})
}

// plainConnective is two frequent characters, or a verb.
func (s *source) plainConnective() string {
	if s.lang == chinese {
		return pick(s, frequent) + pick(s, frequent)
	}
	return pick(s, pick(s, s.pools.verbs).words[english])
}

// connective is one to three characters, or one or two words.
func (s *source) connective() string {
	n := 1 + s.IntN(3)
	if s.lang == chinese {
		text := ""
		for range n {
			if s.chance(commonCharacters) {
				text += pick(s, frequent)
			} else {
				text += s.hanzi(1)
			}
		}
		return text
	}
	words := make([]string, min(n, 2))
	for i := range words {
		words[i] = pick(s, pick(s, s.pools.verbs).words[english])
		if s.chance(0.5) {
			words[i] = s.syllables(1 + s.IntN(2))
		}
	}
	return strings.Join(words, " ")
}
