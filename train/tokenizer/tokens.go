package tokenizer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/gguf"
	"github.com/callama/callama/train/corpus"
)

// Renderer turns conversations into the tokens that a model with the tokenizer and its chat
// template is served: what is trained is what is served. It is immutable and safe for
// concurrent use.
type Renderer struct {
	template *chat.Template
	encoder  *gguf.Encoder
	open     []int32 // the tokens that open an assistant's turn
	end      int32   // the token that ends a turn
	size     int
}

// assistantOpening opens an assistant's turn in ChatML.
const assistantOpening = "<|im_start|>assistant\n"

// NewRenderer prepares a renderer. The tokenizer must carry a ChatML template, which dialect
// must be one of: see chat.Template.WithDialect.
func NewRenderer(tok *gguf.Tokenizer, dialect chat.Dialect) (*Renderer, error) {
	template, err := chat.NewTemplate(tok.ChatTemplate, chat.TemplateOptions{})
	if err != nil {
		return nil, err
	}
	if template, err = template.WithDialect(dialect); err != nil {
		return nil, err
	}
	encoder, err := gguf.NewEncoder(tok)
	if err != nil {
		return nil, err
	}
	if tok.EOT < 0 {
		return nil, fmt.Errorf("tokenizer: no token ends a turn")
	}
	return &Renderer{template: template, encoder: encoder, open: encoder.EncodePrompt(assistantOpening), end: int32(tok.EOT), size: len(tok.Tokens)}, nil
}

// Text renders a conversation.
func (r *Renderer) Text(messages []chat.Message, tools []chat.Tool) (string, error) {
	return r.template.Render(chat.Input{Messages: messages, Tools: tools})
}

// Tokens renders a conversation into tokens. own[i] says that the i-th is one that the assistant
// writes itself, the end of its turn included.
func (r *Renderer) Tokens(messages []chat.Message, tools []chat.Tool) (tokens []int32, own []bool, err error) {
	text, err := r.Text(messages, tools)
	if err != nil {
		return nil, nil, err
	}
	tokens = r.encoder.EncodePrompt(text)
	own = make([]bool, len(tokens))
	turns := 0
	for i := len(r.open); i < len(tokens); i++ {
		if !slices.Equal(tokens[i-len(r.open):i], r.open) {
			continue
		}
		turns++
		for ; i < len(tokens); i++ {
			own[i] = true
			if tokens[i] == r.end {
				break
			}
		}
	}
	want := 0
	for _, m := range messages {
		if m.Role == chat.Assistant {
			want++
		}
	}
	if turns != want {
		return nil, nil, fmt.Errorf("tokenizer: the prompt has %d turns of the assistant, the conversation %d", turns, want)
	}
	return tokens, own, nil
}

// Conversation is a row in tokens. It is immutable.
type Conversation struct {
	tokens []int32
	own    []bool // what the assistant writes itself
}

// Conversation renders a row. Errors are those of Row.Parse and of Tokens.
func (r *Renderer) Conversation(row *corpus.Row) (*Conversation, error) {
	messages, tools, err := row.Parse()
	if err != nil {
		return nil, err
	}
	tokens, own, err := r.Tokens(messages, tools)
	if err != nil {
		return nil, err
	}
	return &Conversation{tokens, own}, nil
}

// magic begins a file of tokens.
const magic = "CALTOK01"

// File collects conversations for a file of tokens: the magic, the size of the vocabulary and the
// number of conversations (uint32), the number of tokens (uint64), the length of each conversation
// (uint32), all tokens (uint16), and a weight for each (uint8, 1 for what the assistant writes).
// Numbers are little-endian. It holds 3 bytes for each token. One goroutine at a time may use it.
type File struct {
	size    int
	lengths []uint32
	tokens  []uint16
	weights []uint8
}

// NewFile makes an empty file for a renderer's vocabulary.
func (r *Renderer) NewFile() (*File, error) {
	if r.size > MaxSize {
		return nil, fmt.Errorf("tokenizer: %d tokens do not fit the 16 bits of a file of tokens", r.size)
	}
	return &File{size: r.size}, nil
}

// Add adds a conversation of the file's vocabulary, unless it is longer than most tokens (0 is no bound).
func (f *File) Add(c *Conversation, most int) (added bool) {
	if most > 0 && len(c.tokens) > most {
		return false
	}
	f.lengths = append(f.lengths, uint32(len(c.tokens)))
	for i, t := range c.tokens {
		weight := uint8(0)
		if c.own[i] {
			weight = 1
		}
		f.tokens, f.weights = append(f.tokens, uint16(t)), append(f.weights, weight)
	}
	return true
}

// Conversations returns the number of conversations.
func (f *File) Conversations() int { return len(f.lengths) }

// Tokens returns the number of tokens.
func (f *File) Tokens() int { return len(f.tokens) }

// Own returns the number of tokens that the assistant writes.
func (f *File) Own() int {
	n := 0
	for _, w := range f.weights {
		n += int(w)
	}
	return n
}

// WriteTo writes the file.
func (f *File) WriteTo(w io.Writer) (n int64, err error) {
	out := bufio.NewWriterSize(w, 1<<20)
	header := binary.LittleEndian.AppendUint32([]byte(magic), uint32(f.size))
	header = binary.LittleEndian.AppendUint32(header, uint32(len(f.lengths)))
	header = binary.LittleEndian.AppendUint64(header, uint64(len(f.tokens)))
	for _, part := range []any{header, f.lengths, f.tokens, f.weights} {
		if err := binary.Write(out, binary.LittleEndian, part); err != nil {
			return n, err
		}
		n += int64(binary.Size(part))
	}
	return n, out.Flush()
}
