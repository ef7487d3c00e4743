package corpus

import (
	"sync"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Characters returns the 3,755 frequent Chinese characters, level 1 of GB 2312, in the order of their
// codes. The caller must not change them.
var Characters = sync.OnceValue(func() []string { return characterRows(0xb0, 0xd7) })

// rareCharacters are the 3,008 of level 2, in names and titles mostly. No vocabulary here has them: they are bytes.
var rareCharacters = sync.OnceValue(func() []string { return characterRows(0xd8, 0xf7) })

const (
	// rareShare is how many of a scrambled text's characters are rare.
	rareShare = 0.04
	// In training, some texts are half of them: copying bytes that follow bytes has to be learned.
	rareTexts      = 0.15
	rareTextsShare = 0.5
)

// characterRows decodes rows of GB 2312.
func characterRows(first, last byte) []string {
	decoder := simplifiedchinese.GBK.NewDecoder()
	var out []string
	for row := first; row <= last; row++ {
		for column := byte(0xa1); column <= 0xfe && !(row == 0xd7 && column > 0xf9); column++ {
			text, err := decoder.Bytes([]byte{row, column})
			if err != nil {
				panic(err) // all of these codes are assigned
			}
			out = append(out, string(text))
		}
	}
	return out
}

// scrambledKinds are the kinds of which values may be any text.
var scrambledKinds = []string{"place", "person", "org", "title", "name", "word", "food", "animal", "material", "item", "text"}

// scrambled is a text to copy that nothing else tells about: characters, all of them alike, or words.
func (s *source) scrambled() string {
	if s.lang == chinese {
		text, share := "", rareShare
		if s.split == Train && s.chance(rareTexts) {
			share = rareTextsShare
		}
		for range 2 + s.IntN(9) {
			from := Characters()
			if s.chance(share) {
				from = rareCharacters()
			}
			text += pick(s, from)
		}
		return text
	}
	text := ""
	for i := range 1 + s.IntN(4) {
		if i > 0 {
			text += " "
		}
		word := s.syllables(1 + s.IntN(3))
		switch s.IntN(4) {
		case 0:
			word = pick(s, s.group(pick(s, []string{"noun", "adjective", "food", "animal", "material"})))
		case 1:
			word = capital(word)
		}
		text += word
	}
	return text
}
