package callama

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/engine"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/grammar"
)

// Options says how to open a model. The zero value is a good default.
type Options struct {
	// Runtime is the llama.cpp library, its folder, or the name of an installed variant.
	// Empty: CALLAMA_RUNTIME, what "callama runtime install" put into the cache, the folder
	// of the executable, the system's libraries.
	Runtime string
	// Context is the context length in tokens, prompt and reply together; 0 is
	// engine.DefaultContext or what the model was trained for, whichever is less.
	Context int
	// Threads compute on the CPU; 0 is the number of physical cores.
	Threads int
	// GPULayers is the number of layers offloaded to the GPU: 0 is as many as fit,
	// engine.NoLayers none.
	GPULayers int
	// Adapters are LoRA adapters in GGUF form, applied to every reply.
	Adapters []engine.Adapter
	// ChatTemplate is Jinja text that replaces the model's own template.
	ChatTemplate string
	// StrictFormats refuses schemas with formats that are not known, instead of reading these
	// as annotations.
	StrictFormats bool
	// Lenient leaves out what of a schema cannot be enforced, instead of refusing it, and lists
	// it in Reply.Dropped. Replies may then be invalid under their schema.
	Lenient bool
	// Dialect names how calls are written, where it is not what the chat template teaches:
	// "plain-array" for a model or an adapter that was trained to it. Empty is the template's.
	Dialect string
	// Logger gets the engine's and llama.cpp's log; nil drops it.
	Logger *slog.Logger
	// Progress, if not nil, is called with the part of the weights that is loaded, 0 to 1;
	// returning false stops the load.
	Progress func(done float32) bool
}

// Model is an open model. It is safe for concurrent use; replies are computed one after
// the other. Close frees it.
type Model struct {
	engine   *engine.Model
	name     string
	template *chat.Template
	dialect  chat.Dialect
	grammars grammarCache

	strictFormats, lenient bool
}

// Open loads a model in GGUF format. Loading maps the file; it takes milliseconds to
// seconds by size. Errors name what is missing or damaged and what mends it.
func Open(path string, o Options) (*Model, error) {
	e, err := engine.Open(path, engine.Config{Runtime: o.Runtime, Context: o.Context, Threads: o.Threads,
		GPULayers: o.GPULayers, Adapters: o.Adapters, Logger: o.Logger, Progress: o.Progress})
	if err != nil {
		return nil, fmt.Errorf("callama: %w", err)
	}
	m := &Model{engine: e, name: strings.TrimSuffix(filepath.Base(path), ".gguf"), strictFormats: o.StrictFormats, lenient: o.Lenient}
	if err := m.loadTemplate(o); err != nil {
		return nil, errors.Join(fmt.Errorf("callama: %w", err), e.Close())
	}
	return m, nil
}

// loadTemplate takes the caller's template, else the model's, else ChatML.
func (m *Model) loadTemplate(o Options) error {
	source := o.ChatTemplate
	if source == "" {
		source, _ = m.engine.ChatTemplate()
	}
	if source == "" {
		source = gguf.BuiltinTokenizer().ChatTemplate
		if o.Logger != nil {
			o.Logger.Warn("the model has no chat template: ChatML is used", "model", m.name)
		}
	}
	t, err := chat.NewTemplate(source, chat.TemplateOptions{
		BOS: m.engine.TokenText(m.engine.BOS()), EOS: m.engine.TokenText(m.engine.EOS())})
	if err != nil {
		return fmt.Errorf("model %s: chat template: %w", m.name, err)
	}
	if o.Dialect != "" {
		d, err := chat.ParseDialect(o.Dialect)
		if err != nil {
			return err
		}
		if t, err = t.WithDialect(d); err != nil {
			return fmt.Errorf("model %s: %w", m.name, err)
		}
	}
	m.template, m.dialect = t, t.Dialect()
	return nil
}

// Close waits for the reply that is being computed and frees the model.
func (m *Model) Close() error { return m.engine.Close() }

// Name is the file's name without its extension.
func (m *Model) Name() string { return m.name }

// Engine returns the engine below, for callers who work with tokens and grammars.
func (m *Model) Engine() *engine.Model { return m.engine }

// Dialect is how this model writes calls.
func (m *Model) Dialect() chat.Dialect { return m.dialect }

// Call asks the model to answer messages with calls of tools: at least one call comes
// back, and each is valid for its tool's schema. Generation is greedy; Chat gives every
// choice. ErrIncomplete is returned if the context ends before the first call does.
func (m *Model) Call(ctx context.Context, messages []chat.Message, tools []chat.Tool) ([]chat.Call, error) {
	r, err := m.Chat(ctx, Request{Messages: messages, Tools: tools, Choice: chat.Choice{Mode: chat.Required}}, nil)
	if err != nil {
		return nil, err
	}
	if len(r.Calls) == 0 {
		return nil, ErrIncomplete
	}
	return r.Calls, nil
}

// Check compiles the tools as Chat would, and reports the first that cannot be enforced.
func (m *Model) Check(tools []chat.Tool) error {
	_, err := m.grammar(Request{Tools: tools, Choice: chat.Choice{Mode: chat.Required}}, chat.Reasoning{})
	return err
}

// CompileTools compiles the grammar of replies with calls of tools, as Chat does, but
// without keeping it; maxCalls 0 means no bound. It is nil where nothing is constrained:
// free text without tools.
func (m *Model) CompileTools(tools []chat.Tool, choice chat.Choice, maxCalls int) (*grammar.Compiled, error) {
	k := m.constraintOf(Request{Tools: tools, Choice: choice, MaxCalls: maxCalls}, chat.Reasoning{})
	if k == nil {
		return nil, nil
	}
	out, err := k.compile(m.engine.Vocab())
	if err != nil {
		return nil, err
	}
	return out.grammar, nil
}

// Prompt renders a conversation with the model's template, up to where the assistant
// begins, and turns it into tokens.
func (m *Model) Prompt(messages []chat.Message, tools []chat.Tool) ([]int32, error) {
	_, tokens, err := m.render(chat.Input{Messages: messages, Tools: tools})
	return tokens, err
}

// render returns the prompt as text and as tokens.
func (m *Model) render(in chat.Input) (text string, tokens []int32, err error) {
	in.AddGenerationPrompt = true
	if text, err = m.template.Render(in); err != nil {
		return "", nil, err
	}
	tokens, err = m.engine.TokenizePrompt(text)
	return text, tokens, err
}

// reasoning tells how the reply to a prompt begins. Tags that the model writes as control
// tokens are no text, so that nothing is known of them.
func (m *Model) reasoning(prompt string) chat.Reasoning {
	r := m.template.Reasoning(prompt)
	for _, tag := range []string{r.Open, r.Close} {
		if t, ok := m.engine.Vocab().Lookup(tag); ok && !m.engine.Vocab().IsText(t) {
			return chat.Reasoning{}
		}
	}
	return r
}

// grammar returns the grammar of a request's reply, nil if the text is free.
func (m *Model) grammar(req Request, r chat.Reasoning) (*built, error) {
	build := m.constraintOf(req, r)
	if build == nil {
		return nil, nil
	}
	return m.grammars.get(build, m.engine.Vocab())
}
