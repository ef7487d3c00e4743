package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine/llama"
	"github.com/callama/callama/engine/runtimes"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/train/corpus"
)

// rows invents conversations.
func rows(t testing.TB, cfg corpus.Config, n int) []*corpus.Row {
	t.Helper()
	var out []*corpus.Row
	if err := corpus.Generate(t.Context(), cfg, n, func(r *corpus.Row) error { out = append(out, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// learned is a small vocabulary of the corpus.
func learned(t testing.TB) *gguf.Tokenizer {
	t.Helper()
	template, err := chat.NewTemplate(ChatTemplate, chat.TemplateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var trainer Trainer
	for _, r := range rows(t, corpus.Config{Seed: 1}, 400) {
		messages, tools, err := r.Parse()
		if err != nil {
			t.Fatal(err)
		}
		text, err := template.Render(chat.Input{Messages: messages, Tools: tools})
		if err != nil {
			t.Fatal(err)
		}
		trainer.AddPrompt(text)
	}
	tok, err := trainer.Tokenizer(2048)
	if err != nil {
		t.Fatal(err)
	}
	if len(tok.Tokens) != 2048 {
		t.Fatalf("%d tokens", len(tok.Tokens))
	}
	return tok
}

func TestJoins(t *testing.T) {
	for _, tc := range []struct {
		left, right string
		want        bool
	}{
		{"a", "b", true}, {"Ab", "c", true}, {"get", "City", false}, {"A", "B", false},
		{" ", "a", false}, {"_", "a", false}, {"\"", "a", false}, {"a", "\"", false},
		{" ", "\"", true}, {"\"", ":", true}, {"}", "\n", true}, {" ", "1", false}, {"1", "2", false},
		{"\xe5", "\x8c", true}, {"\xe5\x8c", "\x97", true}, {"北", "\xe4", false}, {"北", "京", false},
		{"，", "a", false}, {"a", "\xe5", false}, {"\x8c", "\x97", false}, {"\xc3", "\xa9", true}, {"t", "\xc3", false},
	} {
		if got := joins(tc.left, tc.right); got != tc.want {
			t.Errorf("joins(%q, %q) is %v", tc.left, tc.right, got)
		}
	}
}

// TestWordsAreTheSameEverywhere: a value has the same tokens in a question, in a call and in a name.
func TestWordsAreTheSameEverywhere(t *testing.T) {
	tok := learned(t)
	e, err := gguf.NewEncoder(tok)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"weather", "Kovarin", "Lisbon", "XK", "北京", "茅台酒", "-42.5", "blue lantern", "é"} {
		want := e.Encode(word)
		for _, around := range [][2]string{{"in ", "?"}, {`{"a": "`, `"}`}, {`["`, `", "b"]`}, {"“", "”"}, {"《", "》"}, {"x_", "_y"}, {"查询", "的天气"}} {
			if word[0] == '-' && around[0] == "x_" {
				continue // punctuation joins
			}
			got := e.Encode(around[0] + word + around[1])
			if !contains(got, want) && !(word[0] == '-' && contains(got, want[1:])) {
				t.Errorf("%q has tokens %v, within %q it has %v", word, want, around, got)
			}
		}
	}
}

func contains(list, part []int32) bool {
	for i := range len(list) - len(part) + 1 {
		if slices.Equal(list[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// TestCharacters: frequent characters are tokens, whether or not the conversations have them.
func TestCharacters(t *testing.T) {
	var trainer Trainer
	trainer.Add("name name name 北京 a")
	trainer.AddCharacters()
	tok, err := trainer.Tokenizer(6000)
	if err != nil {
		t.Fatal(err)
	}
	e, err := gguf.NewEncoder(tok)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"啊": 1, "座": 1, "葫芦兄弟": 4, "name": 1, "龘": 2} {
		if got := e.Encode(text); len(got) != want {
			t.Errorf("%s is %d tokens, want %d", text, len(got), want)
		}
	}
	characters := 0
	for id := range tok.Tokens {
		if text := []rune(string(tok.Bytes(id))); len(text) == 1 && text[0] >= 0x4e00 && text[0] <= 0x9fff {
			characters++
		}
	}
	if characters != 3755 {
		t.Errorf("%d characters, want the 3755 of level 1", characters)
	}
}

func TestTokenizerErrors(t *testing.T) {
	var empty Trainer
	if _, err := empty.Tokenizer(1024); err == nil {
		t.Error("a vocabulary of nothing")
	}
	var some Trainer
	some.Add("ab ab")
	for _, size := range []int{0, MinSize - 1, MaxSize + 1} {
		if _, err := some.Tokenizer(size); err == nil {
			t.Errorf("size %d is taken", size)
		}
	}
	tok, err := some.Tokenizer(MinSize)
	if err != nil || len(tok.Tokens) != 256+1+len(added) {
		t.Errorf("%d tokens of a text that teaches one merge, %v", len(tok.Tokens), err)
	}
}

// TestTemplate shows what a model is served.
func TestTemplate(t *testing.T) {
	template, err := chat.NewTemplate(ChatTemplate, chat.TemplateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if template.Dialect() != chat.Hermes {
		t.Fatalf("the dialect is %s", template.Dialect())
	}
	row := corpus.Row{System: "S", Tools: `[{"type": "function", "function": {"description": "d", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}}, {"name": "g"}]`,
		Conversations: []corpus.Turn{{From: "human", Value: "q"}, {From: "function_call", Value: `[{"name": "f", "arguments": {"a": "é"}}, {"name": "g", "arguments": {}}]`},
			{From: "observation", Value: "1"}, {From: "observation", Value: "2"}, {From: "gpt", Value: "w"}, {From: "human", Value: "r"}}}
	messages, tools, err := row.Parse()
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Render(chat.Input{Messages: messages, Tools: tools, AddGenerationPrompt: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `<|im_start|>system
S
<tools>
{"description": "d", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
{"name": "g", "parameters": {"type": "object", "properties": {}}}
</tools><|im_end|>
<|im_start|>user
q<|im_end|>
<|im_start|>assistant
<tool_call>
{"name": "f", "arguments": {"a": "é"}}
</tool_call>
<tool_call>
{"name": "g", "arguments": {}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
1
</tool_response>
<tool_response>
2
</tool_response><|im_end|>
<|im_start|>assistant
w<|im_end|>
<|im_start|>user
r<|im_end|>
<|im_start|>assistant
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, err := template.Render(chat.Input{Messages: messages[1:2]}); err != nil || got != "<|im_start|>user\nq<|im_end|>\n" {
		t.Errorf("without tools: %q, %v", got, err)
	}
}

// TestTrainedIsServed: the assistant's tokens of each turn are exactly what would have to be
// generated after the prompt that is served at that point.
func TestTrainedIsServed(t *testing.T) {
	tok := learned(t)
	for _, dialect := range []chat.Dialect{chat.Hermes, chat.PlainArray} {
		r, err := NewRenderer(tok, dialect)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows(t, corpus.Config{Seed: 2}, 60) {
			messages, tools, err := row.Parse()
			if err != nil {
				t.Fatal(err)
			}
			tokens, own, err := r.Tokens(messages, tools)
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for i, m := range messages {
				if m.Role != chat.Assistant {
					continue
				}
				prompt, err := r.template.Render(chat.Input{Messages: messages[:i], Tools: tools, AddGenerationPrompt: true})
				if err != nil {
					t.Fatal(err)
				}
				served := r.encoder.EncodePrompt(prompt)
				if len(served) > len(tokens) || !slices.Equal(served, tokens[:len(served)]) {
					t.Fatalf("%s: message %d: what is trained does not begin with what is served", dialect, i)
				}
				if slices.Contains(own[at:len(served)], true) {
					t.Fatalf("%s: message %d: part of the prompt counts as the assistant's", dialect, i)
				}
				for at = len(served); own[at] && tokens[at] != r.end; at++ {
				}
				if !own[at] {
					t.Fatalf("%s: message %d: the end of the turn is not the assistant's", dialect, i)
				}
				at++
			}
			if slices.Contains(own[at:], true) {
				t.Fatalf("%s: something after the last turn is the assistant's", dialect)
			}
		}
	}
}

func TestRendererErrors(t *testing.T) {
	tok := *learned(t)
	tok.ChatTemplate = "{{ messages[0].content }}"
	if _, err := NewRenderer(&tok, chat.Hermes); err == nil {
		t.Error("a template without tools is taken for hermes")
	}
	r, err := NewRenderer(&tok, chat.PlainArray)
	if err != nil {
		t.Fatal(err)
	}
	conversation := []chat.Message{{Role: chat.User, Content: "q"}, {Role: chat.Assistant, Content: "a"}}
	if _, _, err := r.Tokens(conversation, nil); err == nil {
		t.Error("a template that does not write ChatML gives tokens")
	}
	tok.ChatTemplate = "{% if"
	if _, err := NewRenderer(&tok, chat.Hermes); err == nil {
		t.Error("a broken template is taken")
	}
}

func TestFile(t *testing.T) {
	tok := learned(t)
	r, err := NewRenderer(tok, chat.Hermes)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.NewFile()
	if err != nil {
		t.Fatal(err)
	}
	var want []int32
	long := 0
	for _, row := range rows(t, corpus.Config{Seed: 3}, 30) {
		c, err := r.Conversation(row)
		if err != nil {
			t.Fatal(err)
		}
		added := f.Add(c, 600)
		messages, tools, _ := row.Parse()
		tokens, _, _ := r.Tokens(messages, tools)
		if added != (len(tokens) <= 600) {
			t.Errorf("a conversation of %d tokens: added is %v", len(tokens), added)
		}
		if !added {
			long++
			continue
		}
		want = append(want, tokens...)
	}
	if long == 0 || f.Conversations() != 30-long || f.Tokens() != len(want) {
		t.Fatalf("%d conversations, %d left out, %d tokens, want %d", f.Conversations(), long, f.Tokens(), len(want))
	}
	var out bytes.Buffer
	n, err := f.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%d of %d bytes, %v", n, out.Len(), err)
	}
	data := out.Bytes()
	if string(data[:8]) != "CALTOK01" || binary.LittleEndian.Uint32(data[8:]) != 2048 ||
		binary.LittleEndian.Uint32(data[12:]) != uint32(f.Conversations()) || binary.LittleEndian.Uint64(data[16:]) != uint64(len(want)) {
		t.Fatalf("header %x", data[:24])
	}
	sum := 0
	for i := range f.Conversations() {
		sum += int(binary.LittleEndian.Uint32(data[24+4*i:]))
	}
	tokens := data[24+4*f.Conversations():]
	weights := tokens[2*len(want):]
	if sum != len(want) || len(weights) != len(want) {
		t.Fatalf("lengths add up to %d, %d weights, want %d", sum, len(weights), len(want))
	}
	ones := 0
	for i, id := range want {
		if got := binary.LittleEndian.Uint16(tokens[2*i:]); int32(got) != id {
			t.Fatalf("token %d is %d, want %d", i, got, id)
		}
		ones += int(weights[i])
	}
	if ones != f.Own() || ones == 0 || ones == len(want) {
		t.Errorf("%d weights are 1, Own is %d", ones, f.Own())
	}
	if _, err := r.Conversation(&corpus.Row{Tools: "["}); err == nil {
		t.Error("a broken row is rendered")
	}
}

// TestLlamaAgrees: llama.cpp makes the same tokens with the learned vocabulary.
func TestLlamaAgrees(t *testing.T) {
	found, err := runtimes.Find("")
	if errors.Is(err, runtimes.ErrNotFound) {
		t.Skip("no llama.cpp runtime: set CALLAMA_RUNTIME or install one")
	}
	if err != nil {
		t.Fatal(err)
	}
	lib, err := llama.Load(found.Library, llama.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tok := learned(t)
	path := filepath.Join(t.TempDir(), "vocab.gguf")
	if err := gguf.SynthesizeFile(t.Context(), path, gguf.SynthConfig{Tokenizer: tok, VocabOnly: true}); err != nil {
		t.Fatal(err)
	}
	model, err := lib.LoadModel(path, llama.ModelParams{VocabOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	r, err := NewRenderer(tok, chat.Hermes)
	if err != nil {
		t.Fatal(err)
	}
	for _, split := range []corpus.Split{corpus.Train, corpus.HeldOut} {
		for _, row := range rows(t, corpus.Config{Seed: 4, Split: split}, 100) {
			messages, tools, err := row.Parse()
			if err != nil {
				t.Fatal(err)
			}
			text, err := r.Text(messages, tools)
			if err != nil {
				t.Fatal(err)
			}
			want, err := model.Tokenize(text, false, true)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.encoder.EncodePrompt(text); !slices.Equal(got, want) {
				t.Fatalf("%s\ngot  %v\nwant %v", text, got, want)
			}
		}
	}
}

func TestAddPromptLeavesAddedTokensOut(t *testing.T) {
	var a, b Trainer
	a.AddPrompt("<|im_start|>user\nhi<tool_call>x</tool_call>")
	for _, text := range []string{"user\nhi", "x"} {
		b.Add(text)
	}
	if len(a.counts) != len(b.counts) || a.counts["hi"] != 1 {
		t.Errorf("counts %v, want %v", a.counts, b.counts)
	}
	for piece := range a.counts {
		if strings.ContainsAny(piece, "<|") {
			t.Errorf("piece %q", piece)
		}
	}
}
