package server

import (
	"encoding/json"
	"strings"

	"github.com/callama/callama/chat"
)

// constraints are the parameters that say what the content must look like: OpenAI's,
// llama-server's and vLLM's, in the order in which they are looked at. At most one may be
// given; what each reads is in the functions.
var constraints = []struct {
	name string
	read func(name string, value json.RawMessage, req *chatRequest) (given bool, err error)
}{
	{"response_format", readFormat},
	{"json_schema", readSchema},
	{"grammar", readGrammar},
	{"guided_json", readSchema},
	{"guided_regex", readRegex},
	{"guided_choice", readChoice},
	{"guided_grammar", readGrammar},
	{"structured_outputs", readStructured},
}

// decodeConstraint reads the parameter that shapes the content, if there is one.
func decodeConstraint(f fields, req *chatRequest) error {
	given := ""
	for _, c := range constraints {
		value, ok := f[c.name]
		if !ok {
			continue
		}
		shapes, err := c.read(c.name, value, req)
		if err != nil {
			return err
		}
		if !shapes {
			continue
		}
		if given != "" {
			return badParam(c.name, "cannot be combined with %s", given)
		}
		given = c.name
	}
	if given == "" {
		return nil
	}
	if req.Choice.Mode == chat.None {
		req.Tools = nil // the content is all there is
	}
	if len(req.Tools) > 0 {
		return badParam(given, `cannot be combined with tools, unless tool_choice is "none"`)
	}
	return nil
}

// readFormat reads response_format. A schema is enforced whether it says strict or not.
func readFormat(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	var format struct {
		Type       string          `json:"type"`
		Schema     json.RawMessage `json:"schema"` // llama-server's place for it, with json_object
		JSONSchema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	}
	if json.Unmarshal(value, &format) != nil {
		return false, badParam(name, "want an object with a type")
	}
	switch format.Type {
	case "text":
		return false, nil
	case "json_object":
		req.ResponseSchema = schemaOrNil(format.Schema)
		req.JSONObject = req.ResponseSchema == nil
		return true, nil
	case "json_schema":
		if req.ResponseSchema = schemaOrNil(format.JSONSchema.Schema); req.ResponseSchema == nil {
			return false, badParam(name+".json_schema.schema", "a schema is required")
		}
		return true, nil
	}
	return false, badParam(name+".type", `want "text", "json_object" or "json_schema", not %q`, format.Type)
}

func schemaOrNil(schema json.RawMessage) json.RawMessage {
	if string(schema) == "null" {
		return nil
	}
	return schema
}

// readSchema reads a JSON Schema, which may be given as a string that holds it.
func readSchema(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	var text string
	if json.Unmarshal(value, &text) == nil {
		value = json.RawMessage(text)
	}
	if !json.Valid(value) {
		return false, badParam(name, "want a JSON Schema, or a string that holds one")
	}
	req.ResponseSchema = value
	return true, nil
}

// readGrammar reads GBNF; an empty text constrains nothing, as in llama-server.
func readGrammar(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	if json.Unmarshal(value, &req.GBNF) != nil {
		return false, badParam(name, "want a string with a GBNF grammar")
	}
	return req.GBNF != "", nil
}

func readRegex(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	if json.Unmarshal(value, &req.Regex) != nil || req.Regex == "" {
		return false, badParam(name, "want a regular expression that is not empty")
	}
	return true, nil
}

func readChoice(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	if json.Unmarshal(value, &req.Choices) != nil || len(req.Choices) == 0 {
		return false, badParam(name, "want a list of at least one string")
	}
	return true, nil
}

// readStructured reads vLLM's object of constraints. Members that would change the reply in
// another way are refused.
func readStructured(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	var members fields
	if json.Unmarshal(value, &members) != nil || members == nil {
		return false, badParam(name, "want an object")
	}
	given := ""
	for _, member := range []struct {
		name string
		read func(string, json.RawMessage, *chatRequest) (bool, error)
	}{{"json", readSchema}, {"regex", readRegex}, {"choice", readChoice}, {"grammar", readGrammar}, {"json_object", readObject}} {
		v, ok := members[member.name]
		delete(members, member.name)
		if !ok || string(v) == "null" {
			continue
		}
		shapes, err := member.read(name+"."+member.name, v, req)
		if err != nil {
			return false, err
		}
		if shapes && given != "" {
			return false, badParam(name+"."+member.name, "cannot be combined with %s.%s", name, given)
		}
		if shapes {
			given = member.name
		}
	}
	for member, v := range members {
		if s := string(v); s != "null" && s != "false" && !strings.HasPrefix(member, "_") {
			return false, unsupported(name+"."+member, "only json, regex, choice, grammar and json_object are")
		}
	}
	if given == "" {
		return false, badParam(name, "one of json, regex, choice, grammar and json_object is required")
	}
	return true, nil
}

func readObject(name string, value json.RawMessage, req *chatRequest) (bool, error) {
	if json.Unmarshal(value, &req.JSONObject) != nil {
		return false, badParam(name, "want true or false")
	}
	return req.JSONObject, nil
}

// decodeTemplate reads further variables of the chat template.
func decodeTemplate(f fields, req *chatRequest) error {
	_, err := decodeField(f, "chat_template_kwargs", "an object", &req.TemplateArgs)
	return err
}
