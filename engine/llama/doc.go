// Package llama is the binding to llama.cpp's C API and the only package with cgo. It opens
// a libllama that it finds at run time: building needs a C compiler but neither headers
// nor libraries of llama.cpp.
//
//	lib, err := llama.Load("/path/to/libllama.so", llama.LoadOptions{})
//	model, err := lib.LoadModel("model.gguf", llama.ModelParams{})
//	defer model.Close()
//	ctx, err := model.NewContext(llama.ContextParams{NCtx: 4096})
//	defer ctx.Close()
//	batch, err := llama.NewBatch(ctx.NBatch())
//	defer batch.Close()
//	err = batch.Add(token, position, 0, true)
//	err = ctx.Decode(batch)
//	logits, err := ctx.Logits(batch.Len() - 1)
//
// # The ABI
//
// llama.cpp promises no stable binary interface, and reading a field at last month's
// offset is a crash at best. So Load asks the library before it trusts it: every function
// must be there, its version must be known, and the default parameters that it writes must
// be the known values at the known offsets. Anything else is an *ABIError.
//
// # What can kill the process
//
// llama.cpp answers some wrong arguments with abort(), and a C++ exception that leaves its
// C functions would be fatal too. Every argument is therefore checked here first, and
// files are scanned (their GGUF header) before the library reads them. What remains:
//
//   - Running out of memory inside the library while it computes.
//   - A GPU driver that fails during a decode: the CUDA backend aborts on device errors.
//   - Vocabularies whose pre-tokenizer is matched by std::regex, on very long words: it
//     recurses on the C stack. Qwen's, Llama 3's and GPT-2's are not.
//
// Functions of llama.cpp that throw where their arguments are wrong, and what stands before
// them here: llama_token_to_piece, llama_vocab_get_text and _get_attr (token range),
// llama_tokenize (vocabulary type), llama_sampler_accept (the grammar's own verdict first).
// llama_model_load_from_file, llama_init_from_model and llama_adapter_lora_init catch their
// own exceptions and return NULL, which becomes an *Error with the reason from the log.
//
// # Ownership and concurrency
//
// Close everything that has a Close; nothing is freed by the garbage collector. Close may be
// called twice. The order does not matter: a Model lives on, closed to new calls, until its
// last Context, Adapter and GrammarSampler is closed. A Library lives as long as the process:
// ggml's backends keep threads and thread-local state that do not survive dlclose.
//
// Library and Model are safe for concurrent use. Context, Batch and GrammarSampler belong to
// one goroutine at a time; only Context.Abort and Context.ClearAbort may be called from others.
package llama
