package gguf

import "sync"

// Byte-level BPE (GPT-2) spells tokens with 256 printable characters, one for each byte:
// printable Latin-1 stands for itself, the other 68 bytes for U+0100 and up, in order.

// byteRunes returns the character of every byte.
var byteRunes = sync.OnceValue(func() [256]rune {
	var out [256]rune
	next := rune(0x100)
	for b := range 256 {
		if '!' <= b && b <= '~' || 0xa1 <= b && b <= 0xac || 0xae <= b {
			out[b] = rune(b)
			continue
		}
		out[b] = next
		next++
	}
	return out
})

// runeTable holds the bytes of characters plus one, 0 for those outside the alphabet.
type runeTable [0x100 + 68]uint16

// find returns the byte of a character.
func (t *runeTable) find(r rune) (b byte, ok bool) {
	if uint32(r) >= uint32(len(t)) || t[r] == 0 {
		return 0, false
	}
	return byte(t[r] - 1), true
}

// runeBytes is the inverse of byteRunes.
var runeBytes = sync.OnceValue(func() *runeTable {
	var out runeTable
	for b, r := range byteRunes() {
		out[r] = uint16(b) + 1
	}
	return &out
})

// byteAlphabet returns the bytes in the order of their characters, which is the order
// in which GPT-2-like vocabularies list their first 256 tokens.
func byteAlphabet() []byte {
	var plain, moved []byte
	for b, r := range byteRunes() {
		if r < 0x100 {
			plain = append(plain, byte(b))
		} else {
			moved = append(moved, byte(b))
		}
	}
	return append(plain, moved...)
}

// spellBytes writes bytes in the byte-level alphabet.
func spellBytes(raw string) string {
	alphabet := byteRunes()
	out := make([]rune, len(raw))
	for i := range len(raw) {
		out[i] = alphabet[raw[i]]
	}
	return string(out)
}

// isByteLevel reports whether text is spelled in the byte-level alphabet.
func isByteLevel(text string) bool {
	alphabet := runeBytes()
	for _, r := range text {
		if _, ok := alphabet.find(r); !ok {
			return false
		}
	}
	return true
}
