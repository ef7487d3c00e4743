package chat_test

import (
	"fmt"
	"log"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/gbnf"
)

const chatTemplate = `{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.role == 'user' and tools %}{% for t in tools %}{{ t | tojson }}
{% endfor %}{% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}`

// A conversation and its tools become the prompt of a model, by the template that the model
// carries.
func ExampleTemplate_Render() {
	template, err := chat.NewTemplate(chatTemplate, chat.TemplateOptions{})
	if err != nil {
		log.Fatal(err)
	}
	tools, err := chat.ParseTools([]byte(`[{"name": "now", "description": "Tell the time", "parameters": {"type": "object", "properties": {}}}]`))
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := template.Render(chat.Input{
		Messages:            []chat.Message{{Role: chat.User, Content: "How late is it?"}},
		Tools:               tools,
		AddGenerationPrompt: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(template.Dialect())
	fmt.Print(prompt)
	// Output:
	// hermes
	// <|im_start|>user
	// {"type": "function", "function": {"name": "now", "description": "Tell the time", "parameters": {"type": "object", "properties": {}}}}
	// How late is it?<|im_end|>
	// <|im_start|>assistant
}

// The grammar of a reply has one rule for each state of the text in which a call may open;
// here only a call of the one tool is allowed.
func ExampleDialect_Grammar() {
	b := gbnf.NewBuilder()
	tools := []chat.ToolRules{{Name: "now", Arguments: gbnf.Lit("{}")}}
	root, err := chat.Hermes.Grammar(b, tools, chat.Choice{Mode: chat.Named, Name: "now"}, 1)
	if err != nil {
		log.Fatal(err)
	}
	g := b.Grammar(root)
	fmt.Println(len(g.Rules), g.Rules[g.Root].Name)
	// Output: 2 root
}

// A Parser reads the reply in whatever pieces it comes.
func ExampleParser() {
	p := chat.Hermes.NewParser()
	for _, piece := range []string{"One moment.\n<tool", "_call>\n{\"name\": \"now\", \"argu", "ments\": {}}\n</tool_call>"} {
		for _, e := range p.Write(piece) {
			switch e.Kind {
			case chat.ContentText:
				fmt.Printf("content %q\n", e.Text)
			case chat.CallStart:
				fmt.Printf("call %d: %s\n", e.Index, e.Name)
			case chat.CallArguments:
				fmt.Printf("arguments %s\n", e.Text)
			case chat.CallEnd:
				fmt.Println("end")
			}
		}
	}
	content, calls, complete := p.Close()
	fmt.Printf("%q, %d call, complete: %v\n", content, len(calls), complete)
	// Output:
	// content "One moment."
	// call 0: now
	// arguments {}
	// end
	// "One moment.", 1 call, complete: true
}
