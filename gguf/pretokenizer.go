package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// llama.cpp does not run the pre-tokenizer that tokenizer.json describes: it has its own
// for each family, chosen by a name in the GGUF file. Its converter finds the name by
// hashing what the tokenizer makes of a probe text, in other words by behaviour. What
// decides the behaviour is the splitting pattern, so here the pattern is what is compared.

// The patterns, exactly as tokenizer.json files hold them.
const (
	patternContractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	patternTail         = ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternQwen2        = patternContractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|` + patternTail
	patternLlama3       = patternContractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` + patternTail

	caseUpper       = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	caseLower       = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	patternCaseTail = ` ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternTekken   = `[^\r\n\p{L}\p{N}]?` + caseUpper + `*` + caseLower + `+|[^\r\n\p{L}\p{N}]?` +
		caseUpper + `+` + caseLower + `*|\p{N}|` + patternCaseTail
	patternO200K = `[^\r\n\p{L}\p{N}]?` + caseUpper + `*` + caseLower + `+` + patternContractions +
		`?|[^\r\n\p{L}\p{N}]?` + caseUpper + `+` + caseLower + `*` + patternContractions +
		`?|\p{N}{1,3}|` + patternCaseTail
)

// preTokenizers maps the steps of a pre-tokenizer, as preSteps writes them, to llama.cpp's
// name. The second name is for tokenizers without ignore_merges, where llama.cpp has one.
var preTokenizers = map[string]struct{ name, withoutIgnoreMerges string }{
	"split " + patternQwen2:  {name: PreQwen2},
	"split " + patternLlama3: {name: PreLlamaBPE, withoutIgnoreMerges: "dbrx"},
	"split " + patternTekken: {name: "tekken"},
	"split " + patternO200K:  {name: "gpt-4o"},
	"gpt2":                   {name: "gpt-2"},
	"digits\ngpt2":           {name: "smollm"},
}

// preTokenizerJSON is one step of tokenizer.json's pre_tokenizer, or a sequence of steps.
type preTokenizerJSON struct {
	Type             string             `json:"type"`
	Pretokenizers    []preTokenizerJSON `json:"pretokenizers"`
	Pattern          struct{ Regex, String *string }
	Behavior         string `json:"behavior"`
	Invert           bool   `json:"invert"`
	IndividualDigits bool   `json:"individual_digits"`
	AddPrefixSpace   bool   `json:"add_prefix_space"`
	UseRegex         *bool  `json:"use_regex"`
}

// preName returns llama.cpp's name of the pre-tokenizer. The error of an unknown one says
// what its steps are.
func preName(raw json.RawMessage, ignoreMerges bool) (string, error) {
	steps, byteLevel, err := preSteps(raw)
	if err != nil {
		return "", err
	}
	if !byteLevel {
		return "", errors.New("the pre-tokenizer is not byte-level")
	}
	known, ok := preTokenizers[steps]
	if !ok {
		return "", fmt.Errorf("llama.cpp's name for this pre-tokenizer is not known, give it as an option: %q", steps)
	}
	if !ignoreMerges && known.withoutIgnoreMerges != "" {
		return known.withoutIgnoreMerges, nil
	}
	return known.name, nil
}

// preSteps describes what splits text, one step per line, and whether bytes are mapped.
func preSteps(raw json.RawMessage) (steps string, byteLevel bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false, nil
	}
	var pre preTokenizerJSON
	if err := json.Unmarshal(raw, &pre); err != nil {
		return "", false, fmt.Errorf("pre_tokenizer: %w", err)
	}
	list := []preTokenizerJSON{pre}
	if pre.Type == "Sequence" {
		list = pre.Pretokenizers
	}
	var out []string
	for _, step := range list {
		switch step.Type {
		case "Split":
			if step.Pattern.Regex == nil || step.Behavior != "Isolated" || step.Invert {
				out = append(out, "split by something else than an isolated pattern")
				continue
			}
			out = append(out, "split "+*step.Pattern.Regex)
		case "Digits":
			if step.IndividualDigits {
				out = append(out, "digits")
			} else {
				out = append(out, "digit runs")
			}
		case "ByteLevel":
			byteLevel = true
			if step.AddPrefixSpace {
				out = append(out, "prefix space")
			}
			if step.UseRegex == nil || *step.UseRegex {
				out = append(out, "gpt2")
			}
		default:
			out = append(out, step.Type)
		}
	}
	return strings.Join(out, "\n"), byteLevel, nil
}
