package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
)

// tokenizerConfig is what is used of tokenizer_config.json.
type tokenizerConfig struct {
	AddBOS       *bool           `json:"add_bos_token"`
	BOS          *specialToken   `json:"bos_token"`
	EOS          *specialToken   `json:"eos_token"`
	Pad          *specialToken   `json:"pad_token"`
	Unknown      *specialToken   `json:"unk_token"`
	ChatTemplate json.RawMessage `json:"chat_template"`
}

// specialToken is a token's text, written as a string or as an object with content.
type specialToken string

func (s *specialToken) UnmarshalJSON(data []byte) error {
	var object struct{ Content string }
	if json.Unmarshal(data, (*string)(s)) == nil {
		return nil
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return errors.New("a special token is neither a string nor an object")
	}
	*s = specialToken(object.Content)
	return nil
}

// endOfTurn lists the texts that end a turn in the dialects of byte-level BPE models, and
// documentStart the one that such models without a BOS of their own have as padding.
var (
	endOfTurn     = []string{"<|im_end|>", "<|eot_id|>", "<|end|>", "<|end_of_turn|>"}
	documentStart = "<|endoftext|>"
)

// configure settles special tokens and templates from tokenizer_config.json (may be empty)
// and tokenizer.json's post_processor.
func (t *Tokenizer) configure(data []byte, post json.RawMessage) error {
	var c tokenizerConfig
	if len(data) > 0 {
		if err := json.Unmarshal(data, &c); err != nil {
			return err
		}
	}
	for _, role := range []struct {
		name string
		text *specialToken
		id   *int
	}{
		{"bos_token", c.BOS, &t.BOS}, {"eos_token", c.EOS, &t.EOS},
		{"pad_token", c.Pad, &t.Pad}, {"unk_token", c.Unknown, &t.Unknown},
	} {
		if role.text == nil || *role.text == "" {
			continue
		}
		if *role.id = t.id(string(*role.text)); *role.id < 0 {
			return fmt.Errorf("%s %q is not among the added tokens", role.name, string(*role.text))
		}
	}
	for _, text := range endOfTurn {
		if t.EOT = t.id(text); t.EOT >= 0 {
			break
		}
	}
	first := templateStart(post)
	if t.BOS < 0 && first != "" {
		t.BOS = t.id(first)
	}
	t.AddBOS = t.BOS >= 0 && first != "" && t.id(first) == t.BOS
	if c.AddBOS != nil {
		t.AddBOS = *c.AddBOS
	}
	t.defaultSpecial()
	return t.templates(c.ChatTemplate)
}

// defaultSpecial fills the roles that llama.cpp would otherwise give to token 11, GPT-2's
// habit: the start of a document, as the published configurations of such models have it.
func (t *Tokenizer) defaultSpecial() {
	if t.EOS < 0 {
		t.EOS = t.EOT
	}
	if t.EOS < 0 {
		t.EOS = t.id(documentStart)
	}
	if t.BOS < 0 {
		if t.BOS = t.id(documentStart); t.BOS < 0 {
			t.BOS = t.EOS
		}
	}
	t.AddBOS = t.AddBOS && t.BOS >= 0
}

// templateStart returns the special token that the post-processor puts before a text, or "".
func templateStart(raw json.RawMessage) string {
	type processor struct {
		Type       string      `json:"type"`
		Processors []processor `json:"processors"`
		Single     []struct {
			SpecialToken *struct {
				ID string `json:"id"`
			}
		} `json:"single"`
	}
	var p processor
	if len(raw) == 0 || json.Unmarshal(raw, &p) != nil {
		return ""
	}
	for _, step := range append([]processor{p}, p.Processors...) {
		if step.Type == "TemplateProcessing" && len(step.Single) > 0 && step.Single[0].SpecialToken != nil {
			return step.Single[0].SpecialToken.ID
		}
	}
	return ""
}

// templates reads chat_template: a string, or a list of named templates of which "default" is the one.
func (t *Tokenizer) templates(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &t.ChatTemplate) == nil {
		return nil
	}
	var named []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &named); err != nil {
		return errors.New("chat_template is neither a string nor a list of named templates")
	}
	for _, n := range named {
		switch {
		case n.Name == "default":
			t.ChatTemplate = n.Template
		case n.Name == "" || len(n.Name) > 64:
			return fmt.Errorf("a chat template's name has %d bytes, want 1 to 64", len(n.Name))
		default:
			if t.NamedTemplates == nil {
				t.NamedTemplates = map[string]string{}
			}
			t.NamedTemplates[n.Name] = n.Template
		}
	}
	return nil
}
