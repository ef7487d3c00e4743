package gguf

// Bytes returns the bytes that token id stands for in text: a normal token is spelled in
// the byte alphabet, the others are written as they are. Nil for an id out of range and for
// text outside the alphabet.
func (t *Tokenizer) Bytes(id int) []byte {
	if id < 0 || id >= len(t.Tokens) {
		return nil
	}
	out, ok := t.appendBytes(make([]byte, 0, len(t.Tokens[id].Text)), id)
	if !ok {
		return nil
	}
	return out
}

// appendBytes appends the bytes of token id. It reports false for text outside the alphabet.
func (t *Tokenizer) appendBytes(out []byte, id int) ([]byte, bool) {
	tok := &t.Tokens[id]
	if tok.Kind != TokenNormal {
		return append(out, tok.Text...), true
	}
	alphabet := runeBytes()
	for _, r := range tok.Text {
		b, ok := alphabet.find(r)
		if !ok {
			return out, false
		}
		out = append(out, b)
	}
	return out, true
}
