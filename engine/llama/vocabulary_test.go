package llama

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestTokenize(t *testing.T) {
	m := loadTiny(t)
	for _, c := range []struct {
		name, text         string
		special, parseName bool
		want               []int32
	}{
		{"empty", "", false, false, nil},
		{"bytes and a merge", "he!", false, false, []int32{tinyHello, '!'}},
		{"utf-8", "é", false, false, []int32{0xC3, 0xA9}},
		{"not utf-8", "a\xff", false, false, []int32{'a', 0xEF, 0xBF, 0xBD}},
		{"zero byte", "a\x00b", false, false, []int32{'a', 0, 'b'}},
		{"control name as text", "<|im_end|>", false, false, []int32{'<', '|', 'i', 'm', '_', 'e', 'n', 'd', '|', '>'}},
		{"control name parsed", "a<|im_end|>b", false, true, []int32{'a', tinyImEnd, 'b'}},
		{"user defined always", "a<think>b", false, false, []int32{'a', tinyThink, 'b'}},
		{"no bos wanted", "a", true, false, []int32{'a'}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := m.Tokenize(c.text, c.special, c.parseName)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("tokens %v, %v; want %v", got, err, c.want)
			}
		})
	}
	if _, err := m.Tokenize(strings.Repeat("x", MaxText+1), false, false); err == nil {
		t.Error("text beyond MaxText was accepted")
	}
}

func TestTokenizeAddsBOS(t *testing.T) {
	f := tinyModel(1)
	f.keys["tokenizer.ggml.add_bos_token"] = true
	m := loadFile(t, f)
	if !m.AddBOS() || loadTiny(t).AddBOS() {
		t.Error("AddBOS is not what the file says")
	}
	if got, err := m.Tokenize("a", true, false); err != nil || !slices.Equal(got, []int32{tinyEndOfText, 'a'}) {
		t.Errorf("tokens %v, %v", got, err)
	}
}

func TestVocabulary(t *testing.T) {
	m := loadTiny(t)
	names := byteNames()
	for b := range 256 {
		if got := m.TokenBytes(int32(b)); !bytes.Equal(got, []byte{byte(b)}) {
			t.Errorf("token %d has bytes %q", b, got)
		}
		if got := m.TokenText(int32(b)); got != names[b] {
			t.Errorf("token %d has text %q, want %q", b, got, names[b])
		}
	}
	for _, c := range []struct {
		token        int32
		bytes        string
		attr         Attr
		eog, control bool
	}{
		{'a', "a", AttrNormal, false, false},
		{tinyHello, "he", AttrNormal, false, false},
		{tinyEndOfText, "<|endoftext|>", AttrControl, true, true},
		{tinyImStart, "<|im_start|>", AttrControl, false, true},
		{tinyImEnd, "<|im_end|>", AttrControl, true, true},
		{tinyThink, "<think>", AttrUserDefined, false, false},
		{tinyVocab, "", 0, false, false},
		{-1, "", 0, false, false},
	} {
		if got := string(m.TokenBytes(c.token)); got != c.bytes {
			t.Errorf("token %d has bytes %q, want %q", c.token, got, c.bytes)
		}
		if got := m.Attr(c.token); got != c.attr {
			t.Errorf("token %d has attributes %b, want %b", c.token, got, c.attr)
		}
		if m.IsEOG(c.token) != c.eog || m.IsControl(c.token) != c.control {
			t.Errorf("token %d: end %t, control %t", c.token, m.IsEOG(c.token), m.IsControl(c.token))
		}
	}
	if got := [2]int32{m.BOS(), m.EOS()}; got != [2]int32{tinyEndOfText, tinyImEnd} {
		t.Errorf("bos and eos are %v", got)
	}
	if m.TokenText(tinyVocab) != "" {
		t.Error("a token out of range has a text")
	}
}

func TestLongTokens(t *testing.T) {
	f := tinyModel(1)
	long := strings.Repeat("long", 100)
	f.keys["tokenizer.ggml.tokens"].([]string)[tinyHello] = long
	delete(f.keys, "tokenizer.ggml.merges")
	f.keys["tokenizer.ggml.merges"] = []string{"l o"}
	if got := string(loadFile(t, f).TokenBytes(tinyHello)); got != long {
		t.Errorf("%d bytes, want %d", len(got), len(long))
	}
}

func TestDetokenize(t *testing.T) {
	m := loadTiny(t)
	text := "hello wörld <|im_end|>"
	tokens, err := m.Tokenize(text, false, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Detokenize(tokens, true); err != nil || got != text {
		t.Errorf("with names: %q, %v", got, err)
	}
	if got, err := m.Detokenize(tokens, false); err != nil || got != strings.TrimSuffix(text, "<|im_end|>") {
		t.Errorf("without names: %q, %v", got, err)
	}
	long := slices.Repeat([]int32{tinyEndOfText}, 1000)
	if got, err := m.Detokenize(long, true); err != nil || got != strings.Repeat("<|endoftext|>", 1000) {
		t.Errorf("a long text: %d bytes, %v", len(got), err)
	}
	if got, err := m.Detokenize(nil, true); err != nil || got != "" {
		t.Errorf("nothing: %q, %v", got, err)
	}
	for _, bad := range []int32{-1, tinyVocab} {
		if _, err := m.Detokenize([]int32{1, bad}, true); err == nil || !strings.Contains(err.Error(), "index 1") {
			t.Errorf("token %d: %v", bad, err)
		}
	}
}

// TestSentencePieceWithoutBytes is a vocabulary on which llama.cpp throws an exception.
func TestSentencePieceWithoutBytes(t *testing.T) {
	f := tinyModel(1)
	f.keys["tokenizer.ggml.model"] = "llama"
	for _, key := range []string{"tokenizer.ggml.merges", "tokenizer.ggml.pre"} {
		delete(f.keys, key)
	}
	f.keys["tokenizer.ggml.scores"] = make([]float32, tinyVocab)
	tokens := f.keys["tokenizer.ggml.tokens"].([]string)
	for i := range 256 {
		tokens[i] = strings.Repeat("word", 1+i%3) + string(rune('A'+i/3))
	}
	slices.Sort(tokens[:256])
	m := loadFile(t, f)
	if _, err := m.Tokenize("anything", false, false); err == nil || !strings.Contains(err.Error(), "no token for the byte") {
		t.Errorf("error is %v", err)
	}
}
