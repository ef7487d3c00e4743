package callama_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/schema"
)

// Open a model, ask it to answer with calls of tools, and run what it calls.
func Example() {
	model, err := callama.Open("model.gguf", callama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	data, err := os.ReadFile("examples/tools.json")
	if err != nil {
		log.Fatal(err)
	}
	tools, err := chat.ParseTools(data)
	if err != nil {
		log.Fatal(err)
	}
	question := []chat.Message{{Role: chat.User, Content: "Find the sum of a = [1, -1, 2] and b = [3, 0, -4]."}}
	calls, err := model.Call(context.Background(), question, tools)
	if err != nil {
		log.Fatal(err)
	}
	for _, call := range calls {
		fmt.Printf("%s(%s)\n", call.Name, call.Arguments)
	}
}

// A conversation of two turns: the model's calls and their results go back to it.
func ExampleModel_Chat() {
	model, err := callama.Open("model.gguf", callama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	temperature, seed := 0.7, uint64(1)
	req := callama.Request{
		Messages: []chat.Message{{Role: chat.User, Content: "What is the weather in Lisbon?"}},
		Tools: []chat.Tool{{
			Name:       "get_current_weather",
			Parameters: []byte(`{"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}`),
		}},
		Choice:    chat.Choice{Mode: chat.Named, Name: "get_current_weather"},
		MaxCalls:  1,
		MaxTokens: 256,
		Sampling:  callama.Sampling{Temperature: &temperature, TopP: 0.9, Seed: &seed},
	}
	reply, err := model.Chat(context.Background(), req, nil)
	if err != nil {
		log.Fatal(err)
	}
	if reply.FinishReason == callama.FinishLength {
		log.Fatal("the budget ended before the call did")
	}
	req.Messages = append(req.Messages, chat.Message{Role: chat.Assistant, Calls: reply.Calls})
	for _, call := range reply.Calls {
		req.Messages = append(req.Messages, chat.Message{Role: chat.ToolRole, CallID: call.ID, Name: call.Name, Content: `{"celsius": 21}`})
	}
	req.Choice = chat.Choice{Mode: chat.None}
	if reply, err = model.Chat(context.Background(), req, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Content)
}

// Read a reply while it is generated. Leaving the loop stops the generation.
func ExampleModel_Stream() {
	model, err := callama.Open("model.gguf", callama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	stream := model.Stream(context.Background(), callama.Request{
		Messages:       []chat.Message{{Role: chat.User, Content: "Invent a ticket."}},
		ResponseSchema: []byte(`{"type": "object", "properties": {"id": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"}}, "required": ["id"]}`),
		MaxTokens:      100,
	})
	for delta := range stream.Deltas() {
		fmt.Print(delta.Content)
	}
	reply, err := stream.Reply()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.FinishReason, reply.Usage.CompletionTokens)
}

// Tell apart what a caller can do something about.
func ExampleModel_Check() {
	model, err := callama.Open("model.gguf", callama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()

	err = model.Check([]chat.Tool{{Name: "pick", Parameters: []byte(`{"type": "object", "properties": {"n": {"$ref": "https://example.com/number.json"}}}`)}})
	var unfit *schema.Error
	switch {
	case errors.As(err, &unfit):
		fmt.Println(unfit.Tool, unfit.Pointer, unfit.Keyword) // the schema cannot be enforced
	case errors.Is(err, callama.ErrRequest):
		fmt.Println("the request is wrong:", err)
	case err != nil:
		log.Fatal(err)
	}
}
