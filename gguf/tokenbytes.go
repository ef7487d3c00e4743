package gguf

// Bytes returns the bytes that token id stands for in text: a normal token is spelled in
// the byte alphabet, the others are written as they are. Nil for an id out of range and for
// text outside the alphabet.
func (t *Tokenizer) Bytes(id int) []byte {
	if id < 0 || id >= len(t.Tokens) {
		return nil
	}
	tok := t.Tokens[id]
	if tok.Kind != TokenNormal {
		return []byte(tok.Text)
	}
	out := make([]byte, 0, len(tok.Text))
	for _, r := range tok.Text {
		b, ok := runeBytes()[r]
		if !ok {
			return nil
		}
		out = append(out, b)
	}
	return out
}
